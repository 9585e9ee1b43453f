"""The winner's changes to the user's project: listed, shown, and applied where accepted (WS-033, WS-104).

Nothing is applied that the policy refuses or that the user changed meanwhile. All accepted files arrive or none,
also when the program dies meanwhile (`applying.py`).
"""

from __future__ import annotations

import asyncio
import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from massgen.errors import StorageError
from massgen.workspace import staging
from massgen.workspace.applying import Step, apply_steps, fits, is_locked
from massgen.workspace.grants import PathRefused
from massgen.workspace.left_out import missed_changes
from massgen.workspace.objects import EXECUTABLE, LINK, TreeEntry
from massgen.workspace.policy import AgentPathPolicy
from massgen.workspace.project import Project
from massgen.workspace.store import Change, Store, Tree

_TEXT_LIMIT = 2_000_000
_HUNK_LIMIT = 20_000


class FileChange(Struct, frozen=True, kw_only=True):
    """One changed file. `target` is its absolute place in the user's project, `refused` says why it can not be
    approved, `conflict` that the user changed the file since the run began."""

    project: str
    path: str
    target: Path
    kind: Literal["added", "modified", "deleted"]
    old: TreeEntry | None
    new: TreeEntry | None
    refused: str | None = None
    conflict: bool = False

    @property
    def root(self) -> Path:
        """The directory of the project, which `path` is relative to."""
        return self.target.parents[self.path.count("/")]


class Applied(Struct, frozen=True, kw_only=True):
    """What applying did, each by absolute path; `refused` carries the reasons."""

    applied: tuple[Path, ...] = ()
    conflicts: tuple[Path, ...] = ()
    refused: tuple[tuple[Path, str], ...] = ()


class Acceptance(Struct, frozen=True, kw_only=True):
    """An accepted file: all of it, or only the hunks with these numbers; `overwrite` also over the user's edit."""

    change: FileChange
    hunks: frozenset[int] | None = None
    overwrite: bool = False


