"""A run directory read while it grows: first what is there, then what comes, over all turns and attempts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from massgen.events.codec import decode, run_logs
from massgen.events.types import Event, SessionEnd

POLL_SECONDS = 0.1
CHUNK = 262_144


@dataclass(slots=True)
class _Tail:
    """One growing file; a line counts when it is whole. `read` gives nothing where there is nothing new."""

    path: Path
    position: int = 0
    _rest: bytes = field(default=b"")

    def read(self) -> tuple[bool, list[Event]]:
        """(whether there was anything new, the events of it)."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.position)
                data = file.read(CHUNK)
        except OSError:
            return False, []
        self.position += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return bool(data), [event for line in lines if (event := _event(line)) is not None]

    def last(self) -> list[Event]:
        """The event of a line that nobody closed, once the file is left for the next one."""
        event = _event(self._rest)
        return [event] if event is not None else []


def _event(line: bytes) -> Event | None:
    try:
        return decode(line)
    except ValueError:
        return None


async def follow(
    log_dir: Path, *, until_end: bool = False, after: int = 0, poll_seconds: float = POLL_SECONDS
) -> AsyncIterator[Event]:
    """Every event of the run with a `seq` above `after`, in order, and then each new one as it is written.

    With `until_end` the iteration ends when the newest turn is over. It never ends otherwise, not even when the run's
    process has died: whether it has is for the caller to find out. A directory that does not exist yet is waited for.
    """
    tail: _Tail | None = None
    over = False
    while True:
        grown, events = tail.read() if tail is not None else (False, [])
        if not grown:
            following = _next_file(log_dir, tail)
            if following is not None:
                # Between the last read and the listing the old file may have grown for the last time.
                late, events = tail.read() if tail is not None else (False, [])
                if not late:
                    events = tail.last() if tail is not None else []
                    tail = _Tail(following)
                grown = True
        for event in events:
            over = isinstance(event.body, SessionEnd)
            if event.seq > after:
                yield event
        if grown:
            await asyncio.sleep(0)
        elif over and until_end:
            return
        else:
            await asyncio.sleep(poll_seconds)


def _next_file(log_dir: Path, tail: _Tail | None) -> Path | None:
    try:
        logs = run_logs(log_dir)
    except OSError:
        return None
    if tail is None:
        return logs[0] if logs else None
    if tail.path not in logs:
        return None
    position = logs.index(tail.path) + 1
    return logs[position] if position < len(logs) else None
