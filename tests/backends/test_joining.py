"""Deltas that arrive together are joined before the library sees them, and nobody can tell from the result."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from functools import cache
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from massgen.backends import CallLimits, SharedResources
from massgen.backends.ahead import ReadAhead
from massgen.backends.endpoint import resolve_endpoint
from massgen.backends.joined_shapes import SHAPES
from massgen.backends.joiner import Joiner
from massgen.backends.library import LibraryLine
from massgen.backends.options import Options
from massgen.backends.protocol import TextDelta
from massgen.backends.request_settings import request_settings
from massgen.backends.wires import WIRES, build_model
from massgen.testing import BadBody, ScriptedProvider, Tokens, Turn, call
from tests.backends.harness import FORMATS, KEY, UNHURRIED, address, ask, run

every_format = pytest.mark.parametrize("type_name", FORMATS)
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from(" \n<>\U0001f600"), max_size=20)
TURNS = st.builds(
    lambda text, reasoning, arguments, chunks, cached: Turn(
        text=text or "x",
        reasoning=reasoning,
        calls=tuple(call("look", place=argument) for argument in arguments),
        chunks=chunks,
        usage=Tokens(input=10, output=4, cached=cached),
    ),
    WORDS,
    WORDS,
    st.lists(WORDS, max_size=2),
    st.integers(1, 9),
    st.integers(0, 5),
)
CUTS = st.lists(st.integers(1, 400), max_size=40)


def line(server, resources, type_name):
    """A backend type of `FORMATS` as the library speaks it."""
    section = {"type": type_name, "model": FORMATS[type_name], "base_url": address(server, type_name), "api_key": KEY}
    options = Options(section)
    endpoint = resolve_endpoint(options)
    chosen = request_settings(options, endpoint)
    model = build_model(endpoint, resources.http_client(endpoint.base_url), chosen.body)
    return LibraryLine(model, endpoint=endpoint, settings=chosen, limits=CallLimits())


@cache
def asked(type_name):
    """(path, body, headers) of a request in this format, as the library makes it."""

    async def work():
        async with ScriptedProvider(default=Turn(text="x")) as server, SharedResources() as resources:
            assert [event async for event in (await line(server, resources, type_name).open(ask())).events()]
            request = server.requests[-1]
            kept = ("x-", "auth", "anthropic")
            headers = {name: value for name, value in request.headers.items() if name.startswith(kept)}
            return request.path + ("?alt=sse" if type_name == "gemini" else ""), request.json, headers

    return run(work())


def streamed(type_name, turn):
    """The bytes of a provider's stream for `turn`."""
    path, body, headers = asked(type_name)
    with ScriptedProvider(default=turn).in_thread() as server:
        return httpx2.post(f"{server.base_url}{path}", json=body, headers=headers, trust_env=False).content


async def understood(type_name, data):
    """What the library makes of a stream, without what it invents."""
    reply = BadBody(body=data, content_type="text/event-stream")
    async with ScriptedProvider(default=reply) as server, SharedResources() as resources:
        one = await line(server, resources, type_name).open(ask())
        events = [event async for event in one.events()]
        found = one.reply()
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    calls = [(made.name, made.arguments) for made in found.message.tool_calls]
    tokens = found.tokens and (found.tokens.input, found.tokens.output, found.tokens.reasoning, found.tokens.cached)
    native: Any = found.message.native
    parts = [
        (part.part_kind, getattr(part, "content", None), getattr(part, "signature", None)) for part in native.parts
    ]
    return text, found.message.text, found.message.reasoning, calls, parts, found.finish, tokens, found.model


def joined(type_name, data, cuts):
    """(pieces as they leave, piece by piece for the pieces they came in)."""
    joiner, position, out = Joiner(SHAPES[WIRES[type_name].name]), 0, []
    for length in (*cuts, len(data)):
        out.append(joiner.feed(data[position : position + length]))
        position += length
    return [*out, joiner.rest()]


