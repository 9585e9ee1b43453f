"""Processes of this machine by their number and their start, so that dead and running can be told apart."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path

_ENDED = ("Z", "X")


@cache
def _boot_time() -> float | None:
    try:
        for line in Path("/proc/stat").read_text().splitlines():
            if line.startswith("btime "):
                return float(line.split()[1])
    except OSError:
        return None
    return None


def _state(pid: int) -> list[str]:
    """What `/proc` says from the state letter on; nothing where it shows no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def start_ticks(pid: int) -> int | None:
    """When process `pid` started, in ticks since the machine did; None where it has ended or the system does not tell.

    Unlike a time it is not moved by a clock that is set.
    """
    fields = _state(pid)
    return int(fields[19]) if fields and fields[0] not in _ENDED else None


def process_started(pid: int) -> float | None:
    """Unix time when process `pid` started, None where it has ended or the system does not tell."""
    ticks, boot = start_ticks(pid), _boot_time()
    return None if ticks is None or boot is None else boot + ticks / os.sysconf("SC_CLK_TCK")


def own_start() -> float:
    """Unix time when this process started, or now where the system does not tell."""
    return process_started(os.getpid()) or time.time()


def is_running(pid: int, started: float) -> bool:
    """Whether the process that wrote `pid` and `started` still runs; a reused pid is another process."""
    found = process_started(pid)
    if found is not None:
        return abs(found - started) < 2.0
    return not Path("/proc/self").exists() and is_present(pid)


def is_present(pid: int) -> bool:
    """Whether a process with this number runs, also where `/proc` hides those of other users."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    fields = _state(pid)
    return not fields or fields[0] not in _ENDED
