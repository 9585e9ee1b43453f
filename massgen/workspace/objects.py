"""Content-addressed objects of a run, beside the workspaces and never in the user's `.git`.

A blob is the plain content under its SHA-256, read-only, so that it can be hard-linked into views: each content
lies once. A tree is one directory in git's tree format (with 32-byte ids); equal directories are one object, so
comparing two trees touches only what differs. Trees are written under a temporary name and renamed, after their
blobs. Blobs are written in place, because a rename costs as much as the writing: one that a killed process left
short belongs to no tree, and is told by its size when it is kept again. All functions block; `store.py` calls
them in threads.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from massgen.errors import StorageError

FILE = 0o100644
EXECUTABLE = 0o100755
LINK = 0o120000
DIRECTORY = 0o040000
ARCHIVED_GIT = 0o160000
_CHUNK = 1 << 20
_WHOLE = 8 << 20
_ZEROS = bytes(_CHUNK)


class TreeEntry(NamedTuple):
    """One name of a directory: `mode` is one of the constants above, `id` the object (of a link: its target)."""

    mode: int
    name: str
    id: str


class Objects:
    """Blobs and trees below one directory, which is made when the first object is written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "files"
        self._trees = root / "trees"
        self._made: set[str] = set()
        self._numbers = itertools.count()
        self._mark = secrets.token_hex(4)
        self._loaded: dict[str, tuple[TreeEntry, ...]] = {}

    def blob_path(self, blob: str, *, executable: bool = False) -> Path:
        """Where the read-only file of a blob lies; the executable twin is made when first asked for."""
        path = self._blobs / blob[:2] / blob[2:]
        if not executable:
            return path
        twin = path.with_name(path.name + ".x")
        if not twin.exists():
            with storage_errors("a workspace file"):
                temporary = self._temporary(str(twin.parent))
                copy_file(path, Path(temporary), 0o555)
                os.replace(temporary, twin)
        return twin

    def put(self, content: bytes) -> str:
        """Keep `content` and return its id."""
        blob = hashlib.sha256(content).hexdigest()
        directory = f"{self._blobs}/{blob[:2]}"
        path = f"{directory}/{blob[2:]}"
        with storage_errors("a workspace file"):
            self._directory(directory)
            try:
                _write_new(path, content)
            except FileExistsError:
                if os.stat(path).st_size != len(content):
                    self._replace(directory, path, content)
        return blob

    def put_file(self, descriptor: int, size: int) -> str:
        """Keep what is read from an open file, whose size is about `size`; what was hashed is what is kept."""
        if size <= _WHOLE:
            content = _read_all(descriptor, size)
            return self.put(content)
        digest = hashlib.sha256()
        with storage_errors("a workspace file"):
            temporary = self._temporary(self._directory(f"{self._blobs}/00"))
            try:
                with open(temporary, "xb", opener=_opener) as target:
                    while chunk := os.read(descriptor, _CHUNK):
                        digest.update(chunk)
                        if chunk == _ZEROS[: len(chunk)]:
                            target.seek(len(chunk), os.SEEK_CUR)
                        else:
                            target.write(chunk)
                    target.truncate()
                blob = digest.hexdigest()
                self._directory(f"{self._blobs}/{blob[:2]}")
                os.replace(temporary, self.blob_path(blob))
            except BaseException:
                _discard(temporary)
                raise
        return blob

    def read(self, blob: str) -> bytes:
        """The content of a blob; `StorageError` if it is gone."""
        with storage_errors("a workspace file"):
            return self.blob_path(blob).read_bytes()

    def put_tree(self, entries: list[TreeEntry]) -> str:
        """Keep one directory and return its id; the order of `entries` does not matter."""
        ordered = tuple(sorted(entries, key=lambda entry: os.fsencode(entry.name)))
        content = b"".join(
            b"%o %s\0%s" % (entry.mode, os.fsencode(entry.name), bytes.fromhex(entry.id)) for entry in ordered
        )
        tree = hashlib.sha256(b"tree %d\0%s" % (len(content), content)).hexdigest()
        if tree not in self._loaded:
            self._keep(self._trees, tree, content)
            self._loaded[tree] = ordered
        return tree

    def has_tree(self, tree: str) -> bool:
        """Whether the directory `tree` is kept."""
        return tree in self._loaded or (self._trees / tree[:2] / tree[2:]).is_file()

    def is_whole(self, tree: str) -> bool:
        """Whether all of `tree` is kept as it was hashed. A machine that lost its power may have lost parts of what
        was written last; reads everything."""
        try:
            content = (self._trees / tree[:2] / tree[2:]).read_bytes()
            if hashlib.sha256(b"tree %d\0%s" % (len(content), content)).hexdigest() != tree:
                return False
            return all(
                self.is_whole(entry.id) if entry.mode == DIRECTORY else self._is_whole_file(entry.id)
                for entry in _parse(content)
            )
        except (OSError, ValueError, StorageError):
            return False

    def _is_whole_file(self, blob: str) -> bool:
        with self.blob_path(blob).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == blob

    def tree(self, tree: str) -> tuple[TreeEntry, ...]:
        """The entries of one directory, ordered by name; `StorageError` if it is gone or damaged."""
        if tree not in self._loaded:
            with storage_errors("a workspace snapshot"):
                content = (self._trees / tree[:2] / tree[2:]).read_bytes()
            self._loaded[tree] = tuple(_parse(content))
        return self._loaded[tree]

    def _keep(self, kind: Path, name: str, content: bytes) -> None:
        directory = f"{kind}/{name[:2]}"
        path = f"{directory}/{name[2:]}"
        if os.path.exists(path):
            return
        with storage_errors("a workspace snapshot"):
            self._replace(self._directory(directory), path, content)

    def _replace(self, directory: str, path: str, content: bytes) -> None:
        temporary = self._temporary(directory)
        _write_new(temporary, content)
        try:
            os.replace(temporary, path)
        except BaseException:
            _discard(temporary)
            raise

    def _directory(self, path: str) -> str:
        if path not in self._made:
            os.makedirs(path, exist_ok=True)
            self._made.add(path)
        return path

    def _temporary(self, directory: str) -> str:
        return f"{directory}/.{self._mark}-{next(self._numbers)}"


