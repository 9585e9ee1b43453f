"""One command in a container: `docker exec`, its outputs, and the end of its processes inside."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from massgen.workspace.sandbox.container.engine import Engine
from massgen.workspace.sandbox.container.leftovers import ending, ending_after
from massgen.workspace.sandbox.protocol import Limit, Sink, Stream

MARK = "MASSGEN_COMMAND"
_STREAMS: dict[int, Stream] = {1: "stdout", 2: "stderr"}


def exec_arguments(name: str, mark: str, command: str, *, shell: str, cwd: Path, env: Mapping[str, str]) -> list[str]:
    """The arguments of `exec`: the command under a mark, and the end of what it leaves behind."""
    line = ["exec", "--workdir", str(cwd), "--env", f"{MARK}={mark}"]
    for key in env:
        line += ["--env", key]
    return [*line, name, *ending_after(f"{MARK}={mark}", shell, command)]


class ContainerProcess(asyncio.SubprocessProtocol):
    """Implements `SandboxProcess` for one `exec`; made by `ContainerSandbox.spawn`."""

    def __init__(self, engine: Engine, name: str, sink: Sink) -> None:
        self.mark = secrets.token_hex(8)
        self.limit: Limit | None = None
        self.exit_code: int | None = None
        self._engine = engine
        self._name = name
        self._sink = sink
        self._transport: asyncio.SubprocessTransport | None = None
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._started = time.monotonic()
        self._stopped: float | None = None

    @property
    def seconds(self) -> float:
        return (self._stopped or time.monotonic()) - self._started

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.SubprocessTransport):
            self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._sink(_STREAMS[fd], data)

    def connection_lost(self, exc: Exception | None) -> None:
        code = self._transport.get_returncode() if self._transport else None
        if self._transport is not None:
            self._transport.close()
        self._stopped = time.monotonic()
        self.exit_code = 137 if code is None or code < 0 else code
        if not self._ended.done():
            self._ended.set_result(self.exit_code)

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    async def end(self, *, grace: float = 2.0, limit: Limit | None = None) -> None:
        self.limit = self.limit or limit
        signals = [("TERM", grace), ("KILL", 2.0), ("KILL", 2.0)] if grace > 0 else [("KILL", 2.0), ("KILL", 2.0)]
        for signal, patience in signals:
            if self._ended.done():
                return
            await self._signal(signal)
            await asyncio.wait({self._ended}, timeout=patience)
        if not self._ended.done() and self._transport is not None:
            self._transport.kill()

    async def settle(self, patience: float = 5.0) -> None:
        """Wait for the end of a command that was ended inside; a client that does not notice is ended itself."""
        await asyncio.wait({self._ended}, timeout=patience)
        if not self._ended.done() and self._transport is not None:
            self._transport.kill()
            await asyncio.wait({self._ended}, timeout=patience)

    async def _signal(self, name: str) -> None:
        """Reach every process inside that carries the mark in its environment."""
        await self._engine.ask("exec", self._name, *ending(f"{MARK}={self.mark}", name), timeout=20)
