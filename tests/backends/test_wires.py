"""Every wire format delivers the same events, keeps a conversation going, and loses nothing of it."""

from __future__ import annotations

import asyncio
import json

import pytest
from msgspec.structs import replace

from massgen.backends.protocol import (
    AssistantMessage,
    Media,
    ModelDone,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolResultMessage,
    ToolSpec,
    UserMessage,
)
from massgen.testing import Call, Hold, Tokens, Turn, call, say
from tests.backends.harness import ANSWER, AT_ONCE, FORMATS, ask, bench, done_of, events_of, run

every_format = pytest.mark.parametrize("type_name", FORMATS)
LOOK = ToolSpec(name="look", description="Look up.", parameters={"type": "object", "properties": {}})


@every_format
@pytest.mark.spec("BE-020")
def test_text_reasoning_and_calls_arrive_as_they_are_sent_and_end_in_their_fold(type_name):
    turn = Turn(text="Four, surely.", reasoning="Two and two.", calls=(call("new_answer", content='"4"\n'),), chunks=4)

    async def work():
        async with bench(turn) as place:
            return await events_of(place.backend(type_name))

    events = run(work())
    done = events[-1]
    assert isinstance(done, ModelDone)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Four, surely."
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "Two and two."
    pieces = [event for event in events if isinstance(event, ToolCallDelta)]
    assert {piece.index for piece in pieces} == {0}
    assert pieces[0].name == "new_answer"
    assert json.loads("".join(piece.arguments for piece in pieces)) == {"content": '"4"\n'}
    assert done.message.text == "Four, surely."
    assert done.message.reasoning == "Two and two."
    assert [made.name for made in done.message.tool_calls] == ["new_answer"]
    assert done.finish_reason == "tool_calls"


@every_format
@pytest.mark.parametrize("arguments", ['{"place": "half \ud83d here"}', '{"place": "half \\ud83d here"}'])
@pytest.mark.spec("BE-020", "TOOL-043")
def test_half_a_character_is_replaced_and_the_conversation_goes_on(type_name, arguments):
    turns = [Turn(text="half \ud83d said", calls=(Call(name="look", arguments=arguments),)), say("Found it.")]

    async def work():
        async with bench({FORMATS[type_name]: turns}) as place:
            backend = place.backend(type_name)
            first = ask(tools=(LOOK,))
            said = (await done_of(backend, first)).message
            made = said.tool_calls[0]
            result = ToolResultMessage(call_id=made.call_id, name="look", text="seen")
            last = await done_of(backend, replace(first, messages=(*first.messages, said, result)))
            return said, last.message, place.server.requests[-1].view

    said, last, seen = run(work())
    assert said.text == "half \ufffd said"
    assert json.loads(said.tool_calls[0].arguments) == {"place": "half \ufffd here"}
    assert json.loads(seen.calls[0].arguments) == {"place": "half \ufffd here"}
    assert last.text == "Found it."


@every_format
@pytest.mark.spec("BE-020")
def test_the_first_words_are_delivered_before_the_response_has_ended(type_name):
    turn = Turn(text="one two three four", chunks=4, hold=Hold(gate="go", after_chunks=1))

    async def work():
        async with bench(turn) as place:
            seen = []
            async for event in place.backend(type_name).stream(ask()):
                if not seen:
                    place.server.open("go")
                seen.append(event)
            return seen

    events = run(work())
    assert isinstance(events[0], TextDelta)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "one two three four"


@every_format
@pytest.mark.spec("BE-020")
def test_tool_results_are_fed_back_until_the_model_stops_calling(type_name):
    turns = [Turn(calls=(call("look"), call("look", place="there"))), say("Found it.")]

    async def work():
        async with bench({FORMATS[type_name]: turns}) as place:
            backend = place.backend(type_name)
            first = ask(tools=(LOOK,))
            done = await done_of(backend, first)
            results = tuple(
                ToolResultMessage(call_id=made.call_id, name=made.name, text=f"result {number}")
                for number, made in enumerate(done.message.tool_calls)
            )
            second = replace(first, messages=(*first.messages, done.message, *results))
            return await done_of(backend, second), place.server.requests[-1].view

    done, view = run(work())
    assert done.message.text == "Found it."
    assert [result.text for result in view.results] == ["result 0", "result 1"]
    assert [made.name for made in view.calls] == ["look", "look"]
    if type_name != "gemini":
        assert [result.call_id for result in view.results] == [made.call_id for made in view.calls]


