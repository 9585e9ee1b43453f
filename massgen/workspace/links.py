"""Hard links: one file under two names, of which one may lie outside of what is granted."""

from __future__ import annotations

import os
from pathlib import Path

from massgen.workspace.grants import Access, PathRefused
from massgen.workspace.policy import AgentPathPolicy

_COUNT_LIMIT = 200_000


def check_links(policy: AgentPathPolicy, found: os.stat_result, real: Path, access: Access, *, shown: str) -> None:
    """Refuse a file that has other names which may not be used in the same way.

    In trees that the agent can write, all names must be found in writable, unprotected places; in trees that it
    can only read the user or the program made the links, and the policy compares them with what is denied.
    """
    if found.st_nlink <= 1:
        return
    root = policy.root_of(real)
    if root is None or (access == "read" and not policy.is_writable_tree(root)):
        return
    if _names_within(policy, found) < found.st_nlink:
        raise PathRefused(f"Cannot access {shown!a} - it is a hard link to a file outside")


def _names_within(policy: AgentPathPolicy, found: os.stat_result) -> int:
    wanted = (found.st_dev, found.st_ino)
    roots = [
        root
        for root in policy.grants.writable
        if not any(root != other and root.is_relative_to(other) for other in policy.grants.writable)
    ]
    names = 0
    seen = 0
    for root in roots:
        for directory, _, files in os.walk(root):
            seen += len(files)
            if seen > _COUNT_LIMIT:
                return names
            names += sum(
                1
                for name in files
                if _identity(directory, name) == wanted and policy.allows(Path(directory, name), "write")
            )
    return names


def _identity(directory: str, name: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(os.path.join(directory, name))
    except OSError:
        return None
    return found.st_dev, found.st_ino
