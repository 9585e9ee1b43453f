"""How alike two answers are (COORD-069, COORD-070)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from massgen.coordination.rules import Novelty

SHORT_TOKENS = 20
LIMITS: dict[Novelty, float] = {"balanced": 0.7, "strict": 0.5}


def tokens(text: str) -> list[str]:
    """Words in lower case, in order."""
    return re.findall(r"\w+", text.lower())


def overlap(first: str, second: str) -> float:
    """Shared tokens divided by the size of the smaller token set, 0.0 to 1.0.

    Where either text has fewer than 20 tokens: 1.0 if the token sequences are equal, else 0.0.
    """
    a, b = tokens(first), tokens(second)
    if min(len(a), len(b)) < SHORT_TOKENS:
        return 1.0 if a == b else 0.0
    left, right = set(a), set(b)
    return len(left & right) / min(len(left), len(right))


def too_similar(text: str, existing: Iterable[str], level: Novelty) -> bool:
    """Whether `text` repeats one of `existing` more than the level allows; lenient never objects."""
    limit = LIMITS.get(level)
    return limit is not None and any(overlap(text, other) > limit for other in existing)