@every_format
@pytest.mark.spec("BE-021")
def test_parallel_calls_keep_their_places(type_name):
    turn = Turn(calls=tuple(call("look", number=number) for number in range(3)), chunks=2)

    async def work():
        async with bench(turn) as place:
            return await events_of(place.backend(type_name), ask(tools=(LOOK,)))

    events = run(work())
    texts = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            texts[event.index] = texts.get(event.index, "") + event.arguments
    assert [json.loads(texts[index])["number"] for index in sorted(texts)] == [0, 1, 2]
    assert len({made.call_id for made in events[-1].message.tool_calls}) == 3


@pytest.mark.parametrize(
    ("type_name", "field"), [("claude", "signature"), ("openai", "encrypted_content"), ("gemini", "thoughtSignature")]
)
@pytest.mark.spec("BE-020")
def test_a_signature_of_reasoning_goes_back_to_its_provider(type_name, field):
    turns = [Turn(reasoning="Hm.", calls=(call("look"),)), say("Done.")]

    async def work():
        async with bench({FORMATS[type_name]: turns}) as place:
            backend = place.backend(type_name)
            first = ask(tools=(LOOK,))
            done = await done_of(backend, first)
            result = ToolResultMessage(call_id=done.message.tool_calls[0].call_id, name="look", text="x")
            await done_of(backend, replace(first, messages=(*first.messages, done.message, result)))
            return place.server.requests[-1].json

    assert f'"{field}"' in json.dumps(run(work()))


@every_format
@pytest.mark.spec("BE-020")
def test_a_message_without_the_librarys_form_is_rebuilt_from_our_words(type_name):
    made = AssistantMessage(text="Let me look.", tool_calls=(made_call("c1", "look", "{}"),))
    request = replace(
        ask(), messages=(UserMessage(text="q"), made, ToolResultMessage(call_id="c1", name="look", text="found"))
    )

    async def work():
        async with bench(say("ok")) as place:
            await done_of(place.backend(type_name), request)
            return place.server.requests[-1].view

    view = run(work())
    assert ("assistant", "Let me look.") in view.messages
    assert [result.text for result in view.results] == ["found"]


def made_call(call_id, name, arguments):
    from massgen.backends.protocol import ToolCall

    return ToolCall(call_id=call_id, name=name, arguments=arguments)


@pytest.mark.parametrize("type_name", ["chatcompletion", "openai", "claude"])
@pytest.mark.spec("BE-020")
def test_arguments_that_are_no_json_are_passed_on_and_do_not_break_the_next_call(type_name):
    turns = [Turn(calls=(Call(name="look", arguments='{"place": "th'),)), say("Sorry.")]

    async def work():
        async with bench({FORMATS[type_name]: turns}) as place:
            backend = place.backend(type_name)
            first = ask(tools=(LOOK,))
            done = await done_of(backend, first)
            made = done.message.tool_calls[0]
            result = ToolResultMessage(call_id=made.call_id, name="look", text="not JSON", is_error=True)
            again = await done_of(backend, replace(first, messages=(*first.messages, done.message, result)))
            return made.arguments, again.message.text

    assert run(work()) == ('{"place": "th', "Sorry.")


@every_format
@pytest.mark.spec("BE-020")
def test_usage_is_recorded_and_costs_what_the_table_says(type_name):
    turn = Turn(text="4", usage=Tokens(input=1000, output=200, cached=0))

    async def work():
        async with bench(turn) as place:
            return (await done_of(place.backend(type_name))).usage

    usage = run(work())
    assert (usage.input_tokens, usage.output_tokens) == (1000, 200)
    assert usage.cost is not None and usage.cost > 0


