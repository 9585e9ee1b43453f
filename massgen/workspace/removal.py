"""Deleting whole directories that an agent filled: links are not followed, depth and modes are no obstacle."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
THROUGH = _DIRECTORY | getattr(os, "O_PATH", 0) | getattr(os, "O_CLOEXEC", 0)
"""Flags for a directory that is only passed through: where the system can, without a right to read it."""
_DEPTH = 50
_ATTEMPTS = 5


def remove_tree(name: str, parent: int) -> None:
    """Delete the directory `name` in the open directory `parent`.

    A tree that grows meanwhile is tried a few times; then `OSError` ENOTEMPTY.
    """
    top = _enter(name, parent)
    try:
        _empty(top)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=parent)


def remove_path(path: Path) -> None:
    """Delete a file, link or directory of the program; a missing one is fine."""
    try:
        parent = os.open(path.parent, _DIRECTORY)
    except FileNotFoundError:
        return
    try:
        remove_name(path.name, parent)
    finally:
        os.close(parent)


def remove_name(name: str, parent: int) -> None:
    """Delete a file, link or directory in the open directory `parent`; a missing one is fine."""
    try:
        if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            remove_tree(name, parent)
        else:
            os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return


def empty_directory(path: Path, *, keep: Iterable[str] = ()) -> None:
    """Delete everything in a directory but the names in `keep`; a missing directory is fine."""
    try:
        descriptor = os.open(path, _DIRECTORY)
    except FileNotFoundError:
        return
    try:
        _empty(descriptor, keep=frozenset(keep))
    finally:
        os.close(descriptor)


def _empty(top: int, *, keep: frozenset[str] = frozenset()) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            while _clear(top, top, keep, 0):
                pass
            return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or attempt == _ATTEMPTS - 1:
                raise


def _clear(descriptor: int, top: int, keep: frozenset[str], depth: int) -> bool:
    """Delete the entries of a directory; True if something too deep was moved up for another pass."""
    moved = False
    with os.scandir(descriptor) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in found:
        if depth == 0 and name in keep:
            continue
        try:
            if not is_directory:
                os.unlink(name, dir_fd=descriptor)
            elif depth >= _DEPTH:
                os.rename(name, f".{secrets.token_hex(8)}", src_dir_fd=descriptor, dst_dir_fd=top)
                moved = True
            else:
                below = _enter(name, descriptor)
                try:
                    moved |= _clear(below, top, keep, depth + 1)
                finally:
                    os.close(below)
                os.rmdir(name, dir_fd=descriptor)
        except FileNotFoundError:
            continue
    return moved


def _enter(name: str, parent: int) -> int:
    try:
        descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
        mode = os.fstat(descriptor).st_mode
        if mode & 0o700 != 0o700:
            os.fchmod(descriptor, 0o700)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=parent)
        descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
    return descriptor
