"""The HTTP server around the application: sockets, signals, time limits."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import uvicorn
from h11 import IDLE
from uvicorn.protocols.http.h11_impl import H11Protocol

from massgen.server.reloading import FLAGS_VARIABLE
from massgen.server.settings import ServerSettings

HEADER_SECONDS = 20.0
DRAIN_SECONDS = 30


class PatientOnlySoLong(H11Protocol):
    """Closes a connection whose request head does not arrive within `HEADER_SECONDS`."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not IDLE:
            self._stop_waiting()
        elif self._waiting is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def server_options(settings: ServerSettings) -> dict[str, Any]:
    """Options for uvicorn: idle and shutdown limits, no banner, no access log."""
    return {
        "host": settings.host,
        "port": settings.port,
        "http": PatientOnlySoLong,
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


def serve(settings: ServerSettings, tell: Callable[[int], None] = lambda port: None) -> bool:
    """Serve until SIGINT or SIGTERM; requests at work get `DRAIN_SECONDS`, then their runs are cancelled.

    False: it never listened, for example because the port is taken (uvicorn has said so).
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
