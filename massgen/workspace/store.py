"""Snapshots: a workspace as one immutable tree, shown anywhere as a farm of hard links (WS-020, COORD-040).

Design: `objects.py` keeps contents and directories, `capture.py` reads a live workspace. Everything here runs in
threads, off the event loop. What cannot be kept is reported in `Tree.omitted`; a full or read-only disk is
`StorageError`.
"""

from __future__ import annotations

import asyncio
import errno
import io
import logging
import os
import secrets
import stat
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from msgspec import Struct

from massgen.errors import StorageError
from massgen.workspace.capture import RACY_NS, SIZE_CAP, Capture, Known, Omission, open_real, signature_of, skip_nothing
from massgen.workspace.layout import WORKTREES
from massgen.workspace.objects import (
    ARCHIVED_GIT,
    DIRECTORY,
    EXECUTABLE,
    LINK,
    Objects,
    TreeEntry,
    copy_file,
    storage_errors,
)
from massgen.workspace.removal import empty_directory, remove_path

log = logging.getLogger(__name__)

FRAMEWORK_DIRECTORIES = ("subagents", "servers", "custom_tools", ".mcp")
SCRATCH_ARCHIVE = ".scratch_archive"
GIT_ARCHIVE = ".git.tar"
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NOFOLLOW
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW
Skip = Callable[[str, bool], str | None]


class Tree(Struct, frozen=True, kw_only=True):
    """A frozen directory. `id` names its content; `files` and `size` (bytes) count it; `omitted` is for logs."""

    id: str
    files: int = 0
    size: int = 0
    omitted: tuple[Omission, ...] = ()


class Change(Struct, frozen=True, kw_only=True):
    """One path that differs between two trees; `old` or `new` is None where it did not or does not exist."""

    path: str
    kind: Literal["added", "modified", "deleted"]
    old: TreeEntry | None
    new: TreeEntry | None


def skip_in_workspace(path: str, is_directory: bool) -> str | None:
    """What a snapshot of an agent's workspace leaves out: caches, framework directories, worktrees (S-05)."""
    if is_directory and (path in FRAMEWORK_DIRECTORIES or path == WORKTREES):
        return ""
    return skip_nothing(path, is_directory)