@every_format
@settings(UNHURRIED, max_examples=6)
@given(TURNS, CUTS, st.sampled_from([b"\n", b"\r\n"]), st.booleans())
@pytest.mark.spec("BE-020")
def test_the_result_of_a_joined_stream_is_that_of_the_stream(type_name, turn, cuts, end, talkative):
    data = streamed(type_name, turn)
    if talkative:
        data = data.replace(b"\n\n", b"\n\n: still here\n\n", 3)
    data = data.replace(b"\n", end)
    shorter = b"".join(joined(type_name, data, cuts))

    async def work():
        return await understood(type_name, data), await understood(type_name, shorter)

    plain, found = run(work())
    assert found == plain
    assert len(shorter) <= len(data) + 8 * len(turn.text)  # characters may be escaped


def events_in(data):
    """The JSON of each event; other lines as they are."""
    found = []
    for block in re.split(rb"\r\n\r\n|\n\n", data):
        body = re.sub(rb"^(event:[^\r\n]*\r?\n)?data: ?", b"", block)
        try:
            found.append(json.loads(body))
        except ValueError:
            found.append(block)
    return found


def merged(type_name, events):
    """Neighbours that may be joined as one, numbers and padding left out."""
    shape, found = SHAPES[WIRES[type_name].name], []
    for event in events:
        delta = shape(event) if isinstance(event, dict) else None
        if delta is None or not delta.text:
            found.append(event)
        elif found and isinstance(found[-1], list) and found[-1][0] == delta.same:
            found[-1][1] += delta.text
        else:
            found.append([delta.same, delta.text])
    return found


NOISE = [
    b": comment",
    b"data: {not json}",
    b'data: {"choices": []}',
    b"data: [DONE]",
    b"data: \xff\xfe",
    b"event: ping\ndata: {}",
    b"",
    b"data: 1\ndata: 2",
    b'data: {"error": {"message": "no"}}',
]


@every_format
@settings(UNHURRIED, max_examples=6)
@given(TURNS, CUTS, st.lists(st.tuples(st.integers(0, 30), st.sampled_from(NOISE)), max_size=5))
@pytest.mark.spec("BE-020")
def test_only_neighbours_are_joined_and_everything_else_stays_in_its_place(type_name, turn, cuts, noise):
    blocks = streamed(type_name, turn).split(b"\n\n")
    for place, block in noise:
        blocks.insert(min(place, len(blocks)), block)
    data = b"\n\n".join(blocks)
    found = b"".join(joined(type_name, data, cuts))
    assert merged(type_name, events_in(found)) == merged(type_name, events_in(data))
    for _, block in noise:
        assert found.count(block) >= data.count(block) or not block


@every_format
@settings(UNHURRIED, max_examples=6)
@given(TURNS, CUTS)
@pytest.mark.spec("BE-020")
def test_nothing_that_has_arrived_is_held_back_but_an_unfinished_line(type_name, turn, cuts):
    data = streamed(type_name, turn)
    position, seen = 0, b""
    for length, piece in zip((*cuts, len(data)), joined(type_name, data, cuts), strict=False):
        position += length
        seen += piece
        assert said(type_name, seen) == said(type_name, data[: data.rfind(b"\n", 0, position) + 1])


def said(type_name, data):
    """The words and arguments of all lines that are whole."""
    shape, found = SHAPES[WIRES[type_name].name], ""
    for row in data.split(b"\n")[:-1]:
        delta = shape(json.loads(row[5:])) if row.startswith(b"data: {") else None
        found += delta.text if delta is not None else ""
    return found


@UNHURRIED
@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"\n\n", b"\r\n", b"\r", *NOISE]), max_size=20))
@pytest.mark.spec("BE-020")
def test_what_is_no_delta_passes_byte_for_byte(pieces):
    for name in SHAPES:
        joiner = Joiner(SHAPES[name])
        assert b"".join([*map(joiner.feed, pieces), joiner.rest()]) == b"".join(pieces)


