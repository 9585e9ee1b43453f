"""Which process a run belongs to, so that dead and running can be told apart."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path


@cache
def _boot_time() -> float | None:
    try:
        for line in Path("/proc/stat").read_text().splitlines():
            if line.startswith("btime "):
                return float(line.split()[1])
    except OSError:
        return None
    return None


def process_started(pid: int) -> float | None:
    """Unix time when process `pid` started, None where it is gone or the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    boot = _boot_time()
    return None if boot is None else boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def own_start() -> float:
    """Unix time when this process started, or now where the system does not tell."""
    return process_started(os.getpid()) or time.time()


def is_running(pid: int, started: float) -> bool:
    """Whether the process that wrote `pid` and `started` still runs; a reused pid is another process."""
    found = process_started(pid)
    if found is not None:
        return abs(found - started) < 2.0
    if Path("/proc/self").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
