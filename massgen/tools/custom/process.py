"""The worker processes of one agent: each runs one call at a time; what goes wrong ends the worker, not the run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from massgen.errors import ConfigError, MassGenError
from massgen.tools.custom.settings import CustomToolSettings
from massgen.workspace.sandbox.inside.warden import descendants, kill

LOAD_TIMEOUT = 120.0
CANCEL_GRACE = 3.0
MAX_MESSAGE = 64_000_000
Message = dict[str, Any]


class WorkerEnded(MassGenError):
    """The worker process ended in the middle of a call."""


class WorkerProcess:
    """One worker. `load` once, then calls one after the other; `stop` kills it and everything it started."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child
        self._words: deque[str] = deque(maxlen=5)
        self._errors = asyncio.create_task(self._collect())

    @classmethod
    async def start(cls, wrap: Sequence[str] = ()) -> WorkerProcess:
        """Start a worker; `wrap` is put before its command line (a sandbox)."""
        child = await asyncio.create_subprocess_exec(
            *wrap,
            sys.executable,
            "-P",
            "-m",
            "massgen.tools.custom.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=MAX_MESSAGE,
            start_new_session=True,
        )
        return cls(child)

    @property
    def alive(self) -> bool:
        return self._child.returncode is None

    async def load(self, tools: Sequence[CustomToolSettings]) -> Message:
        """Import the tools' modules there; gives descriptions, schemas and problems. Raises `ConfigError`."""
        await self._send(
            {
                "op": "load",
                "tools": [
                    {
                        "name": tool.name,
                        "function": tool.function,
                        "place": tool.place,
                        "description": tool.description,
                        "preset": tool.preset,
                    }
                    for tool in tools
                ],
            }
        )
        places = ", ".join(dict.fromkeys(tool.place for tool in tools))
        try:
            async with asyncio.timeout(LOAD_TIMEOUT):
                return await self._receive()
        except TimeoutError:
            raise ConfigError(f"Loading the custom tools of {places} took more than {LOAD_TIMEOUT:g} s.") from None
        except WorkerEnded as error:
            raise ConfigError(f"Loading the custom tools of {places} failed: {error.message}") from error

    async def call(self, message: Mapping[str, Any]) -> AsyncGenerator[Message, None]:
        """Yield the parts of one call and its last message. Raises `WorkerEnded`."""
        await self._send({"op": "call", **message})
        while True:
            reply = await self._receive()
            yield reply
            if reply["op"] in ("done", "failed"):
                return

    async def answer(self, message: Mapping[str, Any]) -> None:
        """Send what the running call has asked for."""
        await self._send(dict(message))

    async def cancel(self) -> bool:
        """Ask the running call to stop; whether it did, and the worker can be used again."""
        try:
            async with asyncio.timeout(CANCEL_GRACE):
                await self._send({"op": "cancel"})
                while (reply := await self._receive())["op"] not in ("done", "failed"):
                    continue
        except (TimeoutError, WorkerEnded):
            return False
        return not reply.get("thread")

    async def stop(self) -> None:
        if self.alive:
            _end_descendants(self._child.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._child.pid, signal.SIGKILL)
            else:
                self._child.kill()
        transport = getattr(self._child, "_transport", None)
        if transport is not None:
            # Before the wait, which otherwise lasts until nobody holds a pipe: a program that a tool left may.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                transport.close()
        await self._child.wait()
        self._errors.cancel()
        await asyncio.wait([self._errors])

    async def _send(self, message: Message) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(message, default=str).encode() + b"\n")
            await self._child.stdin.drain()
        except (OSError, RuntimeError) as error:
            raise WorkerEnded(await self._epitaph()) from error

    async def _receive(self) -> Message:
        assert self._child.stdout is not None
        try:
            line = await self._child.stdout.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            raise WorkerEnded(f"the result is larger than {MAX_MESSAGE // 1_000_000} MB") from None
        except asyncio.IncompleteReadError:
            raise WorkerEnded(await self._epitaph()) from None
        return json.loads(line)

    async def _epitaph(self) -> str:
        """How the process ended, with its last words."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CANCEL_GRACE):
                await asyncio.wait([self._errors])
                await self._child.wait()
        code = self._child.returncode
        how = "closed its connection" if code is None else f"exited with code {code}"
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                how = f"was killed by {signal.Signals(-code).name}"
        words = " | ".join(self._words)
        return f"the process of the tool {how}" + (f" ({words})" if words else "")

    async def _collect(self) -> None:
        """The last lines that the tools print; the pipe is always emptied."""
        assert self._child.stderr is not None
        rest = b""
        while chunk := await self._child.stderr.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[-2000:]
            self._words.extend(line[:500].decode(errors="replace") for line in lines[-5:] if line.strip())


def _end_descendants(worker: int) -> None:
    """End what the tools of a worker started, in whatever session it is; the worker itself starts no more."""
    if not hasattr(signal, "SIGSTOP"):
        return
    kill(worker, signal.SIGSTOP)
    for _ in range(5):
        if not (left := descendants(worker)):
            return
        for pid in left:
            kill(pid, signal.SIGKILL)


class WorkerPool:
    """Workers with the same tools loaded. The one used last is used again, so that a module keeps its state."""

    def __init__(self, tools: Sequence[CustomToolSettings], *, size: int, wrap: Sequence[str] = ()) -> None:
        self._tools = tuple(tools)
        self._wrap = wrap
        self._idle: list[WorkerProcess] = []
        self._all: set[WorkerProcess] = set()
        self._places = asyncio.Semaphore(size)

    async def load(self) -> Message:
        """Start the first worker and load the tools in it."""
        worker = await self._started()
        reply = await worker.load(self._tools)
        self._idle.append(worker)
        return reply

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[WorkerProcess]:
        """A worker for one call. It is kept if the call ended well, stopped if it is dead or was left running."""
        async with self._places:
            worker = self._idle.pop() if self._idle else None
            if worker is not None and not worker.alive:
                await self._stopped(worker)
                worker = None
            if worker is None:
                worker = await self._started()
                await worker.load(self._tools)
            keep = False
            try:
                yield worker
                keep = worker.alive
            except asyncio.CancelledError:
                keep = await asyncio.shield(worker.cancel())
                raise
            finally:
                if keep:
                    self._idle.append(worker)
                else:
                    await asyncio.shield(self._stopped(worker))

    async def close(self) -> None:
        """Kill all workers."""
        for worker in list(self._all):
            await self._stopped(worker)

    async def _started(self) -> WorkerProcess:
        worker = await WorkerProcess.start(self._wrap)
        self._all.add(worker)
        return worker

    async def _stopped(self, worker: WorkerProcess) -> None:
        self._all.discard(worker)
        await worker.stop()