CHAT = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def chat(delta, **more):
    event = CHAT | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} | more
    return b"data: " + json.dumps(event).encode() + b"\n\n"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (chat({"content": "<thi"}), chat({"content": "nk>"})),
        (chat({"content": "\n\n"}), chat({"content": "word"})),
        (chat({"content": "a"}), chat({"reasoning": "b"})),
        (chat({"content": "a"}), chat({"content": "b"}, service_tier="flex")),
        (chat({"content": "a"}), chat({"content": "b"}, usage={"prompt_tokens": 1})),
        (chat({"content": "a"}), chat({"content": "b", "annotations": []})),
        (chat({"content": "\ud83d"}), chat({"content": "\ude00"})),
        (chat({"content": "a"}), chat({"content": "b"}).replace(b"\n\n", b"\r\n\r\n")),
        (
            chat({"tool_calls": [{"index": 0, "function": {"arguments": "a"}}]}),
            chat({"tool_calls": [{"index": 1, "function": {"arguments": "b"}}]}),
        ),
    ],
)
@pytest.mark.spec("BE-020")
def test_deltas_that_would_mean_something_else_together_stay_apart(first, second):
    assert Joiner(SHAPES["chat"]).feed(first + second) == first + second


@pytest.mark.spec("BE-020")
def test_neighbours_become_one():
    found = Joiner(SHAPES["chat"]).feed(chat({"content": "a"}) + chat({"content": " "}) + chat({"content": "ü"}))
    assert [event["choices"][0]["delta"]["content"] for event in events_in(found.strip())] == ["a ü"]


@every_format
@pytest.mark.spec("BE-020")
def test_an_answer_of_many_chunks_reaches_the_backend_in_fewer(type_name):
    data = streamed(type_name, Turn(text="word " * 600, chunks=600))

    async def work():
        reply = BadBody(body=data, content_type="text/event-stream")
        async with ScriptedProvider(default=reply) as server, SharedResources() as resources:
            one = await line(server, resources, type_name).open(ask())
            return [event.text async for event in one.events() if isinstance(event, TextDelta)]

    texts = run(work())
    assert "".join(texts) == "word " * 600
    assert len(texts) < 600


@pytest.mark.spec("BE-020")
def test_what_is_read_ahead_comes_at_once_and_an_error_after_it():
    async def work():
        go, said = asyncio.Event(), []

        async def source():
            yield b"a"
            await go.wait()
            for number in range(5):
                yield b"%d" % number
            raise OSError("gone")

        ahead = ReadAhead(source())
        said.append(await ahead.take())
        go.set()
        with pytest.raises(OSError, match="gone"):
            while True:
                said.append(await ahead.take())
        await ahead.aclose()
        return said

    said = run(work())
    assert said[0] == b"a"
    assert b"".join(said[1:]) == b"01234"
    assert len(said) < 6


@pytest.mark.spec("BE-020")
def test_reading_ahead_stops_where_nobody_takes_and_ends_when_it_is_left():
    async def work():
        read, left = [], asyncio.Event()

        async def source():
            try:
                while True:
                    read.append(1)
                    yield bytes(1 << 16)
            finally:
                left.set()

        pieces = source()
        ahead = ReadAhead(pieces)
        assert await ahead.take()
        for _ in range(50):
            await asyncio.sleep(0)
        count = len(read)
        await ahead.aclose()
        await pieces.aclose()
        return count, left.is_set()

    count, left = run(work())
    assert count < 15
    assert left


@every_format
@pytest.mark.spec("BE-020", "BE-030")
def test_a_response_may_end_later_than_its_stream(type_name):
    """SDKs that have seen the last event read on to the end of the response, which a network may bring later."""
    data = streamed(type_name, Turn(text="four"))
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

    answering = []

    async def answer(reader, writer):
        answering.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError):
            while request := await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(int(re.search(rb"content-length: (\d+)", request.lower())[1]))
                writer.write(head + b"%x\r\n%s\r\n" % (len(data), data))
                await asyncio.sleep(0.02)  # the latency of a network
                writer.write(b"0\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async def work():
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        place = SimpleNamespace(base_url=base, openai_url=f"{base}/v1")
        async with server, SharedResources() as resources:
            for _ in range(3):
                one = await line(place, resources, type_name).open(ask())
                texts = [event.text async for event in one.events() if isinstance(event, TextDelta)]
                assert "".join(texts) == "four"
        await asyncio.gather(*answering)

    run(work())
