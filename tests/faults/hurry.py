"""A loop whose time passes only while it waits, and then fast: limits and back-offs cost little, and a busy machine
uses none of them up.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

SPEED = 10
Result = TypeVar("Result")


class _Waits(selectors.DefaultSelector):
    """Waits a tenth of what it is asked to, and adds up ten times what it waited."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0

    def select(self, timeout: float | None = None):
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        began = time.monotonic()
        found = super().select(timeout / SPEED)
        self.waited += min(timeout, (time.monotonic() - began) * SPEED) if found else timeout
        return found


class _QuickLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._waits = _Waits()
        super().__init__(self._waits)

    def time(self) -> float:
        return self._waits.waited


class LoopClock:
    """`massgen.engine.clock.Clock` in the time of the running loop."""

    def __init__(self) -> None:
        self._start = asyncio.get_running_loop().time()

    def now(self) -> float:
        return asyncio.get_running_loop().time() - self._start

    async def sleep_until(self, when: float) -> None:
        await asyncio.sleep(max(0.0, when - self.now()))


def hurried(work: Coroutine[Any, Any, Result]) -> Result:
    """`asyncio.run` in quick time."""
    with asyncio.Runner(loop_factory=_QuickLoop) as runner:
        return runner.run(work)
