"""Limits on memory and processes by control groups, where this user may make one (both versions).

Version 2 needs a delegated group: what a desktop session or a user service runs in, not what a login over the
network does, nor a container with a read-only `/sys/fs/cgroup`. Version 1 needs root. Elsewhere `make` returns None
and the watchdog keeps the limits.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from massgen.workspace.sandbox.protocol import Limit, Limits

_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_JOIN = 'for group in $1; do echo $$ > "$group/cgroup.procs"; done; shift; exec "$@"'


@dataclass(slots=True, kw_only=True)
class ControlGroup:
    """A group for one sandbox: `directories` to join, files that count how often a limit was hit."""

    directories: tuple[Path, ...]
    counters: tuple[tuple[Limit, Path, str], ...]

    def launcher(self) -> list[str]:
        """What to put before a command so that it and its children are in the group from the start."""
        return ["/bin/sh", "-c", _JOIN, "sh", " ".join(map(str, self.directories))]

    def holds(self, pid: int) -> bool:
        """Whether the process joined every directory of the group."""
        with contextlib.suppress(OSError):
            return all(str(pid) in (path / "cgroup.procs").read_text().split() for path in self.directories)
        return False

    def hits(self) -> dict[Limit, int]:
        """How often each limit was hit since the group was made."""
        return {limit: _counter(path, key) for limit, path, key in self.counters}

    def remove(self) -> None:
        """Take the group away; its processes must have ended."""
        for directory in self.directories:
            with contextlib.suppress(OSError):
                directory.rmdir()


def make(limits: Limits, *, root: Path = _ROOT, own: Path = _OWN) -> ControlGroup | None:
    """A new group with `limits`, or None where that is not allowed. `root` is where control groups are mounted,
    `own` lists those of this process."""
    groups = dict(_own_groups(own))
    name = f"massgen-{os.getpid()}-{secrets.token_hex(4)}"
    if (root / "cgroup.controllers").exists():
        return _version_2(root, groups.get("", "/"), name, limits)
    return _version_1(root, groups, name, limits)


def _own_groups(own: Path) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    with contextlib.suppress(OSError):
        for line in own.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            found += [(controller, path) for controller in controllers.split(",")]
    return found


def _version_2(root: Path, own: str, name: str, limits: Limits) -> ControlGroup | None:
    """The nearest group above this process that hands on both controllers; every one up to there must be ours, and
    so must the list of its processes: the kernel asks for that before it moves a process."""
    here = root / own.lstrip("/")
    for parent in (here, *here.parents):
        if not parent.is_relative_to(root) or not all(map(_is_ours, (parent, parent / "cgroup.procs"))):
            return None
        control = parent / "cgroup.subtree_control"
        if control.exists() and {"memory", "pids"} <= set(control.read_text().split()):
            group = _made(parent / name, {"memory.max": limits.memory, "pids.max": limits.processes})
            if group is None:
                return None
            _write_optional(group / "memory.swap.max", "0")
            counters: tuple[tuple[Limit, Path, str], ...] = (
                ("memory", group / "memory.events", "oom_kill"),
                ("processes", group / "pids.events", "max"),
            )
            return ControlGroup(directories=(group,), counters=counters)
    return None


def _is_ours(path: Path) -> bool:
    return os.access(path, os.W_OK)


def _version_1(root: Path, own: dict[str, str], name: str, limits: Limits) -> ControlGroup | None:
    if not {"memory", "pids"} <= own.keys():
        return None
    memory = _made(root / "memory" / own["memory"].lstrip("/") / name, {"memory.limit_in_bytes": limits.memory})
    pids = _made(root / "pids" / own["pids"].lstrip("/") / name, {"pids.max": limits.processes})
    directories = tuple(path for path in (memory, pids) if path is not None)
    if memory is None or pids is None:
        ControlGroup(directories=directories, counters=()).remove()
        return None
    _write_optional(memory / "memory.memsw.limit_in_bytes", str(limits.memory))
    counters: tuple[tuple[Limit, Path, str], ...] = (
        ("memory", memory / "memory.oom_control", "oom_kill"),
        ("processes", pids / "pids.events", "max"),
    )
    return ControlGroup(directories=directories, counters=counters)


def _write_optional(path: Path, value: str) -> None:
    """Swap counts as memory where the kernel counts it."""
    if path.exists():
        with contextlib.suppress(OSError):
            path.write_text(value)


def _made(group: Path, files: dict[str, int]) -> Path | None:
    _sweep(group.parent)
    try:
        group.mkdir()
        for name, value in files.items():
            (group / name).write_text(str(value))
    except OSError:
        with contextlib.suppress(OSError):
            group.rmdir()
        return None
    return group


def _sweep(parent: Path) -> None:
    """Take away empty groups of programs that were killed."""
    with contextlib.suppress(OSError):
        for old in parent.glob("massgen-*-*"):
            if not Path("/proc", old.name.split("-")[1]).exists():
                with contextlib.suppress(OSError):
                    old.rmdir()


def _counter(path: Path, key: str) -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in path.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == key:
                return int(value)
    return 0
