"""Paths in answers, as another agent may see them: never a live workspace, never another's id (HOOK-027)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path


def rewrite_paths(text: str, places: Mapping[str, str]) -> str:
    """Replace each path of `places` and everything below it by its counterpart, longest first.

    A path counts only as a whole name: `/w/a_1` is not found in `/w/a_12`. Pure; unknown text is unchanged.
    """
    if not places:
        return text
    longest = sorted(places, key=len, reverse=True)
    pattern = re.compile(r"(?<![\w/.-])(?:" + "|".join(map(re.escape, longest)) + r")(?![\w-]|\.\w)")
    return pattern.sub(lambda match: places[match[0]], text)


def spell(places: Mapping[Path, Path], *, base: Path, alias: Path) -> dict[str, str]:
    """The ways in which a text may write each path: absolute, relative to `base`, or below `alias`, another name
    of `base` (a link to it)."""
    spelt: dict[str, str] = {}
    for path, counterpart in places.items():
        spelt[str(path)] = str(counterpart)
        if path.is_relative_to(base):
            relative = path.relative_to(base)
            spelt[str(relative)] = str(counterpart)
            spelt[str(alias / relative)] = str(counterpart)
    return spelt
