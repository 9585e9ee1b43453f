"""Writing view files: whole or not at all, and never the end of a run."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from massgen.errors import StorageError

_told: set[str] = set()
_OWN = f"{os.getpid()}-{secrets.token_hex(4)}"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_numbers = itertools.count()


def write_atomic(path: Path, text: str) -> None:
    """Replace `path` by a whole new file; raises OSError and leaves the old one where that fails (LOG-032)."""
    temporary = f"{path.parent}/.{path.name[:200]}.{_OWN}.{next(_numbers)}.tmp"
    data = memoryview(text.encode("utf-8", "replace"))
    descriptor = os.open(temporary, _NEW, 0o644)
    try:
        try:
            while data:
                data = data[os.write(descriptor, data) :]
        finally:
            os.close(descriptor)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def write_json(path: Path, value: Any) -> None:
    """`write_atomic` of indented JSON."""
    write_atomic(path, json_text(value, indent=2) + "\n")


def json_text(value: Any, *, indent: int) -> str:
    """Indented JSON. The standard library indents in Python, ten times as slow as this; it is left with what
    is no UTF-8 (a lone surrogate in a model's words) and is nested too deeply."""
    from pydantic_core import to_json

    try:
        return to_json(value, indent=indent, inf_nan_mode="constants").decode("utf-8")
    except ValueError:
        return json.dumps(value, ensure_ascii=False, indent=indent)


def tell_again() -> None:
    """A new run says again what cannot be written."""
    _told.clear()


def guarded(what: str, write: Callable[[], None]) -> bool:
    """Do `write`; a disk that fails costs this view, not the run: one sentence on stderr for each kind of file."""
    try:
        write()
    except OSError as error:
        if what not in _told:
            _told.add(what)
            print(f"Warning: {what} could not be written ({error.strerror}).", file=sys.stderr)
        return False
    return True


async def spared(what: str, work: Awaitable[object]) -> bool:
    """Await `work`; a disk that fails costs these files, not the run: one sentence on stderr for each `what`."""
    try:
        await work
    except (OSError, StorageError) as error:
        if what not in _told:
            _told.add(what)
            print(f"Warning: {what} could not be kept. {error}", file=sys.stderr)
        return False
    return True


def link(path: Path, target: str) -> None:
    """Make `path` a relative link to `target`, atomically; an existing file or directory of that name stays."""
    with contextlib.suppress(FileExistsError):
        path.symlink_to(target)
        return
    if path.is_symlink() and os.readlink(path) == target:
        return
    if path.exists() and not path.is_symlink():
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.lnk")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    temporary.symlink_to(target)
    os.replace(temporary, path)


def safe_name(agent_id: str) -> str:
    """An agent id as a file name, reversibly: unsafe characters become %XX (LOG-014)."""
    allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+@ "
    out = "".join(c if c in allowed or (ord(c) > 127 and c.isalnum()) else _escape(c) for c in agent_id)
    if out.startswith("."):
        out = "%2E" + out[1:]
    if out.endswith(" "):
        out = out[:-1] + "%20"
    return out or "%00"


def _escape(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
