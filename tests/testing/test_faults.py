"""Every fault reaches the real clients as the error that a real provider's fault would be."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from massgen.testing import (
    BadBody,
    BadFrame,
    Chaos,
    Drip,
    Dropped,
    HttpError,
    Refused,
    Reply,
    ScriptedProvider,
    Stalled,
    StreamError,
    Turn,
    closed_port,
    say,
)
from tests.testing.clients import FORMATS, Heard, each_format, listen, model

BROKEN_STREAMS = [
    pytest.param(Dropped(), id="before the headers"),
    pytest.param(Dropped(how="reset"), id="reset before the headers"),
    pytest.param(Dropped(after_chunks=2), id="closed mid-stream"),
    pytest.param(Dropped(after_chunks=2, how="reset"), id="reset mid-stream"),
    pytest.param(BadFrame(), id="bad frame"),
    pytest.param(StreamError(message="the engine is out of steam"), id="error event"),
]


def meet(kind: str, reply: Reply, *, stream: bool = True) -> tuple[Heard | None, Exception | None]:
    """What one call ended with: an answer or the client's error."""

    async def run() -> tuple[Heard | None, Exception | None]:
        async with ScriptedProvider({"m": reply}) as server, model(kind, server) as client:
            try:
                return await listen(client, stream=stream), None
            except Exception as error:  # noqa: BLE001 - whatever the client makes of the fault
                return None, error

    return asyncio.run(run())


@each_format
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 529])
def test_a_status_arrives_with_its_message(kind: str, status: int) -> None:
    from pydantic_ai.exceptions import ModelHTTPError

    _, error = meet(kind, HttpError(status=status, message="no way"))
    assert isinstance(error, ModelHTTPError)
    assert error.status_code == status
    assert "no way" in str(error)


@each_format
def test_a_rate_limit_says_when_to_come_back(kind: str) -> None:
    async def run() -> str:
        import httpx2

        script = {"m": HttpError(status=429, retry_after="7")}
        async with ScriptedProvider(script) as server, httpx2.AsyncClient(timeout=250) as http:
            answer = await http.post(server.base_url + PATHS[kind], json={"model": "m"})
        return answer.headers["retry-after"]

    assert asyncio.run(run()) == "7"


PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/m:generateContent",
}
CONTEXT_WORDS = {
    "chat": "context_length_exceeded",
    "responses": "context_length_exceeded",
    "anthropic": "prompt is too long",
    "gemini": "exceeds the maximum number of tokens",
}


@each_format
def test_a_conversation_that_is_too_long_is_refused_in_the_providers_words(kind: str) -> None:
    _, error = meet(kind, HttpError(status=400, context=True))
    assert CONTEXT_WORDS[kind] in f"{error} {getattr(error, 'body', '')}"


@each_format
@pytest.mark.parametrize("reply", BROKEN_STREAMS)
def test_a_broken_stream_is_an_error(kind: str, reply: Reply) -> None:
    result, error = meet(kind, reply)
    assert error is not None, result


@each_format
@pytest.mark.parametrize("reply", [Dropped(), Dropped(after_chunks=1), BadFrame(), StreamError(), BadBody()])
def test_a_broken_body_is_an_error(kind: str, reply: Reply) -> None:
    result, error = meet(kind, reply, stream=False)
    assert error is not None, result


@each_format
def test_a_stream_without_its_end_is_well_formed_but_unfinished(kind: str) -> None:
    result, error = meet(kind, Dropped(after_chunks=1, how="end", turn=say("half done", chunks=2)))
    assert result is not None, error
    assert result.text == "half "


@each_format
def test_an_empty_reply_has_neither_text_nor_calls(kind: str) -> None:
    result, error = meet(kind, Turn())
    assert result is not None, error
    assert (result.text, result.calls) == ("", [])


@each_format
@pytest.mark.parametrize("after", [None, 0, 2], ids=["before headers", "after headers", "mid-stream"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_a_stall_lasts_until_the_client_leaves(kind: str, after: int | None, stream: bool) -> None:
    async def run() -> None:
        async with (
            ScriptedProvider({"m": Stalled(after_chunks=after)}) as server,
            model(kind, server) as client,
            asyncio.TaskGroup() as group,
        ):
            waiting = group.create_task(listen(client, stream=stream))
            (request,) = await server.wait_for_requests("m")
            assert (request.outcome, server.open_connections) == ("open", 1)
            waiting.cancel()
            await server.wait_for_connections(0)
            await server.wait_for_outcome(request)
            assert request.outcome == "left"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "comments"),
    [*((kind, False) for kind in FORMATS), ("chat", True), ("responses", True), ("anthropic", True)],
)
def test_a_drip_never_ends_and_never_pauses_for_long(kind: str, comments: bool) -> None:
    from pydantic_ai.direct import model_request_stream

    from tests.testing.clients import parameters, prompt

    async def run() -> None:
        fault = Drip(interval=0.001, comments=comments)
        async with ScriptedProvider({"m": fault}) as server, model(kind, server) as client:
            opened = model_request_stream(client, prompt(), model_request_parameters=parameters())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3), opened as events:
                    async for _ in events:
                        pass
            await server.wait_for_connections(0)

    asyncio.run(run())


def test_a_refused_connection_stays_refused_until_the_server_listens_again() -> None:
    import httpx2

    async def run() -> None:
        async with ScriptedProvider({"m": [Refused(), say("back")]}) as server, httpx2.AsyncClient(timeout=250) as http:

            async def post() -> int:
                answer = await http.post(server.openai_url + "/chat/completions", json={"model": "m"})
                return answer.status_code

            await fails(post, httpx2.TransportError)
            await fails(post, httpx2.ConnectError)
            await server.listen()
            assert await post() == 200

    asyncio.run(run())


async def fails(attempt: Callable[[], Awaitable[object]], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await attempt()


def test_nobody_listens_at_a_closed_port() -> None:
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", closed_port())) != 0


def outcomes(seed: int, order: list[str]) -> dict[str, list[int | str]]:
    """How 12 calls of each model end under chaos, made in the given order of models."""
    import httpx2

    async def run() -> dict[str, list[int | str]]:
        found: dict[str, list[int | str]] = {name: [] for name in order}
        chaos = Chaos(rate=0.5, seed=seed)
        async with ScriptedProvider(default=say("ok"), chaos=chaos) as server, httpx2.AsyncClient(timeout=250) as http:
            for _ in range(12):
                for name in order:
                    body = {"model": name, "stream": True}
                    try:
                        answer = await http.post(server.openai_url + "/chat/completions", json=body)
                        found[name].append(answer.status_code)
                    except httpx2.TransportError:
                        found[name].append("broken")
        return found

    return asyncio.run(run())


def test_chaos_is_the_same_for_a_seed_whatever_the_order_of_calls() -> None:
    first = outcomes(1, ["a", "b"])
    assert first == outcomes(1, ["b", "a"])
    assert first != outcomes(2, ["a", "b"])
    assert {200, "broken"} < set(first["a"] + first["b"])
