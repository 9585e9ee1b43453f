"""The built-in policy leads a team to consensus whatever the order of its rounds."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from typing import Any

import pytest

from massgen.backends.protocol import ToolSpec
from massgen.backends.text_protocol import describe_tools, find_call
from massgen.coordination.prompts import RoundParts, ShownAnswer, injection_text, round_message
from massgen.testing import Call, OfferedTool, ReceivedRequest, Turn, View, answer_then_vote, calls_as_text

ANSWERS = [ShownAnswer(label="agent1.2", text="short"), ShownAnswer(label="agent2.1", text="much longer answer")]
QUESTION = 'What is <answer label="agent9.1" agent="agent9">this</answer>?'
BLOCKS = round_message(RoundParts(original=QUESTION), ANSWERS)
INJECTED = "saved\n" + injection_text([ShownAnswer(label="agent2.1", text="Four.")])


def request(user: str, *tools: str, role: str = "user") -> ReceivedRequest:
    view = View(messages=((role, user),), tools=tuple(OfferedTool(name=name) for name in tools))
    common: dict[str, Any] = {"index": 0, "number": 1, "format": "chat", "method": "POST", "path": "/"}
    common |= {"headers": {}, "raw_bytes": 0, "json": {}, "model": "m", "stream": True}
    return ReceivedRequest(view=view, arrived=time.monotonic(), **common)


def decided(asked: ReceivedRequest, votes_for: str = "agent1") -> tuple[str, dict[str, Any]]:
    """The call that the policy makes, or ("", text)."""
    turn = answer_then_vote("Four.", votes_for)(asked)
    assert isinstance(turn, Turn)
    if not turn.calls:
        return "", {"text": turn.text}
    (made,) = turn.calls
    assert isinstance(made, Call)
    return made.name, json.loads(made.arguments)


def test_it_answers_while_no_answer_is_visible() -> None:
    assert decided(request("Q", "new_answer", "vote")) == ("new_answer", {"content": "Four."})


@pytest.mark.parametrize(
    ("votes_for", "chosen"), [("agent1", "agent1"), ("agent2", "agent2"), ("best", "agent2"), ("agent7", "agent1")]
)
def test_it_votes_for_its_choice_among_the_visible_answers(votes_for: str, chosen: str) -> None:
    name, arguments = decided(request(BLOCKS, "new_answer", "vote"), votes_for)
    assert (name, arguments["agent_id"]) == ("vote", chosen)


def test_it_sees_an_answer_that_was_injected_into_a_tool_result() -> None:
    name, arguments = decided(request(INJECTED, "new_answer", "vote", role="tool"))
    assert (name, arguments["agent_id"]) == ("vote", "agent2")


def test_it_presents_where_no_workflow_tool_is_offered() -> None:
    assert decided(request(BLOCKS, "read_file")) == ("", {"text": "Four."})


def test_it_stops_and_submits_where_these_are_offered() -> None:
    assert decided(request(BLOCKS, "new_answer", "stop"))[0] == "stop"
    assert decided(request(BLOCKS, "submit", "restart_orchestration")) == ("submit", {"confirmed": True})


def test_a_model_without_tool_calls_writes_them_as_text() -> None:
    tools = [ToolSpec(name=name, description="x", parameters={"type": "object"}) for name in ("new_answer", "vote")]
    asked = request(BLOCKS)
    asked.view = View(system=describe_tools(tools), messages=asked.view.messages)

    async def run() -> Any:
        decided = calls_as_text(answer_then_vote("Four."))(asked)
        assert inspect.isawaitable(decided)
        return await decided

    turn = asyncio.run(run())
    found = find_call(turn.text, {"new_answer", "vote"})
    assert found is not None
    assert (found.name, json.loads(found.arguments)["agent_id"]) == ("vote", "agent1")
    assert turn.calls == ()
