"""The built-in policy leads a team to consensus whatever the order of its rounds."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from massgen.testing import Call, OfferedTool, ReceivedRequest, Turn, View, answer_then_vote

BLOCKS = (
    "<original_message>Q</original_message>\n<current_answers>\n"
    '<answer label="agent1.2" agent="agent1">short</answer>\n'
    '<answer label="agent2.1" agent="agent2">much longer answer</answer>\n</current_answers>'
)
INJECTED = "saved\n====\n[UPDATE: agent2 submitted new answer(s)]\n[agent2] (workspace: /tmp/x):\nFour.\n===="


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
