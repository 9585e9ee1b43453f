"""What a user should know about the copy of a project: which files agents do not get, and that there are many."""

from __future__ import annotations

import logging
from pathlib import Path

from massgen.workspace.store import Tree

log = logging.getLogger(__name__)

SECRET = "not shared with agents"
"""The reason for names that no grant includes."""
MANY_FILES = 20_000
_NAMED = 5
_ON_PURPOSE = frozenset({SECRET, "cache", "virtual environment", "broken link", "link that leaves the workspace"})


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
