"""Times of the log as people read them. Times in damaged logs can be anything; nothing here raises."""

from __future__ import annotations

import math
from datetime import datetime


def moment(timestamp: float) -> datetime:
    """Local time of a Unix time; the beginning of time for one that is none."""
    try:
        return datetime.fromtimestamp(timestamp)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0)


def iso(timestamp: float) -> str:
    """`2025-10-08T01:40:29`."""
    return moment(timestamp).isoformat(timespec="seconds")


def clock(timestamp: float) -> str:
    """`01:40:29`."""
    return f"{moment(timestamp):%H:%M:%S}"


def duration(seconds: float | None) -> str:
    """`28ms`, `4.4s`, `7.2m`, `1.5h`, or `-` where it is not known."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return "-"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.1f}s"
    return f"{seconds / 60:.1f}m" if seconds < 3600 else f"{seconds / 3600:.1f}h"