@pytest.mark.parametrize("type_name", ["chatcompletion", "openai", "gemini"])
@pytest.mark.spec("BE-020")
def test_usage_that_was_not_reported_is_unknown_and_not_zero(type_name):
    async def work():
        async with bench(Turn(text="4", no_usage=True)) as place:
            return (await done_of(place.backend(type_name))).usage

    usage = run(work())
    assert usage.input_tokens is None
    assert usage.output_tokens is None
    assert usage.cost is None


@every_format
@pytest.mark.spec("BE-020")
def test_a_question_of_a_megabyte_arrives_whole(type_name):
    async def work():
        async with bench(lambda request: say(str(len(request.view.last_user)))) as place:
            return await done_of(place.backend(type_name), ask("long " * 200_000))

    assert run(work()).message.text == "1000000"


@every_format
@pytest.mark.spec("BE-020")
def test_an_image_reaches_the_provider(type_name):
    dot = bytes.fromhex("89504e470d0a1a0a")
    message = UserMessage(text="What is this?", media=(Media(data=dot, media_type="image/png"),))

    async def work():
        async with bench(say("A dot.")) as place:
            await done_of(place.backend(type_name), replace(ask(), messages=(message,)))
            return json.dumps(place.server.requests[-1].json)

    assert "iVBORw0KGgo" in run(work())


@every_format
@pytest.mark.spec("BE-020")
def test_leaving_a_stream_closes_its_connection(type_name):
    async def work():
        async with bench(Turn(text="a b c d", chunks=4, hold=Hold(gate="never", after_chunks=1))) as place:
            stream = place.backend(type_name).stream(ask())
            await anext(stream)
            await stream.aclose()
            await place.server.wait_for_connections(0)
            (request,) = place.server.requests
            await place.server.wait_for_outcome(request)
            return request.outcome

    assert run(work()) == "left"


@every_format
@pytest.mark.parametrize("after", [None, 0, 1], ids=["before the headers", "before a word", "within the stream"])
@pytest.mark.spec("BE-020")
def test_cancelling_a_call_closes_its_connection(type_name, after):
    async def work():
        turn = Turn(text="a b c d", chunks=4, hold=Hold(gate="never", after_chunks=after))
        async with bench(turn, retries=AT_ONCE) as place:
            backend = place.backend(type_name)
            async with asyncio.TaskGroup() as group:
                task = group.create_task(events_of(backend))
                await place.server.wait_for_hold("never")
                task.cancel()
            await place.server.wait_for_connections(0)
            return task.cancelled(), len(place.server.requests)

    assert run(work()) == (True, 1)


@pytest.mark.spec("BE-074")
def test_one_run_mixes_types_and_one_failing_does_not_touch_the_others():
    from massgen.errors import AuthenticationFailed
    from massgen.testing import HttpError

    async def work():
        scripts = {"gpt-4o": say("one"), "gpt-5-mini": HttpError(status=401), "claude-sonnet-4-20250514": say("three")}
        async with bench(scripts) as place:
            async with asyncio.TaskGroup() as group:
                good = [group.create_task(done_of(place.backend(name))) for name in ("chatcompletion", "claude")]
                bad = group.create_task(caught(place.backend("openai")))
            return [task.result().message.text for task in good], bad.result()

    async def caught(backend):
        with pytest.raises(AuthenticationFailed) as found:
            await done_of(backend)
        return found.value

    texts, error = run(work())
    assert texts == ["one", "three"]
    assert error.status == 401


@pytest.mark.spec("BE-020")
def test_tools_are_offered_with_their_schemas():
    async def work():
        async with bench(say("4")) as place:
            await done_of(place.backend("chatcompletion"))
            return place.server.requests[-1].view.tools[0]

    tool = run(work())
    assert (tool.name, tool.description) == (ANSWER.name, ANSWER.description)
    assert tool.schema["required"] == ["content"]
