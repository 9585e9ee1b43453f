"""Chat completions as we speak them ourselves: what the library would send, what it would understand, and no more."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from massgen.backends import CallLimits, Connections, SharedResources
from massgen.backends.chat.fitness import takes
from massgen.backends.chat.fold import Fold
from massgen.backends.chat.frames import Frames
from massgen.backends.chat.said import Piece, Said
from massgen.backends.chat.schemas import closed, plain
from massgen.backends.endpoint import resolve_endpoint
from massgen.backends.library import LibraryLine
from massgen.backends.native import native_message, native_record
from massgen.backends.options import Options
from massgen.backends.protocol import (
    AssistantMessage,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolResultMessage,
    ToolSpec,
    UserMessage,
)
from massgen.backends.request_settings import request_settings
from massgen.backends.wires import build_model, spoken_here
from massgen.errors import BackendError
from massgen.testing import BadBody, ScriptedProvider, StreamError, Turn, call, say
from tests.backends.harness import ANSWER, KEY, ONCE, UNHURRIED, Bench, ask, bench, done_of, run

LOOK = ToolSpec(
    name="look",
    description="",
    parameters={
        "type": "object",
        "properties": {
            "places": {"type": "array", "items": {"type": "string", "enum": ["here", "there"]}, "minItems": 1},
            "deep": {"type": "integer", "default": 2, "minimum": 0, "description": "How deep."},
            "more": {"type": "object", "properties": {}, "additionalProperties": {"type": "number"}},
        },
        "required": ["places"],
        "additionalProperties": False,
    },
)
MADE = AssistantMessage(text="Let me look.", tool_calls=(ToolCall(call_id="c1", name="look", arguments='{"a": "ü'),))
TALK = (
    UserMessage(text="one"),
    MADE,
    ToolResultMessage(call_id="c1", name="look", text="nothing", is_error=True),
    UserMessage(text="<two> & [three]"),
    AssistantMessage(),
    AssistantMessage(text="four"),
    UserMessage(text="five"),
)
REQUESTS = {
    "plain": ask(tools=()),
    "tools": ask(tools=(ANSWER, LOOK)),
    "talk": ModelRequest(system="", messages=TALK, tools=(LOOK,)),
}
CONFIGS = {
    "nothing": {},
    "sampling": {"temperature": 0.2, "top_p": 0.9, "max_tokens": 100, "top_k": 4},
    "effort": {"reasoning": {"effort": "low"}},
    "unknown keys": {"new_option": {"level": 3}, "stream_options": {"include_usage": False}},
}


def library_line(place, **config):
    """The same configuration, spoken by the library."""
    section = {"type": "chatcompletion", "model": "some-model", "base_url": place.server.openai_url, "api_key": KEY}
    options = Options(section | config)
    endpoint = resolve_endpoint(options)
    chosen = request_settings(options, endpoint)
    model = build_model(endpoint, place.resources.http_client(endpoint.base_url), chosen.body)
    return LibraryLine(model, endpoint=endpoint, settings=chosen, limits=CallLimits())


async def tried(line, request):
    one = await line.open(request)
    events = [event async for event in one.events() if event is not None]
    return events, one.reply()


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.spec("BE-020", "BE-022")
def test_the_body_is_the_one_that_the_library_sends(request_, config):
    async def work():
        async with bench(say("ok")) as place:
            ours = place.backend("chatcompletion", model="some-model", **CONFIGS[config])
            await done_of(ours, REQUESTS[request_])
            await tried(library_line(place, **CONFIGS[config]), REQUESTS[request_])
            return [request.json for request in place.server.requests]

    ours, theirs = run(work())
    assert ours == theirs


@pytest.mark.spec("BE-020")
def test_reasoning_goes_back_in_the_field_it_came_in():
    turns = [Turn(text="Hm.", reasoning="Let me see.", calls=(call("look"),)), say("Done.")]

    async def work():
        async with bench({"some-model": turns}) as place:
            backend = place.backend("chatcompletion", model="some-model")
            first = ask(tools=(LOOK,))
            done = await done_of(backend, first)
            result = ToolResultMessage(call_id=done.message.tool_calls[0].call_id, name="look", text="x")
            await done_of(backend, replace(first, messages=(*first.messages, done.message, result)))
            return place.server.requests[-1].json["messages"][2]

    sent = run(work())
    assert sent["reasoning_content"] == "Let me see."
    assert sent["content"] == "Hm."


def chunk(delta, finish=None):
    return {"id": "x", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=6)
DELTAS = st.one_of(
    st.builds(lambda text: {"content": text}, WORDS | st.sampled_from(["<think>", "</think>", "\n\n", " "])),
    st.builds(lambda name, text: {name: text}, st.sampled_from(["reasoning", "reasoning_content"]), WORDS),
    st.builds(
        lambda index, text: {"tool_calls": [{"index": index, "function": {"arguments": text}}]},
        st.integers(0, 2),
        WORDS,
    ),
    st.builds(
        lambda parts: {"content": [{"type": "text", "text": text} for text in parts]}, st.lists(WORDS, max_size=2)
    ),
    st.sampled_from([{}, {"content": None}, {"role": "assistant", "content": ""}, {"tool_calls": None}]),
)
CLOSING = {"id": "x", "model": "m", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}


@st.composite
def streams(draw):
    """Chunks of a response in which each call is named before its arguments come."""
    found, named = [chunk({"role": "assistant", "content": ""})], set()
    for delta in draw(st.lists(DELTAS, max_size=12)):
        for made in delta.get("tool_calls") or ():
            if made["index"] not in named:
                named.add(made["index"])
                start = {
                    "index": made["index"],
                    "id": f"c{made['index']}",
                    "function": {"name": "look", "arguments": ""},
                }
                found.append(chunk({"tool_calls": [start]}))
        found.append(chunk(delta))
    finish = draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter"]))
    return [*found, chunk({}, finish), CLOSING]


@st.composite
def wire_bytes(draw):
    """(chunks, the bytes they come in): any line ends, comments and fields between them."""
    chunks = draw(streams())
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    space = draw(st.sampled_from(["", " "]))
    lines = []
    for item in chunks:
        lines += draw(st.sampled_from([[], [": still here"], ["event: message", "id: 1", "retry: 5"]]))
        lines += [f"data:{space}{json.dumps(item, ensure_ascii=draw(st.booleans()))}", ""]
    lines += ["data: [DONE]", "", ""]
    return chunks, end.join(lines).encode()


def folded(frames):
    fold = Fold(seller="chatcompletion", seller_url="http://x")
    for frame in frames:
        if frame == b"[DONE]":
            break
        fold.add(json.loads(frame))
    return list(fold.take()), fold.reply()


def comparable(events, reply):
    """What every consumer sees: texts in order, calls by index, and the fold."""
    shown = []
    for event in events:
        match event:
            case TextDelta(text=text):
                kind, text = "text", text
            case ReasoningDelta(text=text):
                kind, text = "reasoning", text
            case ToolCallDelta(index=index, name=name, arguments=text):
                kind = ("call", index)
                text = f"{name}({text}" if name else text
        if shown and shown[-1][0] == kind:
            shown[-1][1] += text
        elif text:
            shown.append([kind, text])
    message, tokens = reply.message, reply.tokens
    counted = None if tokens is None else (tokens.input, tokens.output, tokens.cached)
    finish = reply.finish
    return shown, message.text, message.reasoning, message.tool_calls, finish, counted, reply.model


@UNHURRIED
@given(wire_bytes(), st.lists(st.integers(1, 40), max_size=30))
@pytest.mark.spec("BE-020")
def test_a_stream_says_the_same_wherever_its_bytes_are_cut(stream, cuts):
    chunks, data = stream
    frames, found, position = Frames(), [], 0
    for length in (*cuts, len(data)):
        found += frames.feed(data[position : position + length])
        position += length
    assert [json.loads(frame) for frame in found[:-1]] == chunks
    assert found[-1] == b"[DONE]"
    whole = folded(Frames().feed(data))
    assert comparable(*folded(found)) == comparable(*whole)


@settings(UNHURRIED, max_examples=60)
@given(wire_bytes())
@pytest.mark.spec("BE-020")
def test_a_stream_is_understood_as_the_library_understands_it(stream):
    _, data = stream

    async def work():
        reply = BadBody(body=data, content_type="text/event-stream")
        async with ScriptedProvider(default=reply) as server, SharedResources() as resources:
            place = Bench(server, resources)
            return await tried(library_line(place), ask())

    theirs = run(work())
    assert comparable(*folded(Frames().feed(data))) == comparable(*theirs)


@dataclass
class Address:
    """What a bench needs of a server."""

    openai_url: str


REFUSALS = {
    "quota": {"code": "insufficient_quota", "message": "pay"},
    "context": {"code": "context_length_exceeded", "message": "long"},
    "context in words": {"message": "This model's maximum context length is 8192 tokens"},
    "overloaded": {"type": "overloaded_error", "message": "busy"},
    "model": {"code": "model_not_found", "message": "who?"},
    "key": {"code": "invalid_api_key", "message": "no"},
    "flagged": {"message": "no", "metadata": {"reasons": ["x"]}},
    "nothing": {},
    "odd": {"code": 1234, "type": None, "message": ["x"]},
}


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422, 429, 500, 502, 503, 529])
@pytest.mark.spec("BE-030")
def test_a_refusal_is_classed_as_the_library_classes_it(status):
    async def kind(work):
        try:
            await work
        except BackendError as error:
            return type(error), error.status, getattr(error, "retry_after", None)
        return None

    async def work():
        found = {}
        for name, error in REFUSALS.items():
            body = json.dumps({"error": error})
            head = f"HTTP/1.1 {status} No\r\nretry-after: 7\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"

            async def answer(reader, writer, reply=head + body):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(reply.encode())
                await writer.drain()
                writer.close()
                await writer.wait_closed()

            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            async with server, SharedResources(retries=ONCE) as resources:
                port = server.sockets[0].getsockname()[1]
                place = Bench(Address(f"http://127.0.0.1:{port}/v1"), resources)
                ours = await kind(done_of(place.backend("chatcompletion", model="some-model")))
                found[name] = (ours, await kind(tried(library_line(place), ask())))
        return found

    for name, (ours, theirs) in run(work()).items():
        assert ours == theirs, name


@pytest.mark.parametrize("text", ["<|im_start|>system", "<｜User｜>", "[INST] x", "<turn|>", "<start_of_turn>", "]~b]"])
@pytest.mark.spec("BE-020")
def test_text_that_a_server_may_take_for_a_control_token_goes_through_the_library(text):
    assert takes(ask("2 < 3 | [4] ~ 5"))
    for request in (
        ask(f"a {text} b"),
        replace(ask(), system=text),
        replace(ask(), messages=(UserMessage(text="q"), replace(MADE, text=text), UserMessage(text="r"))),
    ):
        assert not takes(request)

    async def work():
        async with bench(say("ok")) as place:
            await done_of(place.backend("chatcompletion", model="some-model"), ask(f"a {text} b"))
            return place.server.requests[-1].json["messages"][-1]["content"]

    sent = run(work())
    assert text not in sent
    assert sent.replace("\u200d", "") == f"a {text} b"


@UNHURRIED
@given(st.from_regex(re.compile(r"<\|[a-z_]{1,9}\|>|<｜[a-z]{1,9}｜>|<\|[a-z_]{1,9}>|<[a-z_]{1,9}\|>"), fullmatch=True))
@pytest.mark.spec("BE-020")
def test_every_control_token_of_the_library_is_noticed(token):
    assert not takes(ask(f"see {token}."))


def test_models_that_we_speak_to_ourselves_have_no_profile_of_their_own():
    from genai_prices.data import providers
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    ignored = {"supports_image_output", "may_tokenize_special_tokens_in_content"}

    def profile(name):
        found = OpenAICompatibleProvider.model_profile(name) or {}
        return {key: value for key, value in found.items() if key not in ignored}

    usual = profile("some-model")
    checked = 0
    for provider in providers:
        for model in provider.models:
            section = {"type": "chatcompletion", "model": model.id, "base_url": "http://x/v1", "api_key": "k"}
            if spoken_here(resolve_endpoint(Options(section))):
                assert profile(model.id) == usual, model.id
                checked += 1
    assert checked > 300


NAMES = ["One", "Two"]
"""Definitions that every generated schema has."""


def leaves():
    kinds = ["string", "integer", "number", "boolean", ["string", "null"], ["integer", "null"]]
    typed = st.fixed_dictionaries(
        {"type": st.sampled_from(kinds)},
        optional={
            "description": WORDS,
            "enum": st.lists(WORDS, min_size=1, max_size=2),
            "default": WORDS,
            "minimum": st.integers(0, 3),
            "exclusiveMinimum": st.integers(0, 3),
            "multipleOf": st.integers(1, 3),
            "pattern": st.just("^a"),
            "format": st.just("uri"),
            "title": WORDS,
            "deprecated": st.booleans(),
        },
    )
    references = st.fixed_dictionaries(
        {"$ref": st.sampled_from([f"#/$defs/{name}" for name in NAMES])},
        optional={"description": WORDS, "title": WORDS, "default": WORDS},
    )
    return typed | references | st.just({})


def larger(inner):
    objects = st.builds(
        lambda properties, more: {
            "type": "object",
            "required": sorted(properties.get("properties", ())),
            **properties,
            **more,
        },
        st.dictionaries(st.just("properties"), st.dictionaries(WORDS, inner, max_size=3), max_size=1),
        st.dictionaries(st.just("additionalProperties"), st.booleans() | inner, max_size=1),
    )
    unions = st.builds(
        lambda name, members, more: {name: members, **more},
        st.sampled_from(["anyOf", "oneOf", "allOf"]),
        st.lists(inner, min_size=2, max_size=3),
        st.fixed_dictionaries({}, optional={"title": WORDS, "description": WORDS, "default": st.none()}),
    )
    return st.builds(lambda item: {"type": "array", "items": item}, inner) | objects | unions


SCHEMAS = st.recursive(leaves(), larger, max_leaves=6)


@UNHURRIED
@given(st.dictionaries(WORDS, SCHEMAS, max_size=3), st.lists(SCHEMAS, min_size=2, max_size=2), st.booleans())
@pytest.mark.spec("BE-020")
def test_a_plain_schema_is_sent_as_the_library_sends_it(properties, defined, defines):
    from pydantic_ai.profiles.openai import OpenAIJsonSchemaTransformer

    schema = {"type": "object", "properties": properties}
    if defines:
        schema["$defs"] = dict(zip(NAMES, defined, strict=True))
    assert plain(schema)
    assert OpenAIJsonSchemaTransformer(json.loads(json.dumps(schema)), strict=None).walk() == closed(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {"$ref": "#/properties/a"}}},
        {"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}}},
        {"type": "object", "properties": {"a": {"type": ["object", "null"], "properties": {}}}},
        {"type": "object", "properties": {"a": {"oneOf": [{"type": "string"}]}}},
        {"type": "object", "properties": {"a": True}},
    ],
)
def test_other_schemas_are_left_to_the_library(schema):
    assert not plain(schema)
    tool = ToolSpec(name="odd", description="Odd.", parameters=schema)

    async def work():
        async with bench(say("ok")) as place:
            await done_of(place.backend("chatcompletion", model="some-model"), ask(tools=(tool,)))
            return place.server.requests[-1].view.tools[0].name

    assert run(work()) == "odd"


@pytest.mark.spec("BE-030")
def test_an_error_within_the_stream_ends_it_with_what_the_server_said():
    async def work():
        async with bench(StreamError()) as place:
            with pytest.raises(BackendError) as found:
                await done_of(place.backend("chatcompletion", model="some-model"))
            return found.value

    assert run(work()).retryable


@pytest.mark.spec("BE-020")
def test_a_call_keeps_its_connection_for_the_next_one():
    async def work():
        async with bench(say("ok")) as place:
            backend = place.backend("chatcompletion", model="some-model")
            await done_of(backend)
            await done_of(backend)
            return place.server.connections_made

    assert run(work()) == 1


@pytest.mark.spec("BE-020")
def test_a_team_of_compatible_servers_needs_no_library(tmp_path):
    code = """
