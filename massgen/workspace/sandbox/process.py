"""One command in a local sandbox: its outputs, its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable

from massgen.workspace.sandbox.protocol import Limit, Sink, Stream

_CHUNK = 1 << 16
_BURST = 1 << 20
_PAUSE = 0.02
_PATIENCE = 5.0


class LocalProcess:
    """A command of a `LocalSandbox`; made by its `spawn` only. `signal(number, n)` reaches its tree.

    `give_up` ends the whole sandbox, for a command that cannot be ended otherwise. A command that writes without
    end is read at about 50 MB a second, so that it cannot keep the loop busy.
    """

    def __init__(
        self,
        number: int,
        sink: Sink,
        signal: Callable[[int, int], Awaitable[None]],
        give_up: Callable[[], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.number = number
        self.limit: Limit | None = None
        self._signal = signal
        self._give_up = give_up
        self._sink = sink
        self._ended: asyncio.Future[int] = loop.create_future()
        self._drained: asyncio.Future[None] = loop.create_future()
        self._open: dict[int, Stream] = {}
        self._burst = 0
        self._started = time.monotonic()
        self._stopped: float | None = None

    @property
    def exit_code(self) -> int | None:
        return self._ended.result() if self._ended.done() and self._drained.done() else None

    @property
    def seconds(self) -> float:
        return (self._stopped or time.monotonic()) - self._started

    def listen(self, descriptors: dict[int, Stream]) -> None:
        """Read these descriptors until their ends; they are closed here. Without any, only the end counts."""
        self._open = dict(descriptors)
        if not descriptors:
            self._drained.set_result(None)
        for descriptor in descriptors:
            os.set_blocking(descriptor, False)
            self._attach(descriptor)

    def _attach(self, descriptor: int) -> None:
        if descriptor in self._open:
            asyncio.get_running_loop().add_reader(descriptor, self._read, descriptor)

    def _read(self, descriptor: int) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(descriptor, _CHUNK)
            if not data:
                self._close(descriptor)
                return
            self._sink(self._open[descriptor], data)
            self._burst += len(data)
        if self._burst >= _BURST:
            self._burst = 0
            loop = asyncio.get_running_loop()
            loop.remove_reader(descriptor)
            loop.call_later(_PAUSE, self._attach, descriptor)

    def _close(self, descriptor: int) -> None:
        if self._open.pop(descriptor, None) is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)
        if not self._open and not self._drained.done():
            self._drained.set_result(None)

    def finish(self, code: int) -> None:
        """The warden says that the command's whole tree has ended."""
        if not self._ended.done():
            self._stopped = time.monotonic()
            self._ended.set_result(code)

    def abandon(self) -> None:
        """Nobody writes any more: take what is left of the outputs and close them."""
        for descriptor in tuple(self._open):
            with contextlib.suppress(OSError):
                while data := os.read(descriptor, _CHUNK):
                    self._sink(self._open[descriptor], data)
            self._close(descriptor)

    async def wait(self) -> int:
        code = await asyncio.shield(self._ended)
        await asyncio.shield(self._drained)
        return code

    async def end(self, *, grace: float = 2.0, limit: Limit | None = None) -> None:
        self.limit = self.limit or limit
        if grace > 0 and not self._ended.done():
            await self._signal(self.number, 15)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await asyncio.shield(self._ended)
        if not self._ended.done():
            await self._signal(self.number, 9)
            try:
                async with asyncio.timeout(_PATIENCE):
                    await asyncio.shield(self._ended)
            except TimeoutError:
                self._give_up()
