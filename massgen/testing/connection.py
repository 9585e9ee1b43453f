"""A lean HTTP/1.1 server connection: requests are parsed, one task a request answers.

Small on purpose: the provider is used to measure runs whose model takes no time at all.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from msgspec import Struct

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    413: "Payload Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
    529: "Overloaded",
}
BATCH = 32 * 1024


class Gone(Exception):
    """The connection is closed; nothing more can be sent."""


class RawRequest(Struct, frozen=True, kw_only=True):
    """A request as bytes; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Host(Protocol):
    """What a connection needs of its server."""

    def start(self, answering: Coroutine[Any, Any, None]) -> asyncio.Task[None]: ...
    async def answer(self, request: RawRequest, connection: Connection) -> None: ...
    def opened(self, connection: Connection) -> None: ...
    def closed(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """One connection of one client. The answering task is cancelled when the client goes away.

    `answered` says whether any byte of the current response has been sent.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._received = bytearray()
        self._writable = asyncio.Event()
        self._writable.set()
        self._task: asyncio.Task[None] | None = None
        self.transport: asyncio.Transport | None = None
        self.answered = False

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self._task is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._host.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.transport = None
        self._writable.set()
        if self._task is not None:
            self._task.cancel()
        self._host.closed(self)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._task is None:
            self._next()

    def _next(self) -> None:
        try:
            request = take_request(self._received)
        except ValueError as error:
            self._refuse(error)
            return
        if request is not None:
            self.answered = False
            self._task = self._host.start(self._answer(request))

    def _refuse(self, error: ValueError) -> None:
        """Answer bytes that are no request, and close."""
        assert self.transport is not None
        body = f"this is no HTTP/1.1 request: {error}".encode()
        head = f"{status_line(400)}Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)
        self.transport.close()

    async def _answer(self, request: RawRequest) -> None:
        try:
            await self._host.answer(request, self)
        except Gone:
            return
        finally:
            self._task = None
        if self.transport is not None and not self.transport.is_closing():
            self._next()

    async def write(self, data: bytes) -> None:
        """Send bytes, waiting while the client does not read. Raises `Gone`."""
        if self.transport is None or self.transport.is_closing():
            raise Gone
        self.answered = True
        self.transport.write(data)
        if not self._writable.is_set():
            await self._writable.wait()

    async def send(self, status: int, body: bytes, content_type: str, extra: str = "") -> None:
        """Send a whole response."""
        head = f"{status_line(status)}Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        await self.write(f"{head}{extra}\r\n".encode() + body)

    async def send_json(self, status: int, body: object, extra: str = "") -> None:
        await self.send(status, json.dumps(body).encode(), "application/json", extra)

    async def begin_body(self, length: int) -> None:
        """Send the headers of a JSON body of `length` bytes."""
        head = f"{status_line(200)}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        await self.write(head.encode())

    async def begin_events(self) -> None:
        """Send the headers of a stream of events."""
        head = f"{status_line(200)}Content-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
        await self.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())

    async def send_events(self, frames: list[bytes]) -> None:
        """Send frames as they are, many to a packet."""
        batch: list[bytes] = []
        size = 0
        for frame in frames:
            batch.append(frame)
            size += len(frame)
            if size >= BATCH:
                await self.send_chunk(b"".join(batch))
                batch, size = [], 0
                await asyncio.sleep(0)
        await self.send_chunk(b"".join(batch))

    async def send_chunk(self, data: bytes) -> None:
        """Send one chunk of the body; an empty one is left out, as it would end the response."""
        if data:
            await self.write(b"%x\r\n%b\r\n" % (len(data), data))

    async def end_events(self) -> None:
        await self.write(b"0\r\n\r\n")

    def close(self, *, reset: bool = False) -> None:
        """Close now: what is buffered still leaves, unless the connection is reset."""
        if self.transport is None:
            return
        if not reset:
            self.transport.close()
            return
        linger = struct.pack("ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()


def status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\n"


def take_request(received: bytearray) -> RawRequest | None:
    """Take the first whole request out of `received`; None while it is incomplete.

    Raises ValueError where it is none, or has a body without a stated length.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = received[:end].decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    pairs = (line.partition(":") for line in lines[1:])
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if "transfer-encoding" in headers:
        raise ValueError("a body needs a Content-Length")
    length = int(headers.get("content-length", "0"))
    if len(received) < end + 4 + length:
        return None
    body = bytes(received[end + 4 : end + 4 + length])
    del received[: end + 4 + length]
    return RawRequest(method=method, target=target, headers=headers, body=body)
