"""How work grows: exponents of power laws through measured points."""

from __future__ import annotations

import math
from collections.abc import Sequence

from budget import Figure

MOST = 1.1
"""No cost may grow faster than its size to this power."""


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Of a power law through the points (least squares in logarithms)."""
    x, y = [math.log(size) for size in sizes], [math.log(max(value, 1e-9)) for value in values]
    middle, centre = sum(x) / len(x), sum(y) / len(y)
    return sum((a - middle) * (b - centre) for a, b in zip(x, y, strict=True)) / sum((a - middle) ** 2 for a in x)


def report(what: str, sizes: Sequence[float], values: Sequence[float]) -> None:
    """One figure, over the larger half of the sizes where there are enough: the small ones measure the start."""
    kept = slice(len(sizes) // 3, None) if len(sizes) > 3 else slice(None)
    Figure(
        name=f"growth of {what} (exponent)", measured=exponent(sizes[kept], values[kept]), unit="", budget=MOST
    ).report()
