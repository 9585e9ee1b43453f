"""The HTTP server around the application: sockets, signals, time limits."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import uvicorn
from h11 import DONE, IDLE, SEND_BODY
from uvicorn.protocols.http.h11_impl import H11Protocol

from massgen.errors import ConfigError
from massgen.server.reloading import FLAGS_VARIABLE
from massgen.server.settings import ServerSettings

DRAIN_SECONDS = 30


class PatientOnlySoLong(H11Protocol):
    """Cuts a connection that owes us something: for `head_seconds` the head of a request, or the rest of one that
    is answered already (a body that was too large); for `write_seconds` to take what is written."""

    def __init__(self, *args: Any, settings: ServerSettings, **more: Any) -> None:
        super().__init__(*args, **more)
        self._settings = settings
        self._waiting: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(self._settings.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()

    def timeout_keep_alive_handler(self) -> None:
        """A connection that is closed first gives away what is written; one that takes nothing is cut."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(self._settings.write_seconds, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._stalled is not None:
            self._stalled.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """The time counts from the first moment on; single bytes do not buy more of it."""
        head = self.conn.their_state is IDLE and not self._rests
        if head or (self.conn.their_state is SEND_BODY and self.conn.our_state is DONE):
            if self._waiting is None and not self.transport.is_closing():
                self._waiting = self.loop.call_later(self._settings.head_seconds, self.transport.abort)
        else:
            self._stop_waiting()

    @property
    def _rests(self) -> bool:
        """Between two requests, with nothing of the next one: uvicorn's own limit counts."""
        return self.timeout_keep_alive_task is not None

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def server_options(settings: ServerSettings) -> dict[str, Any]:
    """Options for uvicorn: idle and shutdown limits, no banner, no access log."""
    return {
        "host": settings.host,
        "port": settings.port,
        "http": partial(PatientOnlySoLong, settings=settings),
        "ws": "none",
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": DRAIN_SECONDS,
    }


class Announcing(uvicorn.Server):
    """Says where it listens, once it does; `tell` gets the real port."""

    def __init__(self, config: uvicorn.Config, tell: Callable[[int], None]) -> None:
        super().__init__(config)
        self._tell = tell

    async def startup(self, sockets: list[Any] | None = None) -> None:
        await super().startup(sockets)
        if self.servers:
            self._tell(self.servers[0].sockets[0].getsockname()[1])


def check_address(settings: ServerSettings) -> None:
    """Raise `ConfigError` where the address cannot be listened on."""
    host, port = settings.host, settings.port
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
    except OSError as error:
        raise ConfigError(
            f"The server cannot listen on {host}, port {port}: {error.strerror}.",
            hint="Choose another with --host and --port, or stop the program that uses it.",
        ) from error


def serve(settings: ServerSettings, tell: Callable[[int], None] = lambda port: None) -> bool:
    """Serve until SIGINT or SIGTERM; requests at work get `DRAIN_SECONDS`, then their runs are cancelled.

    False: it never listened; `check_address` finds the usual reasons before (uvicorn says the others).
    """
    from massgen.server.app import create_app

    server = Announcing(uvicorn.Config(create_app(settings), **server_options(settings)), tell)
    try:
        server.run()
    except KeyboardInterrupt:
        return True
    return server.started


def serve_reloading(settings: ServerSettings, flags: Mapping[str, object]) -> None:
    """The same, restarted whenever a source file changes (SRV-014); each process reads the flags anew."""
    os.environ[FLAGS_VARIABLE] = json.dumps(flags)
    uvicorn.run("massgen.server.reloading:app", factory=True, reload=True, **server_options(settings))
