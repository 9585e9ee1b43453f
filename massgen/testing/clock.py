"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio


class FakeClock:
    """Implements `massgen.engine.clock.Clock`: `advance` moves run time and wakes whoever waited for it.

    Give it to a run in place of the real one. A scripted policy may move it in the middle of a model call; those
    who are woken run as soon as the loop gets to them.
    """

    def __init__(self, now: float = 0.0) -> None:
        self._now = now
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    async def sleep_until(self, when: float) -> None:
        """Wait until run time `when`; returns at once if that is past."""
        if when <= self._now:
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((when, sleeper))
        await sleeper

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._now += seconds
        due = [each for each in self._sleepers if each[0] <= self._now]
        self._sleepers = [each for each in self._sleepers if each[0] > self._now]
        for _, sleeper in due:
            if not sleeper.done():
                sleeper.set_result(None)
