"""Opening, listing, moving and deleting what a policy allows, safe against changes between check and use.

Every function resolves the path by the policy, then walks the real path from the root with directory file
descriptors and without following symlinks, so a component that is swapped for a link meanwhile is refused.
All functions block for a few system calls. They raise `PathRefused` for what the policy forbids and the plain
`OSError` (FileNotFoundError, IsADirectoryError, ...) for what the file system says.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from msgspec import Struct

from massgen.workspace.grants import Access, PathRefused
from massgen.workspace.links import check_links
from massgen.workspace.policy import AgentPathPolicy
from massgen.workspace.removal import THROUGH, remove_tree
from massgen.workspace.sensitive import is_git_name, is_secret_name

Kind = Literal["file", "directory", "link", "other"]
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NOFOLLOW | getattr(os, "O_CLOEXEC", 0)


class Entry(Struct, frozen=True, kw_only=True):
    """One name in a directory; `size` in bytes, `modified` in seconds since the epoch."""

    name: str
    path: Path
    kind: Kind
    size: int
    modified: float


def open_file(
    policy: AgentPathPolicy,
    path: str,
    access: Access,
    *,
    create: bool = False,
    exclusive: bool = False,
    truncate: bool = False,
) -> int:
    """A file descriptor of the regular file behind `path`; the caller closes it (`os.fdopen`).

    "read" opens for reading, "write" for reading and writing in place. `create` makes a missing file,
    `exclusive` fails where it exists, `truncate` empties it after all checks. Missing parents are not made.
    """
    real = policy.resolve(path, access)
    with open_parent(real, path) as parent:
        return _open_checked(policy, parent, real, path, access, create, exclusive, truncate)


def read_bytes(policy: AgentPathPolicy, path: str, *, limit: int | None = None) -> bytes:
    """The content of a file, at most `limit` bytes of it."""
    with os.fdopen(open_file(policy, path, "read"), "rb") as stream:
        return stream.read() if limit is None else stream.read(limit)


def replace_file(policy: AgentPathPolicy, path: str, content: bytes) -> Path:
    """Write a whole file atomically: readers see the old or the new content. Missing parents are made; mode
    bits of an existing file stay; a file with links outside is refused. Returns the real path."""
    real = policy.resolve(path, "write")
    if not real.parent.is_dir():
        make_directory(policy, str(real.parent))
    with open_parent(real, path) as parent:
        mode = _replaceable_mode(policy, parent, real, path)
        name = f".{secrets.token_hex(8)}.part"
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW, 0o600, dir_fd=parent)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                os.fchmod(stream.fileno(), mode)
            os.replace(name, real.name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            os.unlink(name, dir_fd=parent)
            raise
    return real


def make_directory(policy: AgentPathPolicy, path: str) -> Path:
    """Make a directory with its missing parents; one that exists is fine. Returns the real path."""
    real = policy.resolve(path, "write")
    descriptor = os.open(real.anchor, THROUGH)
    try:
        for depth, name in enumerate(real.parts[1:], start=2):
            here = Path(*real.parts[:depth])
            try:
                below = os.open(name, THROUGH, dir_fd=descriptor)
            except FileNotFoundError:
                policy.check(here, "write", shown=path)
                os.mkdir(name, dir_fd=descriptor)
                below = os.open(name, THROUGH, dir_fd=descriptor)
            except OSError as error:
                raise _raced(_at(error, here), descriptor, name, path) from None
            os.close(descriptor)
            descriptor = below
    finally:
        os.close(descriptor)
    return real


def entry_of(policy: AgentPathPolicy, path: str) -> Entry:
    """What `path` is; symlinks are followed by the policy first."""
    real = policy.resolve(path, "read")
    with open_parent(real, path) as parent:
        found = os.stat(real.name or ".", dir_fd=parent, follow_symlinks=False)
    return _entry(real, found)


def list_directory(policy: AgentPathPolicy, path: str) -> list[Entry]:
    """The entries of a directory by name, without what the policy hides. Symlinks are listed as links."""
    real = policy.resolve(path, "read")
    with open_directory(real, path) as descriptor:
        return sorted(_visible(policy, descriptor, real), key=lambda entry: entry.name)


def walk(
    policy: AgentPathPolicy, path: str, *, limit: int = 100_000, unopened: list[Path] | None = None
) -> Iterator[Entry]:
    """All entries below a directory, parents first, at most `limit`; links are given but not followed.

    Directories below that cannot be opened are named in `unopened`.
    """
    real = policy.resolve(path, "read")
    pending = [real]
    given = 0
    while pending and given < limit:
        here = pending.pop()
        try:
            with open_directory(here, path) as descriptor:
                found = sorted(_visible(policy, descriptor, here), key=lambda entry: entry.name)
        except (OSError, PathRefused):
            if here == real:
                raise
            if unopened is not None:
                unopened.append(here)
            continue
        for entry in found[: limit - given]:
            given += 1
            yield entry
        pending.extend(entry.path for entry in reversed(found) if entry.kind == "directory")


def rename(policy: AgentPathPolicy, source: str, destination: str, *, overwrite: bool = False) -> tuple[Path, Path]:
    """Move a file, link or directory; returns the real source and destination.

    Refused where either side holds what may not change (WS-098). Without `overwrite` an existing destination
    is `FileExistsError`. Across file systems it fails with `OSError` EXDEV; copy and delete then.
    """
    old = policy.resolve_entry(source, "write")
    new = policy.resolve_entry(destination, "write")
    policy.check_removal(old, shown=source)
    policy.check_removal(new, shown=destination)
    with open_parent(old, source) as from_parent, open_parent(new, destination) as to_parent:
        found = os.stat(old.name, dir_fd=from_parent, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            _check_contents(policy, old, source, destination=new)
        elif stat.S_ISREG(found.st_mode):
            check_links(policy, found, old, "write", shown=source)
        if not overwrite and exists_in(to_parent, new.name):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(new))
        os.replace(old.name, new.name, src_dir_fd=from_parent, dst_dir_fd=to_parent)
    return old, new


def remove(policy: AgentPathPolicy, path: str, *, recursive: bool = False) -> Path:
    """Delete a file, a link (never its target), an empty directory, or with `recursive` a whole directory.

    All of a tree is checked before anything is deleted. Returns the real path.
    """
    real = policy.resolve_entry(path, "write")
    policy.check_removal(real, shown=path)
    with open_parent(real, path) as parent:
        found = os.stat(real.name, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode):
            os.unlink(real.name, dir_fd=parent)
        elif recursive:
            _check_contents(policy, real, path, destination=real)
            remove_tree(real.name, parent)
        else:
            os.rmdir(real.name, dir_fd=parent)
    return real


@contextmanager
def open_directory(real: Path, shown: str) -> Iterator[int]:
    """An open descriptor of the directory `real`, reached without following any link."""
    names = real.parts[1:] or (".",)
    descriptor = os.open(real.anchor, THROUGH)
    try:
        for number, name in enumerate(names, 1):
            try:
                below = os.open(name, _DIRECTORY if number == len(names) else THROUGH, dir_fd=descriptor)
            except OSError as error:
                raise _raced(_at(error, Path(real.anchor, *names[:number])), descriptor, name, shown) from None
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def open_parent(real: Path, shown: str) -> Iterator[int]:
    with open_directory(real.parent, shown) as descriptor:
        yield descriptor


def _at(error: OSError, path: Path) -> OSError:
    """The error with the whole path of what failed; the system was asked for its last name only."""
    error.filename = str(path)
    return error


def _raced(error: OSError, parent: int, name: str, shown: str) -> Exception:
    """A link where the policy saw none means that the path changed after the check."""
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
        try:
            is_link = stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
        except OSError:
            is_link = False
        if is_link:
            return PathRefused(f"Cannot access {shown!a} - it changed while it was used")
    return error


def _open_checked(
    policy: AgentPathPolicy,
    parent: int,
    real: Path,
    shown: str,
    access: Access,
    create: bool,
    exclusive: bool,
    truncate: bool,
) -> int:
    flags = os.O_RDONLY if access == "read" else os.O_RDWR
    if create:
        flags |= os.O_CREAT | (os.O_EXCL if exclusive else 0)
    if exists_in(parent, real.name):
        _refuse_special(os.stat(real.name, dir_fd=parent, follow_symlinks=False), shown)
    try:
        descriptor = os.open(real.name, flags | _NOFOLLOW | _NONBLOCK, 0o666, dir_fd=parent)
    except OSError as error:
        raise _raced(error, parent, real.name, shown) from None
    try:
        found = os.fstat(descriptor)
        _refuse_special(found, shown)
        check_links(policy, found, real, access, shown=shown)
        if truncate:
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _replaceable_mode(policy: AgentPathPolicy, parent: int, real: Path, shown: str) -> int:
    try:
        found = os.stat(real.name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        mask = os.umask(0o022)
        os.umask(mask)
        return 0o666 & ~mask
    _refuse_special(found, shown)
    check_links(policy, found, real, "write", shown=shown)
    return stat.S_IMODE(found.st_mode) & 0o777


def _refuse_special(found: os.stat_result, shown: str) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), shown)
    if stat.S_ISLNK(found.st_mode):
        raise PathRefused(f"Cannot access {shown!a} - it changed while it was used")
    if not stat.S_ISREG(found.st_mode):
        raise PathRefused(f"Cannot access {shown!a} - it is not a regular file")


def exists_in(parent: int, name: str) -> bool:
    """Whether the open directory `parent` holds `name`; a link is not followed."""
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _check_contents(policy: AgentPathPolicy, real: Path, shown: str, *, destination: Path) -> None:
    """Nothing below a directory that is moved or deleted may be one that must stay as it is, nor may a move
    bring such a thing into a context path."""
    if policy.is_private(real) and policy.is_private(destination):
        return
    pending = [real]
    while pending:
        here = pending.pop()
        with open_directory(here, shown) as descriptor, os.scandir(descriptor) as entries:
            for entry in entries:
                if is_git_name(entry.name) or is_secret_name(entry.name):
                    raise PathRefused(f"Cannot modify {shown!a} - it holds files that you may not change")
                if entry.is_dir(follow_symlinks=False):
                    pending.append(here / entry.name)


def _visible(policy: AgentPathPolicy, descriptor: int, here: Path) -> Iterator[Entry]:
    found: dict[str, os.stat_result] = {}
    for name in os.listdir(descriptor):
        try:
            found[name] = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except OSError:
            continue
    for name in policy.visible(here, found):
        yield _entry(here / name, found[name])


def _entry(path: Path, found: os.stat_result) -> Entry:
    kind: Kind = "other"
    if stat.S_ISREG(found.st_mode):
        kind = "file"
    elif stat.S_ISDIR(found.st_mode):
        kind = "directory"
    elif stat.S_ISLNK(found.st_mode):
        kind = "link"
    return Entry(name=path.name, path=path, kind=kind, size=found.st_size, modified=found.st_mtime)
