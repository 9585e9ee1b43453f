"""Reading a live directory into objects, while its owner may still change it.

Nothing here follows a link or opens what is no regular file; whatever cannot be kept is reported, never fatal
(WS-029). A nested `.git` becomes one archive, so that no reader's or user's git ever runs its configuration.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import stat
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from massgen.errors import StorageError
from massgen.workspace.objects import ARCHIVED_GIT, DIRECTORY, EXECUTABLE, FILE, LINK, Objects, TreeEntry
from massgen.workspace.removal import THROUGH
from massgen.workspace.sensitive import is_git_name

log = logging.getLogger(__name__)

CACHES = frozenset(
    {"node_modules", ".venv", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
    | {".tox", ".nox", ".cache", ".npm", ".gradle"}
)
SIZE_CAP = 1 << 30
DEPTH_CAP = 100
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_OPEN_DIRECTORY = _OPEN | getattr(os, "O_DIRECTORY", 0)
RACY_NS = 50_000_000
"""A file may change twice within one tick of the clock, so younger signatures are not believed."""
_READERS = 2
_BATCH_FILES = 25
_BATCH_BYTES = 4 << 20
_GONE = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.ENXIO)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE)


class Omission(NamedTuple):
    """Something that a snapshot does not hold, with the reason for the log."""

    path: str
    reason: str


class Known(NamedTuple):
    """What a file looked like when it was last hashed, and its object."""

    signature: tuple[int, int, int, int, int]
    id: str


class _Reading(NamedTuple):
    """A file that is to be read."""

    name: str
    path: str
    found: os.stat_result


def signature_of(found: os.stat_result) -> tuple[int, int, int, int, int]:
    """What changes whenever a file does; nobody but the kernel sets the change time."""
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


@dataclass(slots=True, kw_only=True)
class Capture:
    """One pass over a directory. `skip(path, is_directory)` leaves out names (relative, with `/`); `known` is
    carried from pass to pass, so that unchanged files are not read again. With `keep_links` a link is kept wherever
    it leads."""

    objects: Objects
    root: str
    known: dict[str, Known]
    skip: Callable[[str, bool], str | None]
    size_cap: int = SIZE_CAP
    file_cap: int | None = None
    trusted: bool = False
    keep_links: bool = False
    fresh: dict[str, Known] = field(default_factory=dict)
    omitted: list[Omission] = field(default_factory=list)
    files: int = 0
    size: int = 0
    _started: int = field(default_factory=time.time_ns)
    _linked: dict[tuple[int, int], int] | None = None
    _depth: int = 0
    _planned: int = 0
    _pool: ThreadPoolExecutor = field(init=False)

    def run(self) -> str:
        """The id of the tree; `StorageError` where the directory itself cannot be read or the store written."""
        try:
            descriptor = open_real(self.root)
        except OSError as error:
            raise StorageError(f"Could not read the workspace {self.root}: {error.strerror}") from error
        try:
            with ThreadPoolExecutor(_READERS, thread_name_prefix="snapshot") as self._pool:
                return self._directory(descriptor, "")
        finally:
            os.close(descriptor)

    def omit(self, path: str, reason: str) -> None:
        """Report what is left out."""
        self.omitted.append(Omission(path, reason))
        log.debug("not kept in a snapshot: %s (%s)", path, reason)

    def _directory(self, descriptor: int, prefix: str) -> str:
        entries: list[TreeEntry] = []
        readings: list[_Reading] = []
        for name in sorted(os.listdir(descriptor)):
            path = prefix + name
            with self._omitting(path):
                found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                entry = self._entry(descriptor, name, path, found)
                if isinstance(entry, _Reading):
                    readings.append(entry)
                elif entry is not None:
                    entries.append(entry)
        work = [(batch, self._pool.submit(self._read_batch, descriptor, batch)) for batch in _batches(readings)]
        wait([done for _, done in work])  # the directory stays open until the last one has been read
        for batch, done in work:
            for reading, outcome in zip(batch, done.result(), strict=True):
                with self._omitting(reading.path):
                    entry = self._finish(reading, outcome)
                    if entry is not None:
                        entries.append(entry)
        return self.objects.put_tree(entries)

    def _read_batch(self, parent: int, batch: Sequence[_Reading]) -> list[Known | OSError | None]:
        """In a thread: keep the contents of some files. Handing over single files would cost more than reading them."""
        outcomes: list[Known | OSError | None] = []
        for reading in batch:
            try:
                outcomes.append(self._read(parent, reading.name, reading.found))
            except OSError as error:
                outcomes.append(error)
        return outcomes

    @contextmanager
    def _omitting(self, path: str) -> Iterator[None]:
        """What the file system refuses for one name is left out; what it refuses for all ends the snapshot."""
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                raise StorageError(f"Could not read the workspace: {error.strerror}") from error
            self.omit(path, "vanished" if error.errno in _GONE else error.strerror or "unreadable")

    def _entry(self, parent: int, name: str, path: str, found: os.stat_result) -> TreeEntry | _Reading | None:
        is_directory = stat.S_ISDIR(found.st_mode)
        reason = self.skip(path, is_directory)
        if reason is not None:
            if reason:
                self.omit(path, reason)
            return None
        if is_git_name(name):
            return self._git(parent, name, path) if is_directory else self.omit(path, "git pointer")
        if is_directory:
            return self._subdirectory(parent, name, path)
        if stat.S_ISLNK(found.st_mode):
            return self._link(parent, name, path)
        if not stat.S_ISREG(found.st_mode):
            return self.omit(path, "neither file, directory nor link")
        return self._file(parent, name, path, found)

    def _subdirectory(self, parent: int, name: str, path: str) -> TreeEntry | None:
        descriptor = os.open(name, _OPEN_DIRECTORY, dir_fd=parent)
        self._depth += 1
        try:
            if self._depth > DEPTH_CAP:
                return self.omit(path, "nested too deeply")
            if "pyvenv.cfg" in os.listdir(descriptor):
                return self.omit(path, "virtual environment")
            return TreeEntry(DIRECTORY, name, self._directory(descriptor, path + "/"))
        finally:
            self._depth -= 1
            os.close(descriptor)

    def _link(self, parent: int, name: str, path: str) -> TreeEntry | None:
        target = os.readlink(name, dir_fd=parent)
        here = os.path.join(self.root, os.path.dirname(path))
        lexical = os.path.normpath(os.path.join(here, target))
        real = os.path.realpath(os.path.join(here, target))
        inside = self.root + os.sep
        stays = real.startswith(inside) and lexical.startswith(inside)
        if not stays or not os.path.exists(real):
            if self.keep_links:
                return TreeEntry(LINK, name, self.objects.put(os.fsencode(target)))
            return self.omit(path, "broken link" if stays else "link that leaves the workspace")
        relative = os.path.relpath(lexical, here) if os.path.isabs(target) else target
        return TreeEntry(LINK, name, self.objects.put(os.fsencode(relative)))

    def _file(self, parent: int, name: str, path: str, found: os.stat_result) -> TreeEntry | _Reading | None:
        if found.st_nlink > 1 and not self.trusted and self._names(found) < found.st_nlink:
            return self.omit(path, "hard link to a file outside")
        if self.file_cap is not None and found.st_size > self.file_cap:
            return self.omit(path, f"larger than {self.file_cap >> 20} MB")
        if self._planned + found.st_size > self.size_cap:
            return self.omit(path, f"snapshot would exceed {self.size_cap} bytes")
        self._planned += found.st_size
        known = self.known.get(path)
        if known is not None and known.signature == signature_of(found):
            return self._kept(name, path, found, known)
        return _Reading(name, path, found)

    def _read(self, parent: int, name: str, found: os.stat_result) -> Known | None:
        """Keep the content of one file; None if it became another kind of thing meanwhile."""
        descriptor = os.open(name, _OPEN, dir_fd=parent)
        try:
            now = os.fstat(descriptor)
            if not stat.S_ISREG(now.st_mode) or now.st_nlink > found.st_nlink:
                return None
            return Known(signature_of(found), self.objects.put_file(descriptor, now.st_size))
        finally:
            os.close(descriptor)

    def _finish(self, reading: _Reading, known: Known | OSError | None) -> TreeEntry | None:
        if isinstance(known, OSError):
            raise known
        if known is None:
            return self.omit(reading.path, "changed while it was read")
        return self._kept(reading.name, reading.path, reading.found, known)

    def _kept(self, name: str, path: str, found: os.stat_result, known: Known) -> TreeEntry:
        if max(found.st_mtime_ns, found.st_ctime_ns) < self._started - RACY_NS:
            self.fresh[path] = known
        self.files += 1
        self.size += found.st_size
        return TreeEntry(EXECUTABLE if found.st_mode & 0o100 else FILE, name, known.id)

    def _git(self, parent: int, name: str, path: str) -> TreeEntry | None:
        buffer = io.BytesIO()
        descriptor = os.open(name, _OPEN_DIRECTORY, dir_fd=parent)
        try:
            with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
                self._archive(archive, descriptor, "")
        except OverflowError:
            return self.omit(path, f"snapshot would exceed {self.size_cap} bytes")
        finally:
            os.close(descriptor)
        self.size += buffer.tell()
        self._planned += buffer.tell()
        self.files += 1
        return TreeEntry(ARCHIVED_GIT, name, self.objects.put(buffer.getvalue()))

    def _archive(self, archive: tarfile.TarFile, descriptor: int, prefix: str) -> None:
        for name in sorted(os.listdir(descriptor)):
            try:
                inner = os.open(name, _OPEN, dir_fd=descriptor)
            except OSError:
                self.omit(f".git/{prefix}{name}", "unreadable")
                continue
            try:
                found = os.fstat(inner)
                member = tarfile.TarInfo(prefix + name)
                member.mode = 0o755 if found.st_mode & 0o100 else 0o644
                if stat.S_ISDIR(found.st_mode):
                    member.type = tarfile.DIRTYPE
                    archive.addfile(member)
                    self._archive(archive, inner, f"{prefix}{name}/")
                elif stat.S_ISREG(found.st_mode):
                    if self._planned + archive.offset + found.st_size > self.size_cap:
                        raise OverflowError
                    with open(inner, "rb", closefd=False) as stream:
                        content = stream.read()
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
            finally:
                os.close(inner)

    def _names(self, found: os.stat_result) -> int:
        """How many names of a multiply linked file lie within, so that links to the outside are told apart."""
        if self._linked is None:
            self._linked = {}
            for _, _, files, folder in os.fwalk(self.root, follow_symlinks=False):
                for name in files:
                    try:
                        other = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    except OSError:
                        continue
                    if other.st_nlink > 1:
                        identity = (other.st_dev, other.st_ino)
                        self._linked[identity] = self._linked.get(identity, 0) + 1
        return self._linked.get((found.st_dev, found.st_ino), 0)


def _batches(readings: Sequence[_Reading]) -> Iterator[Sequence[_Reading]]:
    """Runs of files that one thread reads at a stretch: of bounded number and size, a larger file alone."""
    batch: list[_Reading] = []
    size = 0
    for reading in readings:
        if batch and (len(batch) == _BATCH_FILES or size + reading.found.st_size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(reading)
        size += reading.found.st_size
    if batch:
        yield batch


def open_real(directory: str) -> int:
    """A descriptor of an absolute path that leads through no link, however fast somebody swaps one in."""
    descriptor = os.open(os.sep, THROUGH)
    names = [name for name in directory.split(os.sep) if name] or ["."]
    for number, name in enumerate(names, 1):
        try:
            below = os.open(name, _OPEN_DIRECTORY if number == len(names) else THROUGH, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def skip_nothing(path: str, is_directory: bool) -> str | None:
    """Keeps everything but caches."""
    return "cache" if is_directory and path.rpartition("/")[2] in CACHES else None
