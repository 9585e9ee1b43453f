"""The time limits of the calls to one server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class CallClocks:
    """The time limits of the running calls; they stand still while a person is asked."""

    running: dict[asyncio.Timeout, float] = field(default_factory=dict)
    paused: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def idle(self) -> bool:
        """Whether no call is running."""
        return not self.running

    async def until_idle(self) -> None:
        """Wait for the end of all running calls."""
        while self.running:
            self._idle.clear()
            await self._idle.wait()

    def begin(self, clock: asyncio.Timeout, seconds: float) -> None:
        self.running[clock] = seconds
        if self.paused:
            clock.reschedule(None)

    def end(self, clock: asyncio.Timeout) -> None:
        self.running.pop(clock, None)
        if not self.running:
            self._idle.set()

    def pause(self) -> None:
        self.paused += 1
        for clock in self.running:
            clock.reschedule(None)

    def resume(self) -> None:
        self.paused -= 1
        if self.paused == 0:
            now = asyncio.get_running_loop().time()
            for clock, seconds in self.running.items():
                clock.reschedule(now + seconds)
