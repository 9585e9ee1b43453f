"""The journal of one apply: a plan, then one line that says it is committed. See `applying.py`."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from msgspec import Struct

from massgen.locks import try_lock
from massgen.workspace.grants import PathRefused

log = logging.getLogger(__name__)

_SUFFIX = ".journal"
_COMMITTED = b"committed\n"
_NAME = re.compile(r"\.massgen-apply-[0-9a-f]{16}-\d+")
_LIMIT = 1 << 30


class Entry(Struct, frozen=True, kw_only=True):
    """One step: the file `target` below the granted tree `root` becomes what is staged as `holder`/`name`.

    `before` and `after` are digests of `target`, None where it does not exist.
    """

    target: Path
    root: Path
    holder: Path
    name: str
    before: str | None
    after: str | None


class Plan(Struct, frozen=True, kw_only=True):
    """All steps; `made` are directories to be made, outer ones first."""

    entries: tuple[Entry, ...]
    made: tuple[Path, ...] = ()
    protected: tuple[Path, ...] = ()
    patch: str = ""

    def ordered(self) -> list[Entry]:
        """Deletions first, inner ones before outer ones, so that files and directories can change places."""
        gone = [entry for entry in self.entries if entry.after is None]
        gone.sort(key=lambda entry: len(entry.target.parts), reverse=True)
        return gone + [entry for entry in self.entries if entry.after is not None]


class Journal:
    """An open, locked journal; as a context it is removed at the end, unless an unforeseen error passes."""

    def __init__(self, path: Path, descriptor: int, plan: Plan, *, committed: bool) -> None:
        self.plan = plan
        self.committed = committed
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def begin(cls, directory: Path, plan: Plan) -> Journal:
        """Write the plan to disk. It has its final name only when it is whole and locked."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = directory / f"{secrets.token_hex(8)}{_SUFFIX}"
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            try_lock(descriptor)
            with os.fdopen(descriptor, "wb", closefd=False) as stream:
                stream.write(_encoded(plan, os.fstat(descriptor).st_ino))
            os.fsync(descriptor)
            os.rename(fresh, path)
        except BaseException:
            os.close(descriptor)
            fresh.unlink(missing_ok=True)
            raise
        return cls(path, descriptor, plan, committed=False)

    def commit(self) -> None:
        """From here on the steps are finished, by whoever is alive."""
        os.write(self._descriptor, _COMMITTED)
        os.fsync(self._descriptor)
        self.committed = True

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is None or isinstance(error, OSError | PathRefused):
            with contextlib.suppress(OSError):
                self._path.unlink()
        os.close(self._descriptor)


def open_journals(directory: Path) -> Iterator[Journal]:
    """The journals whose writers have died, each locked; what is no journal of ours is left alone or removed."""
    if not directory.is_dir() or directory.is_symlink():
        return
    for path in sorted(directory.iterdir()):
        if path.suffix not in (_SUFFIX, ".new"):
            continue
        try:
            descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
        except OSError:
            continue
        found = None
        try:
            found = _opened(path, descriptor)
        finally:
            if found is None:
                os.close(descriptor)
        if found is not None:
            yield found


def _opened(path: Path, descriptor: int) -> Journal | None:
    if not try_lock(descriptor) or not _is_there(path, descriptor):
        return None
    if path.suffix != _SUFFIX:
        path.unlink(missing_ok=True)
        return None
    content = os.pread(descriptor, _LIMIT, 0)
    line, _, rest = content.partition(b"\n")
    try:
        plan = _decoded(line, os.fstat(descriptor).st_ino)
    except (ValueError, KeyError, TypeError, AttributeError):
        log.warning("%s is not the journal of a run on this machine; it is not followed.", path)
        return None
    return Journal(path, descriptor, plan, committed=rest == _COMMITTED)


def _is_there(path: Path, descriptor: int) -> bool:
    """Whether the file was not removed by its writer before it could be locked."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _encoded(plan: Plan, inode: int) -> bytes:
    entries = [[str(e.target), str(e.root), str(e.holder), e.name, e.before, e.after] for e in plan.entries]
    record = {
        "inode": inode,
        "entries": entries,
        "made": [str(path) for path in plan.made],
        "protected": [str(path) for path in plan.protected],
        "patch": plan.patch,
    }
    return json.dumps(record).encode() + b"\n"


def _decoded(line: bytes, inode: int) -> Plan:
    record = json.loads(line)
    if record["inode"] != inode:
        raise ValueError("another file")
    entries: list[Entry] = []
    for target, root, holder, name, before, after in record["entries"]:
        if not _NAME.fullmatch(name):
            raise ValueError(name)
        entries.append(
            Entry(target=Path(target), root=Path(root), holder=Path(holder), name=name, before=before, after=after)
        )
    return Plan(
        entries=tuple(entries),
        made=tuple(map(Path, record["made"])),
        protected=tuple(map(Path, record["protected"])),
        patch=str(record["patch"]),
    )