class Store:
    """The snapshots of one run below `root`. Safe to use from several tasks and threads."""

    def __init__(self, root: Path, *, size_cap: int = SIZE_CAP) -> None:
        self.objects = Objects(root)
        self._size_cap = size_cap
        self._known: dict[str, dict[str, Known]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    async def take(
        self,
        directory: Path,
        *,
        skip: Skip = skip_in_workspace,
        size_cap: int | None = None,
        file_cap: int | None = None,
        trusted: bool = False,
        keep_links: bool = False,
    ) -> Tree:
        """Freeze `directory` as it is now. `skip(path, is_directory)` gives None to keep a name, a reason to leave
        it out with a log line, or an empty reason to leave it out in silence; `file_cap` leaves out larger files.
        `trusted` is for directories that no
        agent writes (views, steps, the user's project): hard links in them are no way to steal a file.
        `keep_links` keeps a link that leads out, as a link; only for checkouts."""
        return await asyncio.to_thread(
            self._take, directory, skip, size_cap or self._size_cap, file_cap, trusted, keep_links
        )

    async def materialise(self, tree: Tree, destination: Path, *, links: bool = True) -> None:
        """Replace `destination` by a read-only view of `tree`; readers see the old or the new one.

        With `links` files are hard links to one read-only file, otherwise (a reader that no sandbox holds)
        reflinks or copies. A nested `.git` appears as the file `.git.tar`.
        """
        await asyncio.to_thread(self._materialise, tree, destination, links)

    async def restore(self, tree: Tree, workspace: Path, *, keep: Iterable[str] = ()) -> None:
        """Make `workspace` a writable copy of `tree`; top-level names in `keep` stay as they are (WS-018)."""
        await asyncio.to_thread(self._restore, tree, workspace, frozenset(keep))

    async def survey(self, tree: Tree, directory: Path) -> dict[str, Known]:
        """What the files of `directory` look like, just restored from `tree` where no agent reaches them.

        Once the directory has moved to its place, `adopt` spares reading those files again that nobody changed.
        """
        return await asyncio.to_thread(self._survey, tree, directory)

    def adopt(self, directory: Path, known: dict[str, Known], moved: int) -> None:
        """Believe a `survey` for the directory at its new place, where agents have reached it since `moved` (in
        nanoseconds since the epoch)."""
        latest = moved - RACY_NS
        root = os.path.realpath(directory)
        with self._lock(root):
            self._known[root] = {path: one for path, one in known.items() if max(one.signature[1:3]) < latest}

    async def diff(self, old: Tree, new: Tree) -> list[Change]:
        """What differs, ordered by path; directories as such are not listed."""
        return await asyncio.to_thread(lambda: list(self._changes(old.id, new.id, "")))

    def entries(self, tree: Tree) -> dict[str, TreeEntry]:
        """All files and links of a tree by path."""
        return dict(_flat(self.objects, tree.id, ""))

    def describe(self, tree: str) -> Tree:
        """The value of a kept tree by its id; blocks."""
        blobs = [entry for _, entry in _flat(self.objects, tree, "") if entry.mode != LINK]
        size = sum(self.objects.blob_path(entry.id).stat().st_size for entry in blobs)
        return Tree(id=tree, files=len(blobs), size=size)

    def _take(
        self, directory: Path, skip: Skip, size_cap: int, file_cap: int | None, trusted: bool, keep_links: bool
    ) -> Tree:
        root = os.path.realpath(directory)
        if not trusted and root != os.path.abspath(directory):
            raise StorageError(f"{directory} is reached through a link, which is not followed.")
        with self._lock(root):
            capture = Capture(
                objects=self.objects,
                root=root,
                known=self._known.get(root, {}),
                skip=skip,
                size_cap=size_cap,
                file_cap=file_cap,
                trusted=trusted,
                keep_links=keep_links,
            )
            tree = capture.run()
            self._known[root] = capture.fresh
        for omission in capture.omitted[:20]:
            log.info("Not in the snapshot: %s (%s)", omission.path, omission.reason)
        return Tree(id=tree, files=capture.files, size=capture.size, omitted=tuple(capture.omitted))

    def _survey(self, tree: Tree, directory: Path) -> dict[str, Known]:
        known: dict[str, Known] = {}
        for path, entry in _flat(self.objects, tree.id, ""):
            found = os.lstat(f"{directory}/{path}")
            if stat.S_ISREG(found.st_mode):
                known[path] = Known(signature_of(found), entry.id)
        return known

    def _materialise(self, tree: Tree, destination: Path, links: bool) -> None:
        with storage_errors("a view of a workspace"):
            destination.parent.mkdir(parents=True, exist_ok=True)
            mark = secrets.token_hex(8)
            fresh = destination.with_name(f".{mark}.new")
            try:
                self._fill(tree.id, fresh, links)
                old = destination.with_name(f".{mark}.old")
                try:
                    os.rename(destination, old)
                except FileNotFoundError:
                    old = None
                os.rename(fresh, destination)
            except BaseException:
                remove_path(fresh)
                raise
            if old is not None:
                remove_path(old)

    def _fill(self, tree: str, destination: Path, links: bool) -> None:
        os.mkdir(destination)
        prefix = f"{destination}/"
        for mode, name, found in self.objects.tree(tree):
            if mode == DIRECTORY:
                self._fill(found, Path(prefix + name), links)
            elif mode == LINK:
                os.symlink(os.fsdecode(self.objects.read(found)), prefix + name)
            else:
                path = prefix + (GIT_ARCHIVE if mode == ARCHIVED_GIT else name)
                self._place(self.objects.blob_path(found, executable=mode == EXECUTABLE), path, mode, links)

    def _place(self, source: Path, path: str, mode: int, links: bool) -> None:
        if links:
            try:
                os.link(source, path)
                return
            except OSError as error:
                if error.errno not in (errno.EMLINK, errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP):
                    raise
        copy_file(source, Path(path), 0o555 if mode == EXECUTABLE else 0o444)

    def _restore(self, tree: Tree, workspace: Path, keep: frozenset[str]) -> None:
        with storage_errors("a workspace"):
            workspace.mkdir(parents=True, exist_ok=True)
            empty_directory(workspace, keep=keep)
            descriptor = open_real(os.path.realpath(workspace))
            try:
                self._copy(tree.id, descriptor, keep)
            finally:
                os.close(descriptor)

    def _copy(self, tree: str, parent: int, keep: frozenset[str] = frozenset()) -> None:
        """Fill the open directory; an agent may be swapping names in it for links meanwhile, so none is followed."""
        for mode, name, found in self.objects.tree(tree):
            if name in keep:
                continue
            if mode == DIRECTORY:
                with _made(name, parent) as below:
                    self._copy(found, below)
            elif mode == LINK:
                os.symlink(os.fsdecode(self.objects.read(found)), name, dir_fd=parent)
            elif mode == ARCHIVED_GIT:
                with _made(name, parent) as below:
                    _unpack(self.objects.read(found), below)
            else:
                bits = 0o755 if mode == EXECUTABLE else 0o644
                copy_file(self.objects.blob_path(found), name, bits, parent=parent)

    def _changes(self, old: str | None, new: str | None, prefix: str) -> Iterator[Change]:
        if old == new:
            return
        before = {entry.name: entry for entry in self.objects.tree(old)} if old else {}
        after = {entry.name: entry for entry in self.objects.tree(new)} if new else {}
        for name in sorted(before.keys() | after.keys()):
            yield from self._change(before.get(name), after.get(name), prefix + name)

    def _change(self, old: TreeEntry | None, new: TreeEntry | None, path: str) -> Iterator[Change]:
        if old == new:
            return
        old_tree = old.id if old and old.mode == DIRECTORY else None
        new_tree = new.id if new and new.mode == DIRECTORY else None
        old_file = old if old and not old_tree else None
        new_file = new if new and not new_tree else None
        if old_file and new_file:
            yield Change(path=path, kind="modified", old=old_file, new=new_file)
        elif old_file:
            yield Change(path=path, kind="deleted", old=old_file, new=None)
        elif new_file:
            yield Change(path=path, kind="added", old=None, new=new_file)
        yield from self._changes(old_tree, new_tree, path + "/")

    def _lock(self, root: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(root, threading.Lock())


def _flat(objects: Objects, tree: str, prefix: str) -> Iterator[tuple[str, TreeEntry]]:
    for entry in objects.tree(tree):
        if entry.mode == DIRECTORY:
            yield from _flat(objects, entry.id, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry


@contextmanager
def _made(name: str, parent: int) -> Iterator[int]:
    os.mkdir(name, dir_fd=parent)
    descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _unpack(content: bytes, top: int) -> None:
    """The files and directories of an archive that `capture.py` made, parents before children."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                *folders, name = member.name.split("/")
                with _below(top, folders) as parent:
                    if member.isdir():
                        os.mkdir(name, dir_fd=parent)
                    elif (source := archive.extractfile(member)) is not None:
                        descriptor = os.open(name, _NEW, member.mode & 0o777, dir_fd=parent)
                        with open(descriptor, "wb") as target:
                            target.write(source.read())
    except tarfile.TarError as error:
        raise StorageError(f"An archived .git could not be unpacked: {error}") from error


@contextmanager
def _below(top: int, folders: Iterable[str]) -> Iterator[int]:
    descriptor = os.dup(top)
    try:
        for folder in folders:
            below = os.open(folder, _DIRECTORY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)
