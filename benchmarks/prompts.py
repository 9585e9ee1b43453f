"""Prompt text and tool schemas of each phase, in tokens of four bytes, and what a repeated prompt has in common."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from budget import Figure
from provider import ask, policies, team

from massgen.testing import ReceivedRequest, ScriptedProvider

BUDGETS = {"first round": 400, "voting round": 550, "presentation": None}


def phase(request: ReceivedRequest) -> str:
    names = request.view.tool_names
    if "vote" in names:
        return "voting round"
    return "first round" if "new_answer" in names else "presentation"


def tokens(request: ReceivedRequest) -> float:
    """Messages and tools as they are sent."""
    body = request.json
    sent = [message.get("content") or "" for message in body["messages"]]
    text = "".join(part if isinstance(part, str) else json.dumps(part) for part in sent)
    tools = json.dumps(body.get("tools", []), separators=(",", ":")) if body.get("tools") else ""
    return len((text + tools).encode()) / 4


def shared_prefix(requests: Sequence[ReceivedRequest]) -> float:
    """The share of the earlier system text that an agent's next request begins with."""
    first, second = (request.json["messages"][0]["content"] for request in requests[:2])
    same = next((index for index, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))
    return same / len(first)


async def measure() -> None:
    async with ScriptedProvider(policies(2)) as server:
        await ask(team(server, 2))
        requests = list(server.requests)
        own = server.requests_for("model-1")
    for name, budget in BUDGETS.items():
        most = max(tokens(request) for request in requests if phase(request) == name)
        Figure(name=f"prompt of a {name}", measured=most, unit="tokens", budget=budget).report()
    Figure(name="system text that two rounds of an agent share", measured=shared_prefix(own), unit="x", budget=1,
           at_least=True).report()  # fmt: skip


if __name__ == "__main__":
    asyncio.run(measure())
