"""The official OpenAI client and a team that may call functions of this program.

massgen serve --config team.yaml &
python functions.py http://127.0.0.1:4000/v1
"""

import json
import sys

from openai import OpenAI

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "stock",
            "description": "How many pieces of an article are in the warehouse.",
            "parameters": {"type": "object", "properties": {"article": {"type": "string"}}, "required": ["article"]},
        },
    }
]


def stock(article: str) -> str:
    return f"{len(article)} pieces of {article}"


def main(url: str) -> None:
    client = OpenAI(base_url=url, api_key="not-needed")
    messages: list = [{"role": "user", "content": "Can we send ten lamps today?"}]
    while True:
        reply = client.chat.completions.create(model="massgen", messages=messages, tools=TOOLS)
        message = reply.choices[0].message
        if not message.tool_calls:
            print(message.content)
            return
        messages.append(message)
        for call in message.tool_calls:
            result = stock(**json.loads(call.function.arguments))
            print("the team asks:", result)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:4000/v1")
