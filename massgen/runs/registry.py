"""`~/.massgen/sessions.json`: the sessions this user started, the newest thousand of them (SESS-082)."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from massgen.views.files import guarded, write_json

try:
    import fcntl
except ImportError:  # Windows: concurrent runs are serialised by the atomic replace alone
    fcntl = None

FILE = "sessions.json"
MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One session. `status` is active, completed, interrupted or failed; `started` is ISO local time."""

    session_id: str
    status: str
    started: str
    model: str = ""
    config: str = ""
    description: str = ""
    directory: str = ""


def registry_file() -> Path | None:
    """Where the registry lies, None without a home directory."""
    home = os.environ.get("HOME") or os.environ.get("USERPROFILE")
    return Path(home) / ".massgen" / FILE if home else None


def record(entry: Entry) -> None:
    """Add or replace an entry; the start of a known session stays. A home that cannot be written costs only this."""
    path = registry_file()
    if path is not None:
        guarded("the session registry", lambda: _record(path, entry))


def _record(path: Path, entry: Entry) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.with_suffix(".lock")):
        known, others = None, []
        for item in _read(path):
            if item.get("session_id") == entry.session_id:
                known = item
            else:
                others.append(item)
        own = asdict(entry)
        if known is not None and known.get("started"):
            own["started"] = known["started"]
        write_json(path, {"sessions": [*others[1 - MOST :], own]})


def entries() -> list[Entry]:
    """All entries, newest first; a damaged registry counts as empty."""
    path = registry_file()
    found = []
    for item in _read(path) if path is not None else []:
        known = {key: str(item.get(key, "")) for key in Entry.__dataclass_fields__}
        if known["session_id"]:
            found.append(Entry(**known))
    return sorted(found, key=lambda entry: (entry.started, entry.session_id), reverse=True)


def find(session_id: str) -> Entry | None:
    """The entry of a session."""
    return next((entry for entry in entries() if entry.session_id == session_id), None)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    items = value.get("sessions") if isinstance(value, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
