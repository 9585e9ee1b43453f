"""Prompt text and tool schemas of each phase and feature, in tokens of four bytes, and what repeated prompts share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from budget import Figure
from provider import ask, policies, team

from massgen.testing import ReceivedRequest, ScriptedProvider

BUDGETS = {"first round": 400, "voting round": 550, "presentation": None}
FILES = {"cwd": "work"}
COMMANDS = {**FILES, "enable_mcp_command_line": True}
Change = tuple[Mapping[str, Any], Mapping[str, Any]]
"""Keys of each backend and of the orchestrator's coordination."""

FEATURES: dict[str, Change] = {
    "nothing more": ({}, {}),
    "files": (FILES, {"enable_changedoc": False}),
    "files, change document": (FILES, {}),
    "files, commands": (COMMANDS, {"enable_changedoc": False}),
    "files, commands, change document": (COMMANDS, {}),
    "files, memory": (FILES, {"enable_changedoc": False, "enable_memory_filesystem_mode": True}),
    "questions to the others": ({}, {"broadcast": "agents"}),
    "task plan": (FILES, {"enable_changedoc": False, "enable_agent_task_planning": True}),
}


def phase(request: ReceivedRequest) -> str:
    names = request.view.tool_names
    if "vote" in names:
        return "voting round"
    return "first round" if "new_answer" in names else "presentation"


def parts(request: ReceivedRequest) -> tuple[float, float]:
    """Tokens of the messages and of the tools as they are sent."""
    body = request.json
    sent = [message.get("content") or "" for message in body["messages"]]
    text = "".join(part if isinstance(part, str) else json.dumps(part) for part in sent)
    tools = json.dumps(body["tools"], separators=(",", ":")) if body.get("tools") else ""
    return len(text.encode()) / 4, len(tools.encode()) / 4


def shared_prefix(requests: Sequence[ReceivedRequest]) -> float:
    """The share of the earlier system text that an agent's next request begins with."""
    first, second = (request.json["messages"][0]["content"] for request in requests[:2])
    same = next((index for index, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))
    return same / len(first)


async def requests_with(change: Change) -> list[ReceivedRequest]:
    """What two agents with a feature ask, that of the first first."""
    backend, coordination = change
    async with ScriptedProvider(policies(2)) as server:
        config = team(server.openai_url, 2)
        for agent in config["agents"]:
            agent["backend"] |= backend
        config["orchestrator"] = {"coordination": dict(coordination)}
        await ask(config)
        return [*server.requests_for("model-1"), *server.requests_for("model-2")]


async def measure() -> None:
    print(f"{'tokens of text + tools':<34}" + "".join(f"{name:>20}" for name in BUDGETS))
    for feature, change in FEATURES.items():
        requests = await requests_with(change)
        most = {
            name: max((parts(request) for request in requests if phase(request) == name), key=sum) for name in BUDGETS
        }
        print(f"{feature:<34}" + "".join(f"{f'{text:.0f} + {tools:.0f}':>20}" for text, tools in most.values()))
        if feature == "nothing more":
            plain, own = most, requests
    for name, budget in BUDGETS.items():
        Figure(name=f"prompt of a {name}", measured=sum(plain[name]), unit="tokens", budget=budget).report()
    Figure(name="system text that two rounds of an agent share", measured=shared_prefix(own), unit="x", budget=1,
           at_least=True).report()  # fmt: skip


if __name__ == "__main__":
    asyncio.run(measure())