import asyncio, sys
from massgen.backends import SharedResources, create_backend
from massgen.backends.protocol import ModelRequest, UserMessage
from massgen.testing import ScriptedProvider, say

async def main():
    async with ScriptedProvider(default=say("four")) as server, SharedResources() as resources:
        section = {"type": "chatcompletion", "model": "m", "base_url": server.openai_url, "api_key": "k"}
        backend = create_backend(section, agent_id="a", resources=resources)
        request = ModelRequest(system="", messages=(UserMessage(text="q"),))
        print([event async for event in backend.stream(request)][-1].message.text)

asyncio.run(main())
print([name for name in ("pydantic_ai", "openai", "anthropic", "google.genai", "mcp") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert found.stdout.split("\n")[:2] == ["four", "[]"]


@pytest.mark.spec("BE-011")
def test_only_what_the_configured_backends_need_is_imported(tmp_path):
    code = """
import sys
from massgen.backends import prefetch_backends

known = {"type": "chatcompletion", "model": "m", "base_url": "http://localhost:1/v1", "api_key": "k"}
prefetch_backends([known])
print([name in sys.modules for name in ("httpx2", "massgen.backends.api", "pydantic_ai", "openai", "anthropic")])
prefetch_backends([known, {"type": "claude", "model": "m", "api_key": "k"}])
print([name in sys.modules for name in ("anthropic", "google.genai")])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert found.stdout.split("\n")[:2] == ["[True, True, False, False, False]", "[True, False]"]


@pytest.mark.spec("BE-020")
def test_runs_that_share_their_connections_need_no_new_one():
    async def work():
        async with ScriptedProvider(default=say("ok")) as server, Connections() as connections:
            for _ in range(3):
                async with SharedResources(connections=connections) as resources:
                    await done_of(Bench(server, resources).backend("chatcompletion", model="some-model"))
            return server.connections_made

    assert run(work()) == 1


@pytest.mark.spec("BE-020")
def test_a_response_is_recorded_and_comes_back_as_it_has_to_be_sent():
    pieces = (
        Piece(text="Hm.", reasoning="reasoning_content"),
        Piece(text="One."),
        Piece(text="Wait.", reasoning="content"),
        Piece(text="Two."),
    )
    said = Said(pieces=pieces, extras={"c1": {"google": {"thought_signature": "x"}}})
    calls = (ToolCall(call_id="c1", name="look", arguments="{}"),)
    message = AssistantMessage(text=said.text, reasoning=said.reasoning, tool_calls=calls, native=said)
    for streamed in ({"text": "", "reasoning": ""}, {"text": "One.Two.", "reasoning": "Hm."}):
        record = native_record(message, streamed)
        assert record is not None
        assert native_message(json.loads(json.dumps(record)), streamed).native == said
    assert native_record(AssistantMessage(text="x", native=Said(pieces=(Piece(text="x"),))), {"text": ""}) is None
