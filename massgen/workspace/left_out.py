"""What a user should know about the copy of a project: which files agents do not get, that there are many, and which
of an agent's changes a copy could not be asked for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from massgen.workspace.objects import LINK
from massgen.workspace.store import Change, Tree

log = logging.getLogger(__name__)

SECRET = "not shared with agents"
"""The reason for names that no grant includes."""
MANY_FILES = 20_000
_NAMED = 5
_MADE = frozenset({"cache", "virtual environment"})
_ON_PURPOSE = frozenset({SECRET, *_MADE, "broken link", "link that leaves the workspace"})


class Missed(Struct, frozen=True, kw_only=True):
    """Something of a copy that its tree does not hold; `was` says that the project has something in its place."""

    path: str
    reason: str
    was: bool


def tell_left_out(root: Path, base: Tree) -> None:
    """Name what agents get no copy of; secrets and links that lead out are left out on purpose."""
    left = [f"{item.path} ({item.reason})" for item in base.omitted if item.reason not in _ON_PURPOSE]
    if base.files > MANY_FILES:
        log.warning(
            "%s holds %d files, and every agent gets a copy of them for every round. Share only the directory that "
            "matters, or use write_mode: legacy, if that takes too long.",
            root,
            base.files,
        )
    if left:
        more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
        log.warning("Agents get no copy of these files of %s: %s%s", root, ", ".join(left[:_NAMED]), more)


def missed_changes(found: Sequence[Change], tree: Tree) -> tuple[list[Missed], list[Change]]:
    """What `tree` does not hold of a copy, and the changes in `found` without those that only look like deletions
    because of that, or because a link, which is not applied, stands in the place of their directory. Caches and the
    like are not told of."""
    reasons = {item.path: item.reason for item in tree.omitted if item.reason != "vanished"}
    places = reasons.keys() | {change.path for change in found if change.new is not None and change.new.mode == LINK}
    kept: list[Change] = []
    replaced: set[str] = set()
    for change in found:
        place = next((path for path in _upwards(change.path) if path in places), None)
        if change.new is None and place is not None:
            replaced.add(place)
        else:
            kept.append(change)
    told = {path: reason for path, reason in reasons.items() if reason not in _MADE}
    return [Missed(path=path, reason=reason, was=path in replaced) for path, reason in told.items()], kept


def _upwards(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]
