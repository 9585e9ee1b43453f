"""Programs that are talked to over their streams: in a sandbox of this machine, or started by ourselves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct

from massgen.workspace.sandbox.process import LocalProcess

_POLL = 0.01


class Pipes(Struct, frozen=True, kw_only=True):
    """Our ends of the three pipes of a program."""

    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader
    transports: tuple[asyncio.BaseTransport, ...]

    @classmethod
    async def make(cls, limit: int) -> tuple[tuple[int, int, int], Pipes]:
        """The program's ends (stdout, stderr, stdin; the caller closes them) and ours."""
        (in_read, in_write), (out_read, out_write), (err_read, err_write) = os.pipe(), os.pipe(), os.pipe()
        theirs = (out_write, err_write, in_read)
        made: list[asyncio.BaseTransport] = []
        unused = [in_write, out_read, err_read]
        loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader())
        readers: list[asyncio.StreamReader] = []
        try:
            writing, _ = await loop.connect_write_pipe(lambda: protocol, os.fdopen(unused.pop(0), "wb", 0))
            made.append(writing)
            while unused:
                readers.append(asyncio.StreamReader(limit=limit))
                reading = partial(asyncio.StreamReaderProtocol, readers[-1])
                transport, _ = await loop.connect_read_pipe(reading, os.fdopen(unused.pop(0), "rb", 0))
                made.append(transport)
        except BaseException:
            for transport in made:
                transport.close()
            for descriptor in (*unused, *theirs):
                os.close(descriptor)
            raise
        stdin = asyncio.StreamWriter(writing, protocol, None, loop)
        return theirs, cls(stdin=stdin, stdout=readers[0], stderr=readers[1], transports=tuple(made))

    def close(self) -> None:
        """Read and write no more."""
        for transport in self.transports:
            transport.close()


class PipedCommand:
    """Implements `PipedProcess` for a program below a warden; made by `LocalSandbox.open`."""

    def __init__(self, process: LocalProcess, pipes: Pipes) -> None:
        self._process = process
        self._pipes = pipes

    @property
    def stdin(self) -> asyncio.StreamWriter:
        return self._pipes.stdin

    @property
    def stdout(self) -> asyncio.StreamReader:
        return self._pipes.stdout

    @property
    def stderr(self) -> asyncio.StreamReader:
        return self._pipes.stderr

    async def stop(self, grace: float = 1.5) -> None:
        self.stdin.close()
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            await self._process.end(grace=grace)
        finally:
            self._pipes.close()


class PipedProgram:
    """Implements `PipedProcess` for a child of this program, in a session of its own."""

    def __init__(self, child: Process) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        self._child = child
        self.stdin = child.stdin
        self.stdout = child.stdout
        self.stderr = child.stderr

    @classmethod
    async def start(
        cls, argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None, limit: int
    ) -> PipedProgram:
        """Start `argv`; raises OSError where that is not possible."""
        child = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=env,
            cwd=cwd,
            limit=limit,
            start_new_session=True,
        )
        return cls(child)

    async def stop(self, grace: float = 1.5) -> None:
        forced = getattr(signal, "SIGKILL", signal.SIGTERM)
        self.stdin.close()
        if not await self.exited(grace):
            self._signal(signal.SIGTERM)
            if not await self.exited(grace):
                self._signal(forced)
                await self.exited(grace)
        self._signal(forced)
        transport = getattr(self._child, "_transport", None)
        if transport is not None:
            # A grandchild may hold a pipe open; without this the loop would warn about it when it closes.
            with contextlib.suppress(PermissionError, ProcessLookupError):
                transport.close()

    async def exited(self, seconds: float) -> bool:
        """Whether it ended in time; not `wait()`, which also waits for pipes that grandchildren hold."""
        for _ in range(int(seconds / _POLL)):
            if self._child.returncode is not None:
                return True
            await asyncio.sleep(_POLL)
        return self._child.returncode is not None

    def _signal(self, number: int) -> None:
        """To the group of the child, also after the child itself has ended (its children may live on)."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._child.pid, number)
            elif self._child.returncode is None:
                self._child.terminate()
