"""Requests of one agent begin alike, byte for byte, so that providers' prompt caches hit: from call to call within a
round, and from round to round up to what the rules change. Proven against the recorded requests of all four formats.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from massgen.config import load_config
from massgen.runs.request import RunRequest
from massgen.runs.run import Run
from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, answer_then_vote, call, use

QUESTION = "What is 2+2? Explain it to a child."


@dataclass(frozen=True, slots=True)
class Wire:
    """Where a format keeps the three parts of a request, as text in the order in which caches read them."""

    system: Callable[[Any], Any]
    messages: Callable[[Any], list[Any]]


WIRES = {
    "chatcompletion": Wire(lambda body: body["messages"][0], lambda body: body["messages"][1:]),
    "openai": Wire(lambda body: body["input"][0], lambda body: body["input"][1:]),
    "claude": Wire(lambda body: body["system"], lambda body: body["messages"]),
    "gemini": Wire(lambda body: body["systemInstruction"], lambda body: body["contents"]),
}


def exact(value: Any) -> str:
    """The text that was sent: dictionaries keep the order in which they were parsed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def unmarked(value: Any) -> Any:
    """Without Claude's marks of where a cache may end, which are no part of the text."""
    match value:
        case dict():
            return {key: unmarked(item) for key, item in value.items() if key != "cache_control"}
        case list():
            return [unmarked(item) for item in value]
        case _:
            return value


def tools(body: Any) -> list[str]:
    found = body["tools"]
    return [exact(tool) for item in found for tool in item.get("functionDeclarations", [item])]


def working(text: str) -> Callable[[ReceivedRequest], Turn]:
    """Reads and writes files before it answers, votes and presents."""
    base = answer_then_vote(text, "agent1")

    def decide(request: ReceivedRequest) -> Turn:
        done = len(request.view.results)
        if done == 0:
            return use(call("mcp__filesystem__write_file", path="note.txt", content=f'{text} ☃ \\ " \n'))
        if done == 1:
            return Turn(text="Let me see.", calls=(call("mcp__filesystem__read_file", path="note.txt"),))
        reply = base(request)
        assert isinstance(reply, Turn)
        return reply

    return decide


async def requests_of(kind: str, launch: Path, **extra: Any) -> list[ReceivedRequest]:
    """What the first of two agents with files and commands asked, the presentation included."""
    async with ScriptedProvider({"m1": working("four"), "m2": working("IV")}) as server:
        url = server.base_url if kind in ("claude", "gemini") else server.openai_url
        backend = {"type": kind, "base_url": url, "api_key": "sk-x", "cwd": "work", "enable_mcp_command_line": True}
        agents = [{"id": f"agent {n}", "backend": {**backend, "model": f"m{n}"}, **extra} for n in (1, 2)]
        run = Run(RunRequest(loaded=load_config({"agents": agents}), question=QUESTION, launch=launch, automation=True))
        run.prepare()
        result = await run.execute()
        assert result.exit_code == 0 and not result.errors
        return server.requests_for("m1")


def rounds(requests: list[ReceivedRequest]) -> list[list[ReceivedRequest]]:
    """The requests of each round: one begins where there is no result of a tool yet."""
    found: list[list[ReceivedRequest]] = []
    for request in requests:
        if not request.view.results:
            found.append([])
        found[-1].append(request)
    return found


@pytest.mark.parametrize("kind", WIRES)
def test_within_a_round_each_request_begins_with_the_whole_one_before(kind: str, tmp_path: Path) -> None:
    wire = WIRES[kind]
    found = rounds(asyncio.run(requests_of(kind, tmp_path)))
    assert [len(one) for one in found] == [3, 3, 3]
    for one in found:
        for before, after in pairwise(unmarked(request.json) for request in one):
            assert tools(after) == tools(before)
            assert exact(wire.system(after)) == exact(wire.system(before))
            begun = wire.messages(before)
            assert exact(wire.messages(after)[: len(begun)]) == exact(begun)
            rest = {key: value for key, value in after.items() if value not in (wire.messages(after), after["tools"])}
            assert all(
                exact(before[key]) == exact(value) for key, value in rest.items() if key not in ("input", "messages")
            )


@pytest.mark.parametrize("kind", WIRES)
def test_from_round_to_round_tools_and_system_text_stay_and_new_tools_come_last(kind: str, tmp_path: Path) -> None:
    wire = WIRES[kind]
    answer, ballot, presentation = (one[0] for one in rounds(asyncio.run(requests_of(kind, tmp_path))))
    own = tools(unmarked(presentation.json))
    assert len(own) > 10
    assert presentation.view.tool_names == answer.view.tool_names[: len(own)]
    assert tools(unmarked(answer.json)) == [*own, *tools(unmarked(answer.json))[len(own) :]]
    assert answer.view.tool_names[len(own) :] == ("new_answer",)
    assert tools(unmarked(ballot.json))[: len(own) + 1] == tools(unmarked(answer.json))
    assert ballot.view.tool_names[len(own) :] == ("new_answer", "vote")
    assert exact(wire.system(ballot.json)) == exact(wire.system(answer.json))
    first, second = (exact(wire.messages(unmarked(request.json))) for request in (answer, ballot))
    assert second.startswith(first[: first.index(QUESTION) + len(QUESTION)])


def marks(body: Any) -> dict[str, int]:
    """How often a part of a request is marked as the end of what is to be cached."""
    return {
        key: exact(value).count('"cache_control"') for key, value in body.items() if "cache_control" in exact(value)
    }


def test_claude_is_told_what_to_keep(tmp_path: Path) -> None:
    """It caches nothing that is not marked."""
    for request in asyncio.run(requests_of("claude", tmp_path)):
        assert marks(request.json) == {"system": 1, "messages": 1}
        assert "cache_control" in exact(request.json["messages"][-1])
