"""Limits that no kernel facility enforces for us: memory, processes and disk, looked at while commands run.

It reads the processes below the sandbox's launcher; a sandbox over a limit is ended as a whole, because a fork
bomb cannot be told from its siblings in time. Where cgroups are writable they act first (`cgroup.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from massgen.workspace.sandbox.cgroup import ControlGroup
from massgen.workspace.sandbox.inside.warden import descendants
from massgen.workspace.sandbox.protocol import Limit, Limits

_PERIOD = 0.2
_DISK_PERIOD = 1.0
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Watchdog:
    """`over(limit)` is called on the event loop, once, when a limit is exceeded; `pace` stretches the looks."""

    def __init__(self, limits: Limits, over: Callable[[Limit], None], *, pace: float = 1.0) -> None:
        self._limits = limits
        self._over = over
        self._pace = pace
        self._root = 0
        self._directories: list[Path] = []
        self._timer: asyncio.TimerHandle | None = None
        self._active = False
        self._disk_due = 0.0
        self._group: ControlGroup | None = None
        self._hits: dict[Limit, int] = {}

    def start(self, root: int, directories: list[Path], group: ControlGroup | None) -> None:
        """Watch the processes below `root`, the size of `directories`, and the counters of `group`."""
        self._root = root
        self._directories = directories
        self._group = group
        self._hits = group.hits() if group else {}

    def wake(self) -> None:
        """A command has started."""
        self._active = True
        if self._timer is None and self._root:
            self._timer = asyncio.get_running_loop().call_later(_PERIOD * self._pace, self._look)

    def rest(self) -> None:
        """No command runs."""
        self._active = False

    def stop(self) -> None:
        self._active = False
        self._root = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._active and self._root:
            loop = asyncio.get_running_loop()
            loop.run_in_executor(None, self._measure, self._root).add_done_callback(self._decide)

    def _decide(self, found: asyncio.Future[Limit | None]) -> None:
        if found.cancelled() or not self._active or not self._root:
            return
        limit = found.result()
        if limit is not None:
            self._active = False
            self._over(limit)
        else:
            self.wake()

    def hit(self) -> Limit | None:
        """A limit of the control group that was hit since this was last asked."""
        before, self._hits = self._hits, self._group.hits() if self._group else {}
        return next((limit for limit, count in self._hits.items() if count > before.get(limit, 0)), None)

    def _measure(self, root: int) -> Limit | None:
        if (limit := self.hit()) is not None:
            return limit
        pids = descendants(root)
        if len(pids) > self._limits.processes:
            return "processes"
        if sum(map(_private_memory, pids)) > self._limits.memory:
            return "memory"
        now = time.monotonic()
        if now >= self._disk_due and self._directories:
            size = sum(map(_size, self._directories))
            spent = time.monotonic() - now
            self._disk_due = time.monotonic() + max(_DISK_PERIOD * self._pace, 10 * spent)
            if size > self._limits.disk:
                return "disk"
        return None


def _private_memory(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/statm").read_text().split()
        return (int(fields[1]) - int(fields[2])) * _PAGE
    return 0


def _size(directory: Path) -> int:
    """Bytes on disk below `directory`, links not followed."""
    total = 0
    pending = [str(directory)]
    while pending:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total
