"""A conversation in the form of the log comes back as it was, and repeats nothing that the log has."""

from __future__ import annotations

import json

import pytest

from massgen.agents.record import response_from, response_record, result_entry, step_from
from massgen.backends.protocol import AssistantMessage, ToolCall, ToolResultMessage
from massgen.tools.protocol import ToolOutcome

ANSWER = "Ünlike five, \"four\" is right.\n" * 50


@pytest.mark.parametrize("said", ["", "Here it is."])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("marks", [(", ", ": "), (",", ":")])
def test_a_streamed_answer_is_not_repeated(said: str, ascii_only: bool, marks: tuple[str, str]) -> None:
    arguments = json.dumps({"content": ANSWER}, ensure_ascii=ascii_only, separators=marks)
    message = AssistantMessage(text=said, tool_calls=(ToolCall(call_id="1", name="new_answer", arguments=arguments),))
    streamed = f"{said}\n\n{ANSWER}" if said else ANSWER
    record = response_record(message, streamed, "")
    assert len(json.dumps(record)) < 100
    assert response_from(json.loads(json.dumps(record)), streamed, "") == message


@pytest.mark.parametrize(
    "message",
    [
        AssistantMessage(text="four", reasoning="two and two"),
        AssistantMessage(tool_calls=(ToolCall(call_id="1", name="new_answer", arguments='{"content":"x"'),)),
        AssistantMessage(text="a", tool_calls=(ToolCall(call_id="1", name="look", arguments='{"content": "b"}'),)),
        AssistantMessage(),
    ],
)
@pytest.mark.parametrize("streamed", ["", "four", "a\n\nb", "a"])
def test_a_response_comes_back_whatever_was_streamed(message: AssistantMessage, streamed: str) -> None:
    record = json.loads(json.dumps(response_record(message, streamed, "two and two")))
    assert response_from(record, streamed, "two and two") == message


def test_a_result_is_what_the_tool_returned_and_what_was_put_behind_it() -> None:
    message = ToolResultMessage(call_id="1", name="look", text="seen\n\nNEWS", is_error=True)
    entry = json.loads(json.dumps(result_entry(message, "seen")))
    assert "seen" not in str(entry)
    assert step_from(entry, {"1": ToolOutcome(text="seen", is_error=True)}) == message
    assert step_from(result_entry(message, None), {}) == message
    with pytest.raises(ValueError):
        step_from(entry, {})
