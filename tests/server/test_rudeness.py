"""Callers who behave badly: each loses its connection in bounded time, and nobody else waits for it."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest

from massgen.testing import Hold, Turn, answer_then_vote, call
from tests.server.place import Place, serving

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
LONG = "All work and no play makes Jack a dull boy. " * 200_000


def play(story) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(250):
            await story()

    asyncio.run(bounded())


async def closed(place: Place, sent: bytes, *, drip: bytes = b"") -> bytes:
    """What comes back until the server closes the connection; `drip` is sent again and again meanwhile."""
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.write(sent)

    async def dripping() -> None:
        while drip:
            writer.write(drip)
            await asyncio.sleep(0.01)

    task = asyncio.ensure_future(dripping())
    found = bytearray()
    try:
        while piece := await reader.read(1 << 16):
            found += piece
        return bytes(found)
    except ConnectionError:
        return bytes(found)
    finally:
        task.cancel()
        writer.transport.abort()


@pytest.mark.spec("SRV-003")
@pytest.mark.parametrize("sent", [b"", HEAD[:20], HEAD])
@pytest.mark.parametrize("drip", [b"", b"X"])
def test_a_head_that_does_not_end_loses_its_connection(tmp_path: Path, sent: bytes, drip: bytes) -> None:
    async def story() -> None:
        async with serving(tmp_path, head_seconds=0.2) as place:
            assert await closed(place, sent, drip=drip and (drip if sent != HEAD else b"X: y\r\n")) == b""

    play(story)


@pytest.mark.spec("SRV-003")
@pytest.mark.parametrize("drip", [b"", b"x"])
def test_the_rest_of_a_body_that_was_refused_is_not_waited_for(tmp_path: Path, drip: bytes) -> None:
    async def story() -> None:
        async with serving(tmp_path, body_bytes=1000, head_seconds=1) as place:
            reply = await closed(place, HEAD + b"Content-Length: 50000000\r\n\r\n", drip=drip)
            assert reply.startswith(b"HTTP/1.1 413")

    play(story)


@pytest.mark.spec("SRV-003")
def test_fifty_megabytes_are_refused_and_the_next_caller_is_answered(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as place:
            reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
            writer.write(HEAD + b"Content-Length: 50000000\r\n\r\n")
            piece = b" " * 1_000_000
            for _ in range(50):
                writer.write(piece)
                await writer.drain()
            assert (await reader.readline()).startswith(b"HTTP/1.1 413")
            writer.transport.abort()
            assert (await place.chat()).status_code == 200

    play(story)


@pytest.mark.spec("SRV-013")
def test_a_connection_may_rest_between_two_requests(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, head_seconds=1.5) as place:
            reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
            asked = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
            writer.write(asked)
            await reader.readuntil(b'{"status":"ok"}')
            # Another connection is closed for its half of a head meanwhile; this one owes nothing.
            assert await closed(place, HEAD) == b""
            writer.write(asked)
            await reader.readuntil(b'{"status":"ok"}')
            writer.transport.abort()

    play(story)


@pytest.mark.spec("SRV-013")
def test_a_caller_who_never_reads_loses_its_stream_and_gives_its_place_back(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def team(request):
        if "Be long" not in request.view.text:
            return answer_then_vote("Short.")(request)
        if len(request.view.results) > 0:
            return Turn(text="never", hold=Hold(gate="never"))
        return Turn(text=LONG, chunks=200, calls=(call("unknown_tool"),))

    async def story() -> None:
        async with serving(tmp_path, {"model-a": team}, max_concurrent=1, write_seconds=0.3) as place:
            sent = json.dumps({"messages": [{"role": "user", "content": "Be long."}], "stream": True}).encode()
            with socket.socket() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.connect(("127.0.0.1", place.port))
                connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(sent) + sent)
                await place.provider.wait_for_requests("model-a", 1)
                reply = await place.chat()
                assert reply.json()["choices"][0]["message"]["content"] == "Short."
                assert b"[DONE]" not in await asyncio.to_thread(rest, connection)
            assert "cancelled" in (place.logs[0] / "status.json").read_text()

    play(story)
    assert "Traceback" not in capfd.readouterr().err


def rest(connection: socket.socket) -> bytes:
    """What is left to read of a connection that the server closes, or cuts."""
    found = bytearray()
    try:
        while piece := connection.recv(1 << 16):
            found += piece
    except ConnectionError:
        pass
    return bytes(found)
