"""`~/.massgen/sessions.json`: every session this user started (SESS-082).

One JSON object with a line for each session, so that a run adds or replaces its own line without reading the others.
A session is its id and its directory: two projects may begin one in the same second, or name theirs alike.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from massgen.locks import lock
from massgen.views.files import guarded, write_atomic

FILE = "sessions.json"
HEAD = '{"sessions": [\n'
TAIL = "\n]}\n"


class Entry(Struct, frozen=True, kw_only=True):
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
        write_atomic(path, _with(_lines(path), entry))


def _lines(path: Path) -> str:
    """The file as `_with` wants it; what anybody else wrote is read and written anew."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        text = ""
    if text.startswith(HEAD) and text.endswith(TAIL):
        return text
    return HEAD + ",\n".join(map(_line, _items(text))) + TAIL


def _with(text: str, entry: Entry) -> str:
    """`text` with the entry's line in place of the one of the same session, or as the last one."""
    own = structs.asdict(entry)
    key = _key(entry.session_id)
    place = text.find(key) + 1
    while place:
        end = text.index("\n", place)
        line = text[place:end]
        known = _whole(line)
        if isinstance(known, dict) and known.get("directory", "") in ("", entry.directory):
            own["started"] = str(known.get("started") or own["started"])
            comma = "," if line.endswith(",") else ""
            return "".join((text[:place], _line(own), comma, text[end:]))
        place = text.find(key, end) + 1
    body = text[len(HEAD) : -len(TAIL)]
    return "".join((HEAD, body, ",\n" if body else "", _line(own), TAIL))


def _key(session_id: str) -> str:
    """How the line of a session begins, the end of the line before included."""
    return f'\n{{"session_id": {json.dumps(session_id)}, '


def _line(item: Mapping[str, object]) -> str:
    first = {"session_id": item.get("session_id", "")}
    return json.dumps({**first, **item})


def entries() -> list[Entry]:
    """All entries, newest first; of a damaged registry those that can be read."""
    path = registry_file()
    found = []
    for item in _read(path) if path is not None else []:
        known = {key: str(item.get(key, "")) for key in Entry.__struct_fields__}
        if known["session_id"]:
            found.append(Entry(**known))
    return sorted(found, key=lambda entry: (entry.started, entry.session_id), reverse=True)


def find(session_id: str, place: Path | None = None) -> Entry | None:
    """The newest entry of that id, one of a session that lies in `place` first."""
    found = [entry for entry in entries() if entry.session_id == session_id]
    near = (entry for entry in found if place is not None and Path(entry.directory).is_relative_to(place))
    return next(near, found[0] if found else None)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        return _items(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []


def _items(text: str) -> list[dict[str, Any]]:
    """The entries in the file's text; where it is damaged, those whose line is whole."""
    try:
        value = json.loads(text)
        items = value.get("sessions") if isinstance(value, dict) else None
    except ValueError:
        items = [_whole(line) for line in text.splitlines()]
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _whole(line: str) -> object:
    try:
        return json.loads(line.strip().removesuffix(","))
    except ValueError:
        return None


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        lock(file.fileno())
        yield
