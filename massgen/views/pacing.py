"""How often a view that is one whole file is written anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Paced:
    """Calls `write` soon after `want`, at most once in `seconds`; `now` at once, as `want` where no loop runs."""

    def __init__(self, write: Callable[[], None], seconds: float) -> None:
        self._write = write
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def want(self) -> None:
        """The file is out of date."""
        if self._timer is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._write()
            return
        self._timer = loop.call_later(self._seconds, self.now)

    def now(self) -> None:
        """Write, and forget what was wanted."""
        self.stop()
        self._write()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