class Review:
    """The changes of one presenter; `policy` is the one that allows writing to `write` context paths, `state` the
    run's `.massgen`."""

    def __init__(self, *, store: Store, policy: AgentPathPolicy, state: Path) -> None:
        self._store = store
        self._policy = policy
        self._state = state

    async def changes(self, project: Project, tree: Tree) -> list[FileChange]:
        """What `tree` changes in `project`, ordered by path, refusals and conflicts marked; nothing that stands
        in the project already."""
        found = await self._store.diff(project.base, tree)
        return await asyncio.to_thread(self._files, project, found, tree)

    def hunks(self, change: FileChange) -> list[str]:
        """The parts of a text change that can be accepted one by one, as unified diff; one for other files."""
        sides = self._sides(change)
        if sides is None:
            return [f"{_kind(change)} {change.path} {change.kind}\n"]
        old, new = sides
        return [
            f"@@ -{a + 1},{b - a} +{c + 1},{d - c} @@\n"
            + "".join(f"-{line.rstrip(chr(10))}\n" for line in old[a:b])
            + "".join(f"+{line.rstrip(chr(10))}\n" for line in new[c:d])
            for a, b, c, d in _blocks(old, new)
        ]

    def patch(self, changes: Iterable[FileChange]) -> str:
        """All changes as one unified diff, for people and the final logs."""
        parts: list[str] = []
        for change in changes:
            sides = self._sides(change)
            if sides is None:
                parts.append(f"{_kind(change)} {_quoted(change.path)} {change.kind}\n")
                continue
            before = "/dev/null" if change.kind == "added" else _quoted(f"a/{change.path}")
            after = "/dev/null" if change.kind == "deleted" else _quoted(f"b/{change.path}")
            for line in difflib.unified_diff(*sides, before, after):
                parts.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
        return "".join(parts)

    def is_in_patch(self, change: FileChange) -> bool:
        """Whether `patch` holds all of the change; it only names files that are no text, and no modes."""
        sides = self._sides(change)
        return sides is not None and sides[0] != sides[1]

    async def apply(self, accepted: Sequence[Acceptance], *, patch: str = "") -> Applied:
        """Write the accepted changes into the user's project; `StorageError` leaves it as it was.

        `patch` is where the log keeps the changes, told to the user if the program dies meanwhile.
        """
        return await asyncio.to_thread(self._apply, accepted, patch)

    def _files(self, project: Project, found: Sequence[Change], tree: Tree) -> list[FileChange]:
        missed, found = missed_changes(found, tree)
        gone = {project.root / change.path for change in found if change.new is None}
        files = [
            self._file(project, change, gone)
            for change in found
            if not self._stands(project.root / change.path, change.new)
        ]
        files += [
            FileChange(
                project=project.name,
                path=change.path,
                target=project.root / change.path,
                kind="modified" if change.was else "added",
                old=None,
                new=None,
                refused=change.reason,
            )
            for change in missed
        ]
        return sorted(files, key=lambda file: file.path)

    def _stands(self, target: Path, new: TreeEntry | None) -> bool:
        """Whether the project is already as the change wants it; trees list no directories."""
        return self._is_as(target, new) or (new is None and target.is_dir() and not target.is_symlink())

    def _file(self, project: Project, change: Change, gone: set[Path]) -> FileChange:
        target = project.root / change.path
        refused = None
        try:
            entry = self._policy.resolve_entry(str(target), "write")
            if entry != target:
                refused = "it lies behind a link"
            elif change.kind == "deleted":
                self._policy.check_removal(entry, shown=str(target))
        except PathRefused as error:
            refused = error.message
        if refused is None and change.new is not None and change.new.mode == LINK:
            refused = _link(change.path, os.fsdecode(self._store.objects.read(change.new.id)))
        if refused is None and is_locked(target):
            refused = "its directory is read-only"
        return FileChange(
            project=project.name,
            path=change.path,
            target=target,
            kind=change.kind,
            old=change.old,
            new=change.new,
            refused=refused,
            conflict=refused is None and not self._is_free(target, change.old, gone),
        )

    def _is_as(self, target: Path, entry: TreeEntry | None) -> bool:
        """Whether `target` is what a tree says; None says that there is nothing."""
        try:
            found = staging.digest(self._policy, target)
        except (OSError, PathRefused):
            return False
        return found is None if entry is None else staging.same_content(found, entry.id, link=entry.mode == LINK)

    def _is_free(self, target: Path, old: TreeEntry | None, gone: set[Path]) -> bool:
        """Whether the user left `target` as it was, so that it can be changed once `gone` are deleted."""
        if old is None and target.is_dir() and not target.is_symlink():
            return fits(target, gone)
        return self._is_as(target, old) and fits(target, gone)

    def _apply(self, accepted: Sequence[Acceptance], patch: str) -> Applied:
        refused = tuple((item.change.target, item.change.refused) for item in accepted if item.change.refused)
        open_changes = [item for item in accepted if not item.change.refused and item.hunks != frozenset()]
        gone = {item.change.target for item in open_changes if item.change.new is None}
        todo: list[Acceptance] = []
        conflicts: list[Acceptance] = []
        for item in open_changes:
            free = item.overwrite or self._is_free(item.change.target, item.change.old, gone)
            (todo if free else conflicts).append(item)
        steps = [self._step(item) for item in todo if item.change.new or os.path.lexists(item.change.target)]
        try:
            apply_steps(self._policy, steps, state=self._state, patch=patch)
        except (OSError, PathRefused) as error:
            raise StorageError(f"The changes could not be applied, nothing was changed: {error}") from error
        return Applied(
            applied=tuple(item.change.target for item in todo),
            conflicts=tuple(item.change.target for item in conflicts),
            refused=refused,
        )

    def _step(self, item: Acceptance) -> Step:
        change = item.change
        if change.new is None:
            return Step(target=change.target, content=None)
        executable = change.new.mode == EXECUTABLE
        return Step(
            target=change.target,
            content=lambda: self._content(item),
            executable=executable if _mode(change.new) != _mode(change.old) else None,
        )

    def _content(self, item: Acceptance) -> bytes:
        change = item.change
        new = self._store.objects.read(change.new.id) if change.new else b""
        sides = self._sides(change)
        if item.hunks is None or sides is None:
            return new
        old_lines, new_lines = sides
        result: list[str] = []
        position = 0
        for number, (a, b, c, d) in enumerate(_blocks(old_lines, new_lines)):
            result += old_lines[position:a]
            result += new_lines[c:d] if number in item.hunks else old_lines[a:b]
            position = b
        return "".join([*result, *old_lines[position:]]).encode()

    def _sides(self, change: FileChange) -> tuple[list[str], list[str]] | None:
        if _is_link(change):
            return None
        texts: list[list[str]] = []
        for entry in (change.old, change.new):
            content = self._store.objects.read(entry.id) if entry is not None else b""
            if len(content) > _TEXT_LIMIT or b"\0" in content:
                return None
            try:
                texts.append(content.decode().splitlines(keepends=True))
            except UnicodeDecodeError:
                return None
        return texts[0], texts[1]


def _quoted(path: str) -> str:
    """A name as git writes it into a patch, so that a line end in it cannot pass for another line."""
    raw = os.fsencode(path)
    if all(32 <= byte < 127 and byte not in b'"\\' for byte in raw):
        return path
    return (
        '"' + "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}" for byte in raw) + '"'
    )


def _link(path: str, target: str) -> str:
    """Why a link at `path` of a project is not applied. It is not followed: its words tell where it leads."""
    place = os.path.normpath(os.path.join(os.path.dirname(path), target))
    if os.path.isabs(target) or place.split(os.sep)[0] == os.pardir:
        return f"a link that leads out of the project, to {target}"
    return "links are not applied"


def _is_link(change: FileChange) -> bool:
    return LINK in (_mode(change.old), _mode(change.new))


def _kind(change: FileChange) -> str:
    """How a patch names a change that it does not hold."""
    return "Link" if _is_link(change) else "Binary file"


def _mode(entry: TreeEntry | None) -> int | None:
    return entry.mode if entry is not None else None


def _blocks(old: list[str], new: list[str]) -> list[tuple[int, int, int, int]]:
    if len(old) + len(new) > _HUNK_LIMIT:
        return [(0, len(old), 0, len(new))]
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [(a, b, c, d) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"]


def accept_all(changes: Iterable[FileChange]) -> list[Acceptance]:
    """What a run without a person approves: everything that is neither refused nor in conflict (WS-045)."""
    return [Acceptance(change=change) for change in changes if change.refused is None and not change.conflict]
