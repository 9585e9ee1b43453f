"""One question from Python; the result is a dictionary."""

import asyncio

import massgen

result = asyncio.run(massgen.run("Tabs or spaces?", config="@examples/demo/duo", enable_logging=True))
print(result["final_answer"])
print("chosen:", result["selected_agent"], "with votes", result["vote_results"]["vote_counts"])
print("everything about it:", result["log_directory"])
