"""A run directory read while it grows: first what is there, then what comes, over all turns and attempts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from massgen.events.codec import decode, run_logs
from massgen.events.types import Event, SessionEnd

POLL_SECONDS = 0.1
CHUNK = 262_144
LISTED = 20
Pause = Callable[[bool], Awaitable[object]]


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


def _likely(path: Path) -> tuple[Path, ...]:
    """Where a run goes on: another attempt, or another turn."""
    attempt = path.parent
    turn, root = attempt.parent, attempt.parent.parent
    return (
        turn / f"attempt_{_number(attempt) + 1}" / path.name,
        root / f"turn_{_number(turn) + 1}" / "attempt_1" / path.name,
    )


def _number(directory: Path) -> int:
    return int(directory.name.rpartition("_")[2])


async def follow(
    log_dir: Path,
    *,
    until_end: bool = False,
    after: int = 0,
    poll_seconds: float = POLL_SECONDS,
    pause: Pause | None = None,
) -> AsyncIterator[Event]:
    """Every event of the run with a `seq` above `after`, in order, and then each new one as it is written.

    With `until_end` the iteration ends when the newest turn is over. It never ends otherwise, not even when the run's
    process has died: whether it has is for the caller to find out. A directory that does not exist yet is waited for.
    `pause` is awaited instead of `poll_seconds` where there is nothing new, and told whether the newest turn is over.
    """
    tail: _Tail | None = None
    over, quiet = False, 0
    while True:
        grown, events = tail.read() if tail is not None else (False, [])
        quiet = 0 if grown else quiet + 1
        if not grown:
            following = _next_file(log_dir, tail, quiet)
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
            await (asyncio.sleep(poll_seconds) if pause is None else pause(over))


def _next_file(log_dir: Path, tail: _Tail | None, quiet: int) -> Path | None:
    """The file after that of `tail`. All are listed only now and then: a session may have hundreds of turns."""
    if tail is not None and quiet % LISTED:
        return next((path for path in _likely(tail.path) if path.exists()), None)
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
