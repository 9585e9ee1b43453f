"""Time, behind one protocol: rules and deadlines use run time, people see wall time."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """`now` is run time in seconds: monotonic, from 0, without the time a process was down."""

    def now(self) -> float: ...

    async def sleep_until(self, when: float) -> None: ...


class RunClock:
    """The real clock; `elapsed` seconds have been used by earlier processes of the same run."""

    def __init__(self, elapsed: float = 0.0) -> None:
        self._start = time.monotonic() - elapsed

    def now(self) -> float:
        return time.monotonic() - self._start

    async def sleep_until(self, when: float) -> None:
        """Wait until run time `when`; returns at once if that is past."""
        await asyncio.sleep(max(0.0, when - self.now()))
