"""Whose a container is: the labels that name a process of one start of one machine, and whether it has ended."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from massgen.process import is_present, start_ticks

OWNER = "massgen.owner"
"""Host and process number; containers of older versions have this label alone."""
STARTED, NAMESPACE, BOOT, MACHINE = ("massgen.started", "massgen.namespace", "massgen.boot", "massgen.machine")
LABELS = (OWNER, STARTED, NAMESPACE, BOOT, MACHINE)
_MACHINE_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")


def owner_labels() -> dict[str, str]:
    """This process: number, start, process namespace, start of the machine, machine. Empty is not known."""
    started = start_ticks(os.getpid())
    return {
        OWNER: f"{socket.gethostname()}:{os.getpid()}",
        STARTED: "" if started is None else str(started),
        NAMESPACE: _namespace(),
        BOOT: _read("/proc/sys/kernel/random/boot_id"),
        MACHINE: _machine(),
    }


def has_ended(labels: Mapping[str, str]) -> bool:
    """Whether the process that `labels` name certainly runs no more; False where that cannot be known from here.

    Another machine or process namespace may share the engine: its processes cannot be seen. What an earlier start of
    this machine ran has ended with it.
    """
    host, _, pid = labels[OWNER].rpartition(":")
    if not pid.isdigit():
        return False
    if not labels[BOOT]:
        return host == socket.gethostname() and not is_present(int(pid))
    mine = owner_labels()
    if labels[BOOT] != mine[BOOT]:
        return bool(mine[MACHINE]) and labels[MACHINE] == mine[MACHINE]
    if not mine[NAMESPACE] or labels[NAMESPACE] != mine[NAMESPACE]:
        return False
    found = start_ticks(int(pid))
    if found is None or not labels[STARTED]:
        return not is_present(int(pid))
    return str(found) != labels[STARTED]


@cache
def _namespace() -> str:
    """Empty where `/proc` shows another namespace than ours: numbers there are not our numbers."""
    try:
        shown = os.readlink("/proc/self") == str(os.getpid())
        return os.readlink("/proc/self/ns/pid") if shown else ""
    except OSError:
        return ""


@cache
def _machine() -> str:
    """A digest of the machine's name and id, which itself is for this machine only; empty without an id."""
    found = next((text for path in _MACHINE_IDS if (text := _read(path))), "")
    return hashlib.sha256(f"massgen {socket.gethostname()} {found}".encode()).hexdigest()[:16] if found else ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
