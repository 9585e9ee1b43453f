"""The path policy of one agent in one phase: what it may read, what it may change, and why not.

The rule: the deepest granted or denied tree that contains a path decides (WS-062); equal depth is denied.
Protected paths of all enclosing trees add up (WS-095). Below a context path secret names are refused and `.git`
is read-only. This is a guard against accidents; containers and the operating system are the boundary (WS-105).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from massgen.workspace.context_paths import ProtectedPattern
from massgen.workspace.grants import Access, Grants, PathRefused
from massgen.workspace.sensitive import is_git_name, is_secret_name

log = logging.getLogger(__name__)

MAX_PATH = 4096
MAX_NAME = 255


class AgentPathPolicy(Struct, frozen=True, kw_only=True):
    """Implements `PathPolicy`. All paths are real. `private` trees (workspace, temporary workspaces) are the
    program's own, so names such as `.env` carry no special rule in them.

    Refusals are `PathRefused`; the text of a tool result is `Error: ` and the message (WS-096).
    """

    workspace: Path
    grants: Grants
    private: tuple[Path, ...] = ()
    patterns: tuple[ProtectedPattern, ...] = ()

    def resolve(self, path: str, access: Access) -> Path:
        """The real path behind `path` (relative to the workspace, symlinks followed), or `PathRefused`."""
        real = Path(os.path.realpath(written_path(path, self.workspace)))
        self.check(real, access, shown=path)
        return real

    def resolve_entry(self, path: str, access: Access) -> Path:
        """As `resolve`, but a final symlink is the entry itself: for deleting, moving and replacing names."""
        written = written_path(path, self.workspace)
        if written.name == "..":
            raise _refuse(path, "its last part is '..'")
        real = Path(os.path.realpath(written.parent)) / written.name if written.name else written
        self.check(real, access, shown=path)
        return real

    def allows(self, real: Path, access: Access) -> bool:
        """Whether a real path may be used; searches and listings leave out what may not."""
        return self._objection(real, access, str(real)) is None

    def visible(self, here: Path, found: Mapping[str, os.stat_result]) -> list[str]:
        """Those entries of the readable directory `here` that may be read; `found` is what each of them is.

        The same as `allows` for every one, with one look at the disk for all.
        """
        guarded = _identities(self.grants.denied)
        return [
            name
            for name, status in found.items()
            if (status.st_dev, status.st_ino) not in guarded
            and self._objection(here / name, "read", name, on_disk=False) is None
        ]

    def check(self, real: Path, access: Access, *, shown: str) -> None:
        """Raise `PathRefused` unless the real path may be used; `shown` is the path as the agent wrote it."""
        objection = self._objection(real, access, shown)
        log.debug("%s %s: %s", access, real, "allowed" if objection is None else f"refused, {objection}")
        if objection is not None:
            raise objection

    def check_removal(self, real: Path, *, shown: str) -> None:
        """Deleting, moving or replacing `real` with all below it must not touch what is protected (WS-098)."""
        self.check(real, "write", shown=shown)
        for kept in (*self.grants.protected, *self.grants.denied, *self.granted_roots()):
            if kept == real or kept.is_relative_to(real):
                log.debug("remove %s: refused, %s lies in it", real, kept)
                if kept in self.grants.protected:
                    raise PathRefused(f"Cannot modify {kept} - path is protected")
                raise _refuse(shown, "it holds files that you may not change")

    def granted_roots(self) -> tuple[Path, ...]:
        """The trees that are granted, writable first."""
        return (*self.grants.writable, *self.grants.readable)

    def root_of(self, real: Path) -> Path | None:
        """The deepest granted tree that contains `real`."""
        return _deepest(self.granted_roots(), real)

    def is_writable_tree(self, root: Path) -> bool:
        """Whether the granted tree `root` is a writable one (the same root listed as readable counts less)."""
        return root in self.grants.writable

    def is_private(self, real: Path) -> bool:
        """Whether `real` lies in a tree of the program (workspace, temporary workspaces)."""
        return any(within(real, tree) for tree in self.private)

    def _objection(self, real: Path, access: Access, shown: str, *, on_disk: bool = True) -> PathRefused | None:
        root = self.root_of(real)
        if root is None:
            return _refuse(shown, "it is outside your workspace, temporary workspace and context paths")
        denied = _deepest(self.grants.denied, real)
        if denied is not None and len(denied.parts) >= len(root.parts):
            return _refuse(shown, "it is not shared with agents")
        below = real.parts[len(root.parts) :]
        private = self.is_private(root)
        if not private and any(is_secret_name(name) for name in below):
            return _refuse(shown, "it is not shared with agents")
        if on_disk and _same_as_one_of(real, len(below), self.grants.denied):
            return _refuse(shown, "it is not shared with agents")
        if access == "read":
            return None
        return self._write_objection(real, root, below, private=private, shown=shown)

    def _write_objection(
        self, real: Path, root: Path, below: tuple[str, ...], *, private: bool, shown: str
    ) -> PathRefused | None:
        if not self.is_writable_tree(root):
            return _refuse(shown, "you may read it but not change it", verb="modify")
        inside = _deepest(self.grants.protected, real)
        matched = any(pattern.covers(real) for pattern in self.patterns)
        if inside is not None or matched or _same_as_one_of(real, len(below), self.grants.protected):
            return PathRefused(f"Cannot modify {real} - path is protected")
        if not private and any(is_git_name(name) for name in below):
            return _refuse(shown, "git's own files are not changed by hand", verb="modify")
        return None


def written_path(path: str, workspace: Path) -> Path:
    """The absolute path that `path` spells, symlinks and `..` not yet resolved; refuses what is no sane path."""
    if not path:
        raise _refuse("''", "the path is empty; name a file or directory")
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        raise _refuse(path, "it contains control characters")
    try:
        encoded = os.fsencode(path)
    except UnicodeEncodeError:
        raise _refuse(path, "it cannot be encoded as a file name") from None
    if len(encoded) > MAX_PATH or any(len(part) > MAX_NAME for part in encoded.split(b"/")):
        raise _refuse(path[:100] + "...", "it is too long; use a shorter name")
    return workspace / os.path.expanduser(path)


def _refuse(shown: str, reason: str, *, verb: str = "access") -> PathRefused:
    printable = shown if shown.isprintable() else ascii(shown)
    return PathRefused(f"Cannot {verb} {printable} - {reason}")


def within(path: Path, tree: Path) -> bool:
    """Whether `path` is `tree` or lies below it; both absolute and normal. `Path.is_relative_to`, ten times as fast."""
    if os.name == "nt":
        return path.is_relative_to(tree)
    inner, outer = str(path), str(tree)
    return inner == outer or inner.startswith(outer if outer.endswith(os.sep) else outer + os.sep)


def _deepest(trees: Iterable[Path], real: Path) -> Path | None:
    holding = [tree for tree in trees if within(real, tree)]
    return max(holding, key=lambda tree: len(tree.parts), default=None)


def _same_as_one_of(real: Path, depth: int, guarded: Iterable[Path]) -> bool:
    """Whether `real` or one of its `depth - 1` nearest parents is a guarded file under another name: another
    spelling on a case-insensitive file system, a hard link, a second mount."""
    identities = _identities(guarded)
    if not identities:
        return False
    chain = (real, *real.parents)[: max(depth, 1)]
    return any(identity in identities for path in chain if (identity := _identity(path)) is not None)


def _identities(paths: Iterable[Path]) -> set[tuple[int, int]]:
    return {identity for path in paths if (identity := _identity(path)) is not None}


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino
