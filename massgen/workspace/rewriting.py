"""Paths in answers, as another agent may see them: never a live workspace, never another's id (HOOK-027)."""

from __future__ import annotations

import re
from collections.abc import Mapping


def rewrite_paths(text: str, places: Mapping[str, str]) -> str:
    """Replace each path of `places` and everything below it by its counterpart, longest first.

    A path counts only as a whole name: `/w/a_1` is not found in `/w/a_12`. Pure; unknown text is unchanged.
    """
    if not places:
        return text
    longest = sorted(places, key=len, reverse=True)
    pattern = re.compile(r"(?<![\w/.-])(?:" + "|".join(map(re.escape, longest)) + r")(?![\w-]|\.\w)")
    return pattern.sub(lambda match: places[match[0]], text)
