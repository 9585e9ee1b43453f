"""One step of an apply on disk: staged beside its target, carried out by a rename, taken back.

Every path is checked by the policy and reached without following links. Nothing that is overwritten or deleted is
lost before the whole apply has succeeded: it stays as `<name>.old` beside what was staged.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from massgen.workspace.beneath import exists_in, make_directory, open_directory, open_parent
from massgen.workspace.grants import PathRefused
from massgen.workspace.journal import Entry
from massgen.workspace.policy import AgentPathPolicy

PREFIX = ".massgen-apply-"
FOLDER = "directory"
"""The word for a directory."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def digest(policy: AgentPathPolicy, target: Path) -> str | None:
    """What stands at `target`, with its executable bit, as one word; None where nothing does."""
    real = policy.resolve_entry(str(target), "read")
    try:
        with open_parent(real, str(target)) as parent:
            found = os.stat(real.name, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                return FOLDER
            if stat.S_ISLNK(found.st_mode):
                link = os.fsencode(os.readlink(real.name, dir_fd=parent))
                return f"link:{hashlib.sha256(link).hexdigest()}"
            if not stat.S_ISREG(found.st_mode):
                return "special"
            with open(os.open(real.name, _OPEN, dir_fd=parent), "rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _word(content, executable=bool(found.st_mode & 0o100))


def digest_of(content: bytes, *, executable: bool) -> str:
    """The word for a file with this content."""
    return _word(hashlib.sha256(content).hexdigest(), executable=executable)


def same_content(found: str | None, sha256: str, *, link: bool) -> bool:
    """Whether a word stands for a file (or the target of a link) with this content, executable or not."""
    return found is not None and found.startswith("link:") == link and found.endswith(f":{sha256}")


def is_executable(found: str | None) -> bool:
    """Whether a word stands for an executable file."""
    return found is not None and found.startswith("executable:")


def stage(policy: AgentPathPolicy, entry: Entry, content: bytes, executable: bool) -> None:
    """Write the new content beside the target, with the mode and owner of what it replaces."""
    mode, owner = _mode_and_owner(policy, entry)
    with _holder(policy, entry) as holder, open(os.open(entry.name, _NEW, 0o600, dir_fd=holder), "wb") as stream:
        stream.write(content)
        if owner is not None and owner != (os.geteuid(), os.getegid()):
            with contextlib.suppress(OSError):
                os.fchown(stream.fileno(), *owner)
        if executable != bool(mode & 0o100):
            mode = mode | (mode & 0o444) >> 2 if executable else mode & ~0o111
        os.fchmod(stream.fileno(), mode)


def keep_old(policy: AgentPathPolicy, entry: Entry) -> None:
    """Give what stands at the target a second name, for `take_back`."""
    if entry.before in (None, FOLDER):
        return
    real = policy.resolve_entry(str(entry.target), "write")
    old = f"{entry.name}.old"
    with _holder(policy, entry) as holder, open_parent(real, str(real)) as parent:
        try:
            os.link(real.name, old, src_dir_fd=parent, dst_dir_fd=holder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV):
                raise
            _copy(real.name, parent, old, holder)


def carry_out(policy: AgentPathPolicy, entry: Entry) -> None:
    """The target becomes what was staged, or is deleted; one rename or unlink."""
    real = policy.resolve_entry(str(entry.target), "write")
    if entry.after is None:
        with open_parent(real, str(real)) as parent:
            os.unlink(real.name, dir_fd=parent)
        return
    _move(policy, entry, entry.name)


def take_back(policy: AgentPathPolicy, entry: Entry) -> None:
    """The target is again what it was before `carry_out`, also where that was not reached."""
    old = f"{entry.name}.old"
    with _holder(policy, entry) as holder:
        kept = exists_in(holder, old)
    if kept:
        _move(policy, entry, old)
    elif entry.before in (None, FOLDER) and entry.after is not None and stands(policy, entry):
        real = policy.resolve_entry(str(entry.target), "write")
        with open_parent(real, str(real)) as parent:
            os.unlink(real.name, dir_fd=parent)


def discard(policy: AgentPathPolicy, entry: Entry) -> None:
    """Remove what was staged or kept; nothing there is fine."""
    with _holder(policy, entry) as holder:
        for name in (entry.name, f"{entry.name}.old"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=holder)


def stands(policy: AgentPathPolicy, entry: Entry) -> bool:
    """Whether the step has been carried out; a directory may stand where a file was deleted."""
    found = digest(policy, entry.target)
    return found == entry.after or (entry.after is None and found == FOLDER)


def is_untouched(policy: AgentPathPolicy, entry: Entry) -> bool:
    """Whether the target is still what it was when the apply was planned; a directory may be gone already."""
    found = digest(policy, entry.target)
    return found == entry.before or (entry.before == FOLDER and found is None)


def is_whole(policy: AgentPathPolicy, entry: Entry) -> bool:
    """Whether what was staged is there in full."""
    if entry.after is None:
        return True
    with _holder(policy, entry) as holder:
        try:
            with open(os.open(entry.name, _OPEN, dir_fd=holder), "rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
        except FileNotFoundError:
            return False
    return entry.after.endswith(f":{content}")


@contextmanager
def _holder(policy: AgentPathPolicy, entry: Entry) -> Iterator[int]:
    """The directory that holds what is staged: one above a target that may be written."""
    real = policy.resolve_entry(str(entry.target), "write")
    if entry.holder not in real.parents:
        raise PathRefused(f"Cannot modify {real} - it changed while it was used")
    with open_directory(entry.holder, str(real)) as descriptor:
        yield descriptor


def _move(policy: AgentPathPolicy, entry: Entry, name: str) -> None:
    real = policy.resolve_entry(str(entry.target), "write")
    if not real.parent.is_dir():
        make_directory(policy, str(real.parent))
    if real.is_dir() and not real.is_symlink():
        _prune(real)
    with _holder(policy, entry) as holder, open_parent(real, str(real)) as parent:
        os.replace(name, real.name, src_dir_fd=holder, dst_dir_fd=parent)


def _prune(directory: Path) -> None:
    """Remove a directory that holds nothing but directories."""
    for here, _, _ in os.walk(directory, topdown=False):
        os.rmdir(here)


def _mode_and_owner(policy: AgentPathPolicy, entry: Entry) -> tuple[int, tuple[int, int] | None]:
    real = policy.resolve_entry(str(entry.target), "write")
    try:
        with open_parent(real, str(real)) as parent:
            found = os.stat(real.name, dir_fd=parent, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        found = None
    if found is not None and stat.S_ISREG(found.st_mode):
        return stat.S_IMODE(found.st_mode) & 0o777, (found.st_uid, found.st_gid)
    mask = os.umask(0o022)
    os.umask(mask)
    return 0o666 & ~mask, None


def _copy(name: str, parent: int, old: str, holder: int) -> None:
    found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(name, dir_fd=parent), old, dir_fd=holder)
        return
    with (
        open(os.open(name, _OPEN, dir_fd=parent), "rb") as source,
        open(os.open(old, _NEW, 0o600, dir_fd=holder), "wb") as copy,
    ):
        while chunk := source.read(1 << 20):
            copy.write(chunk)
        os.fchmod(copy.fileno(), stat.S_IMODE(found.st_mode))


def _word(sha256: str, *, executable: bool) -> str:
    return f"{'executable' if executable else 'file'}:{sha256}"