def _write_new(path: str, content: bytes) -> None:
    """Write a file that must not exist yet; nothing is left of it where that fails."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    try:
        _write_all(descriptor, content)
    except BaseException:
        _discard(path)
        raise
    finally:
        os.close(descriptor)


def _discard(temporary: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)


def copy_file(source: Path, destination: Path | str, mode: int, *, parent: int | None = None) -> None:
    """Copy one file as a reflink where the file system can, else in the kernel, else by reading; holes stay holes.

    With `parent` the destination is a name in that open directory.
    """
    with open(source, "rb") as reader:
        descriptor = os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode, dir_fd=parent)
        try:
            found = os.fstat(reader.fileno())
            if found.st_size > _WHOLE and found.st_blocks * 512 < found.st_size:
                _copy_sparse(reader.fileno(), descriptor, found.st_size)
                return
            copier = getattr(os, "copy_file_range", None)
            while copier is not None:
                try:
                    if copier(reader.fileno(), descriptor, 1 << 30) == 0:
                        return
                except OSError as error:
                    if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
                        raise
                    copier = None
            while chunk := reader.read(_CHUNK):
                _write_all(descriptor, chunk)
        finally:
            os.close(descriptor)


def _copy_sparse(reader: int, writer: int, size: int) -> None:
    position = 0
    while position < size:
        try:
            start = os.lseek(reader, position, getattr(os, "SEEK_DATA", os.SEEK_SET))
        except OSError as error:
            if error.errno == errno.ENXIO:
                break
            raise
        chunk = os.pread(reader, _CHUNK, start)
        if not chunk:
            break
        os.lseek(writer, start, os.SEEK_SET)
        _write_all(writer, chunk)
        position = start + len(chunk)
    os.ftruncate(writer, size)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Turn `OSError` (full or read-only disk, lost files) into `StorageError`."""
    try:
        yield
    except OSError as error:
        hint = "Free some disk space." if error.errno in (errno.ENOSPC, errno.EDQUOT) else None
        raise StorageError(f"Could not store or read {what}: {error.strerror or error}", hint=hint) from error


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags, 0o444)


def _read_all(descriptor: int, size: int) -> bytes:
    content = os.read(descriptor, size + 1)
    if len(content) == size:
        return content
    parts = [content]
    while chunk := os.read(descriptor, _CHUNK):
        parts.append(chunk)
    return b"".join(parts)


def _parse(content: bytes) -> Iterator[TreeEntry]:
    position = 0
    while position < len(content):
        end = content.find(b"\0", position)
        if end < 0 or end + 33 > len(content):
            raise StorageError("A workspace snapshot is damaged.")
        mode, _, name = content[position:end].partition(b" ")
        yield TreeEntry(int(mode, 8), os.fsdecode(name), content[end + 1 : end + 33].hex())
        position = end + 33
