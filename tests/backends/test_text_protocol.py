"""Models without tool calls take part by writing one fenced JSON object; anything else stays text."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from massgen.backends import PolicyBackend, Turn
from massgen.backends.protocol import (
    AssistantMessage,
    ModelDone,
    Retrying,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolResultMessage,
)
from massgen.backends.text_backend import TextProtocolBackend, plain_request
from massgen.backends.text_protocol import find_call, format_call
from massgen.testing import say
from tests.backends.harness import ANSWER, UNHURRIED, ask, bench, done_of, events_of, run

NAMES = {"new_answer", "vote"}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
SHARDS = st.lists(
    st.sampled_from(["```", "```json\n", "\n", "{", "}", '"tool"', ":", '"vote"', '"arguments"', ",", "\\", "é", " "]),
    max_size=40,
).map("".join)


@UNHURRIED
@given(before=TEXT, arguments=st.dictionaries(TEXT, JSON, max_size=4), name=st.sampled_from(sorted(NAMES)))
@example(before="say", arguments={"content": "a\n```python\nx = {}\n```\nb"}, name="new_answer")
@pytest.mark.spec("BE-021")
def test_every_call_that_is_written_out_is_found_again(before, arguments, name):
    text = f"{before}\n{format_call(name, json.dumps(arguments))}"
    found = find_call(text, NAMES)
    assert found is not None
    assert (found.name, json.loads(found.arguments)) == (name, arguments)


@UNHURRIED
@given(text=st.one_of(st.text(max_size=200), SHARDS))
@pytest.mark.spec("BE-021")
def test_no_text_breaks_the_reader(text):
    found = find_call(text, NAMES)
    if found is not None:
        assert found.name in NAMES
        assert isinstance(json.loads(found.arguments), dict)


@pytest.mark.parametrize(
    "text",
    [
        "I vote for agent1.",
        '```json\n{"tool": "delete_all", "arguments": {}}\n```',
        '```json\n{"tool": "vote", "arguments": {"agent_id": \n```',
        '```json\n{"tool": "vote", "arguments": []}\n```',
        '```json\n{"tool": "vote", "arguments": {}} and more\n```',
        '{"tool": "vote", "arguments": {}} is what I would write',
        '```python\nprint({"tool": "vote"})\n```',
        "```json\n" + '{"tool":' * 5000,
        "```json\n" + "[" * 100_000,
    ],
)
@pytest.mark.spec("BE-021")
def test_what_is_no_whole_call_of_an_offered_tool_stays_text(text):
    assert find_call(text, NAMES) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"tool": "vote", "arguments": {"agent_id": "agent1"}}',
        '```\n{"tool": "vote", "arguments": {"agent_id": "agent1"}}\n```',
        'Well.\n```JSON\n{"tool": "vote", "arguments": {"agent_id": "agent1"}}\n```\nDone.',
        'First\n```json\n{"tool": "new_answer", "arguments": {}}\n```\nno:\n'
        '```json\n{"tool": "vote", "arguments": {"agent_id": "agent1"}}\n```',
        '```json\n{"tool": "vote", "arguments": {"agent_id": "agent1"}}',
    ],
    ids=["bare", "fence without language", "text after it", "the last of two", "fence not closed"],
)
@pytest.mark.spec("BE-021")
def test_the_forms_in_which_a_call_is_accepted(text):
    found = find_call(text, NAMES)
    assert found is not None
    assert (found.name, json.loads(found.arguments)) == ("vote", {"agent_id": "agent1"})


@pytest.mark.spec("BE-021")
def test_line_breaks_inside_a_string_are_forgiven():
    found = find_call('```json\n{"tool": "new_answer", "arguments": {"content": "a\nb"}}\n```', NAMES)
    assert found is not None
    assert json.loads(found.arguments) == {"content": "a\nb"}


def spoken(text, chunks=()):
    return TextProtocolBackend(PolicyBackend(lambda _: Turn(text=text, chunks=chunks)))


@pytest.mark.spec("BE-021")
def test_a_written_call_comes_out_as_a_tool_call():
    events = run(events_of(spoken("I think so.\n" + format_call("new_answer", '{"content": "4"}'))))
    done = events[-1]
    assert isinstance(done, ModelDone)
    assert done.finish_reason == "tool_calls"
    assert done.message.text == "I think so."
    assert [(made.name, json.loads(made.arguments)) for made in done.message.tool_calls] == [
        ("new_answer", {"content": "4"})
    ]
    shown = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert shown.strip() == "I think so."
    assert any(isinstance(event, ToolCallDelta) for event in events)


@UNHURRIED
@given(text=st.one_of(TEXT, SHARDS), sizes=st.lists(st.integers(1, 5), max_size=30))
@pytest.mark.spec("BE-021")
def test_text_without_a_call_is_streamed_whole_however_it_is_cut(text, sizes):
    pieces, at = [], 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    pieces.append(text[at:])
    events = run(events_of(spoken(text, tuple(pieces)), ask(tools=())))
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == text


@pytest.mark.spec("BE-021")
def test_tools_calls_and_results_are_written_out_for_the_model():
    made = AssistantMessage(tool_calls=(ToolCall(call_id="c", name="new_answer", arguments='{"content": "4"}'),))
    result = ToolResultMessage(call_id="c", name="new_answer", text="refused: too similar", is_error=True)
    first = ask()
    plain = plain_request(replace(first, messages=(*first.messages, made, result)))
    assert plain.tools == ()
    assert ANSWER.name in plain.system and '"content"' in plain.system
    assert find_call(plain.messages[1].text, {"new_answer"}) is not None
    assert plain.messages[2].text == "Error of new_answer:\nrefused: too similar"


@pytest.mark.spec("BE-021")
def test_it_works_over_http_with_no_tools_in_the_request():
    async def work():
        async with bench(say(format_call("new_answer", '{"content": "4"}'))) as place:
            done = await done_of(place.backend("vllm", text_protocol=True))
            return done, place.server.requests[-1].json

    done, body = run(work())
    assert done.message.tool_calls[0].name == "new_answer"
    assert "tools" not in body


@pytest.mark.spec("BE-021", "BE-030")
def test_text_of_a_failed_try_is_not_mixed_into_the_next():
    class Flaky(PolicyBackend):
        async def stream(self, request):
            yield TextDelta(text="```json\n{")
            yield Retrying(attempt=2, delay_seconds=0, reason="x", kind="connection")
            async for event in super().stream(request):
                yield event

    backend = TextProtocolBackend(Flaky(lambda _: Turn(text="plain words")))
    events = run(events_of(backend))
    retry = next(index for index, event in enumerate(events) if isinstance(event, Retrying))
    assert "".join(event.text for event in events[retry:] if isinstance(event, TextDelta)) == "plain words"
