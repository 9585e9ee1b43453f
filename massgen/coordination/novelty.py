"""How alike two answers are (COORD-069, COORD-070)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from massgen.coordination.rules import Novelty

SHORT_TOKENS = 20
LIMITS: dict[Novelty, float] = {"balanced": 0.7, "strict": 0.5}


def tokens(text: str) -> list[str]:
    """Words in lower case, in order."""
    return re.findall(r"\w+", text.lower())


class Fingerprint(Struct, frozen=True):
    """What two texts are compared by; made once for an answer. `sequence` is kept only for short texts."""

    words: frozenset[str]
    sequence: tuple[str, ...] | None

    @property
    def short(self) -> bool:
        return self.sequence is not None


def fingerprint(text: str) -> Fingerprint:
    found = tokens(text)
    return Fingerprint(frozenset(found), tuple(found) if len(found) < SHORT_TOKENS else None)


def likeness(first: Fingerprint, second: Fingerprint) -> float:
    """Shared tokens divided by the size of the smaller token set, 0.0 to 1.0.

    Where either text has fewer than 20 tokens: 1.0 if the token sequences are equal, else 0.0.
    """
    if first.short or second.short:
        return 1.0 if first.sequence == second.sequence else 0.0
    return len(first.words & second.words) / min(len(first.words), len(second.words))


def overlap(first: str, second: str) -> float:
    """The likeness of two texts."""
    return likeness(fingerprint(first), fingerprint(second))


def too_similar(text: str, existing: Iterable[Fingerprint | None], level: Novelty) -> bool:
    """Whether `text` repeats one of `existing` more than the level allows; lenient never objects."""
    limit = LIMITS.get(level)
    if limit is None:
        return False
    new = fingerprint(text)
    return any(likeness(new, other) > limit for other in existing if other is not None)
