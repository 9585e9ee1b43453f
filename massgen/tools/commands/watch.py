"""Who hears of background shells: each that begins, and how it ended while the turn goes on (TUI-019)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType

from massgen.workspace.sandbox.shells import ShellState

Tell = Callable[[ShellState], object]


class ShellWatch:
    """Enter it for the length of the turn, within what ends the shells: those that the end stops are not told of."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._waiting: set[asyncio.Task[None]] = set()
        self._closed = False

    def begun(self, state: ShellState, ended: Awaitable[ShellState]) -> None:
        """A shell runs; `ended` says how once it does not any more."""
        if not self._closed:
            self._tell(state)
        task = asyncio.ensure_future(self._until(ended))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _until(self, ended: Awaitable[ShellState]) -> None:
        state = await ended
        if not self._closed:
            self._tell(state)

    async def __aenter__(self) -> ShellWatch:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)
