"""A turn means the same to the real clients of all four formats, streaming or not."""

from __future__ import annotations

import asyncio
import json

import pytest

from massgen.testing import Call, ScriptedProvider, Tokens, Turn, call, say, use
from tests.testing.clients import Heard, each_format, listen, model, prompt

streaming = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
TEXT = 'Four. "Quoted", <tagged>, ☃ and\nlines: @@ \u2028 end'


def ask(kind: str, turn: Turn, *, stream: bool = True) -> Heard:
    async def run() -> Heard:
        async with ScriptedProvider({"m": turn}) as server, model(kind, server) as client:
            return await listen(client, stream=stream)

    return asyncio.run(run())


def arguments(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


@each_format
@streaming
def test_text_arrives_whole(kind: str, stream: bool) -> None:
    assert ask(kind, say(TEXT), stream=stream).text == TEXT


@each_format
@streaming
def test_reasoning_arrives_beside_the_text(kind: str, stream: bool) -> None:
    result = ask(kind, Turn(reasoning="Two and two. " * 5, text="Four."), stream=stream)
    assert (result.reasoning, result.text) == ("Two and two. " * 5, "Four.")


@each_format
@streaming
def test_tool_calls_arrive_in_order_with_their_arguments(kind: str, stream: bool) -> None:
    turn = use(call("new_answer", content=TEXT), call("vote", agent_id="agent1"), Call(name="bare"), text="So.")
    result = ask(kind, turn, stream=stream)
    assert [name for name, _ in result.calls] == ["new_answer", "vote", "bare"]
    assert [arguments(value) or {} for _, value in result.calls] == [
        {"content": TEXT},
        {"agent_id": "agent1"},
        {},
    ]
    assert result.text == "So."


@each_format
@streaming
def test_usage_arrives_as_scripted(kind: str, stream: bool) -> None:
    turn = Turn(text="Four.", usage=Tokens(input=100, output=20, reasoning=5, cached=40))
    usage = ask(kind, turn, stream=stream).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == (100, 20, 40)


@each_format
def test_usage_that_is_not_scripted_follows_the_sizes(kind: str) -> None:
    usage = ask(kind, say("x" * 400)).usage
    assert usage.output_tokens == 100
    assert usage.input_tokens > 10


@pytest.mark.parametrize("kind", ["chat", "responses", "gemini"])
@streaming
def test_usage_can_be_left_out(kind: str, stream: bool) -> None:
    assert not ask(kind, Turn(text="Four.", no_usage=True), stream=stream).usage.has_values()


@each_format
@streaming
def test_a_cut_answer_says_so(kind: str, stream: bool) -> None:
    assert ask(kind, Turn(text="Fo", finish="length"), stream=stream).finish == "length"


@pytest.mark.parametrize("kind", ["chat", "responses", "anthropic"])
def test_arguments_that_are_no_json_reach_the_client_as_they_are(kind: str) -> None:
    result = ask(kind, use(Call(name="new_answer", arguments='{"content": "fo')))
    assert result.calls == [("new_answer", '{"content": "fo')]


def test_gemini_words_broken_arguments_as_a_malformed_call() -> None:
    result = ask("gemini", use(Call(name="new_answer", arguments='{"content": "fo')))
    assert (result.calls, result.finish) == ([], "error")


@each_format
def test_the_number_of_chunks_is_as_scripted(kind: str) -> None:
    text = "".join(chr(97 + number % 26) for number in range(1000))
    result = ask(kind, say(text, chunks=500))
    assert result.text == text
    assert 500 <= result.events < 510


def test_a_stream_of_twenty_thousand_chunks_has_as_many_events() -> None:
    import httpx2

    async def run() -> None:
        turn = use(call("new_answer", content="word " * 20_000))
        script = {"m": Turn(calls=turn.calls, chunks=20_000)}
        async with ScriptedProvider(script) as server, httpx2.AsyncClient(timeout=250) as http:
            body = {"model": "m", "stream": True}
            answer = await http.post(server.openai_url + "/chat/completions", json=body)
        events = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: {")]
        deltas = [one["choices"][0]["delta"].get("tool_calls", [{}])[0] for one in events]
        pieces = [delta["function"]["arguments"] for delta in deltas if delta]
        assert len(pieces) == 1 + 20_000
        assert json.loads("".join(pieces)) == {"content": "word " * 20_000}

    asyncio.run(run())


@each_format
def test_the_history_of_a_tool_loop_reads_the_same(kind: str) -> None:
    from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, ToolCallPart, ToolReturnPart

    made = ToolCallPart("new_answer", {"content": "4"}, tool_call_id="c1")
    returned = ToolReturnPart("new_answer", "refused: too short", tool_call_id="c1")
    history = [
        *prompt(),
        ModelResponse(parts=[TextPart("I try."), made]),
        ModelRequest(parts=[returned], instructions="Be brief."),
    ]

    async def run() -> None:
        async with ScriptedProvider({"m": say("ok")}) as server, model(kind, server) as client:
            await listen(client, history)
            view = server.requests[0].view
        assert view.system == "Be brief."
        assert view.messages == (
            ("user", "What is 2+2?"),
            ("assistant", "I try."),
            ("tool", "refused: too short"),
        )
        assert [(one.name, json.loads(one.arguments)) for one in view.calls] == [("new_answer", {"content": "4"})]
        assert [(one.name, one.text) for one in view.results] == [("new_answer", "refused: too short")]
        assert view.last_user == "What is 2+2?"

    asyncio.run(run())


@each_format
def test_offered_tools_are_seen_with_their_schema(kind: str) -> None:
    async def run() -> None:
        async with ScriptedProvider({"m": say("ok")}) as server, model(kind, server) as client:
            await listen(client)
            (tool,) = server.requests[0].view.tools
        assert (tool.name, tool.description) == ("new_answer", "Hand in.")
        assert tool.schema["properties"]["content"]["type"] == "string"

    asyncio.run(run())
