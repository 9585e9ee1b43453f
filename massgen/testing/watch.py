"""Waiting for something to become true, from the server's loop, another loop, or a plain thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable


class Watch:
    """A condition that all sides can wait on. Invariant of the lock: `_waiting` is the set of waiters."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def changed(self) -> None:
        """Let every waiter look again."""
        with self._changed:
            self._changed.notify_all()
            for loop, event in self._waiting:
                loop.call_soon_threadsafe(event.set)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait in any event loop until `true()` holds."""
        waiter = (asyncio.get_running_loop(), asyncio.Event())
        with self._changed:
            self._waiting.add(waiter)
        try:
            while not true():
                await waiter[1].wait()
                waiter[1].clear()
        finally:
            with self._changed:
                self._waiting.discard(waiter)

    def block(self, true: Callable[[], bool], timeout: float) -> None:
        """Wait in a thread without an event loop; raises TimeoutError after `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(true, timeout):
                raise TimeoutError(f"nothing happened within {timeout} seconds")
