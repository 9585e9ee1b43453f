"""Advisory locks on open files. A lock ends with its descriptor, so one of a dead process holds nobody up.

Without `flock` (Windows) every lock is granted: programs there do not see each other.
"""

from __future__ import annotations

try:
    import fcntl
except ImportError:
    fcntl = None


def lock(descriptor: int) -> None:
    """Wait for the lock."""
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def try_lock(descriptor: int) -> bool:
    """Whether the lock was free; it is ours then."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
