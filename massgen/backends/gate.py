"""One back-off for all agents that use the same endpoint and key.

While a provider asks to slow down, at most one call at a time is let through to try again; the others wait for
its result. So ten agents meeting a limit send one request each period, not ten.
"""

from __future__ import annotations

import asyncio


class EndpointGate:
    """Open by default; `slow_down` closes it until one call succeeds."""

    def __init__(self) -> None:
        self._closed = False
        self._not_before = 0.0
        self._probe = asyncio.Lock()

    async def enter(self) -> Passage:
        """Wait until a call may be made. The caller ends the passage with `leave`, whatever happens."""
        if not self._closed:
            return Passage(self, probing=False)
        await self._probe.acquire()
        if not self._closed:
            self._probe.release()
            return Passage(self, probing=False)
        try:
            await self._wait()
        except asyncio.CancelledError:
            self._probe.release()
            raise
        return Passage(self, probing=True)

    async def _wait(self) -> None:
        waited_for = 0.0
        while waited_for < self._not_before:
            waited_for = self._not_before
            await asyncio.sleep(self.wait_seconds)

    @property
    def wait_seconds(self) -> float:
        """How long a call made now would wait at least; 0 where the gate is open."""
        if not self._closed:
            return 0.0
        return max(0.0, self._not_before - asyncio.get_running_loop().time())

    def slow_down(self, delay: float) -> None:
        """The endpoint asked everybody to wait for `delay` seconds."""
        self._closed = True
        self._not_before = max(self._not_before, asyncio.get_running_loop().time() + delay)

    def _opened(self, passage: Passage) -> None:
        if passage.probing:
            self._closed = False


class Passage:
    """The permission to make one call; holds the probe while the gate is closed."""

    def __init__(self, gate: EndpointGate, *, probing: bool) -> None:
        self._gate = gate
        self.probing = probing
        self.left = False

    def answered(self) -> None:
        """The endpoint answered: let the others through."""
        self._gate._opened(self)
        self.leave()

    def leave(self) -> None:
        """End the passage; a second call does nothing."""
        if self.probing and not self.left:
            self._gate._probe.release()
        self.left = True
