"""Looking at files and directories; nothing here changes anything."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from massgen.tools.files.binary import binary_group, refuse_binary
from massgen.tools.files.texts import read_part
from massgen.tools.files.tool import FileCall, FileToolError
from massgen.workspace.beneath import Entry, entry_of, list_directory, open_file
from massgen.workspace.grants import PathRefused

MAX_ENTRIES = 1_000
COLLAPSED = frozenset({".git", "node_modules", ".venv", "__pycache__"})


def read_file(call: FileCall) -> str:
    """The text of a file, or a part of it with a notice how to go on (WS-123)."""
    path = call.text("path")
    real = call.policy.resolve(path, "read")
    refuse_binary(real.name, call.called_as, created_by_agent=call.tracker.created(real))
    tail, head = call.number("tail"), call.number("head")
    offset = -tail if tail else call.number("offset") or 1
    part = read_part(call, path, offset, head or call.number("limit"))
    call.tracker.track_read(real)
    if part.more:
        notice = f"[lines {part.first}-{part.last}; read on with offset {part.last + 1}]"
        return f"{part.text.rstrip()}\n{notice}"
    if part.text:
        return part.text
    return "[the file is empty]" if part.first == 1 else f"[the file has fewer than {part.first} lines]"


def show_directory(call: FileCall) -> str:
    """The entries of a directory."""
    entries = list_directory(call.policy, call.text("path", "."))
    lines = [_line(entry) for entry in entries[:MAX_ENTRIES]]
    if len(entries) > MAX_ENTRIES:
        lines.append(f"[{len(entries) - MAX_ENTRIES} more entries]")
    return "\n".join(lines) or "[the directory is empty]"


def directory_tree(call: FileCall) -> str:
    """A directory and all below it, indented; dependencies and caches are named but not opened."""
    path = call.text("path", ".")
    lines: list[str] = []
    _tree(call, call.policy.resolve(path, "read"), 0, lines)
    if len(lines) > MAX_ENTRIES:
        lines[MAX_ENTRIES:] = [f"[cut after {MAX_ENTRIES} entries; name a directory below to see more]"]
    return "\n".join(lines) or "[the directory is empty]"


def file_info(call: FileCall) -> str:
    """Kind, size, time of change and mode of a file or directory."""
    path = call.text("path")
    entry = entry_of(call.policy, path)
    modified = datetime.fromtimestamp(entry.modified, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    lines = [f"path: {call.shown(entry.path)}", f"type: {entry.kind}", f"size: {entry.size}"]
    lines.append(f"modified: {modified}")
    if entry.kind == "file":
        descriptor = open_file(call.policy, path, "read")
        try:
            lines.append(f"mode: {os.fstat(descriptor).st_mode & 0o777:o}")
        finally:
            os.close(descriptor)
        group = binary_group(entry.name)
        if group is not None:
            lines.append(f"kind: {group}")
    return "\n".join(lines)


def entries_below(call: FileCall, path: str, limit: int, unopened: list[Path] | None = None) -> list[Entry]:
    """All entries below a directory, parents first, dependencies and caches left out; raises when too many.

    A directory below that cannot be opened is named in `unopened` and does not spoil the rest.
    """
    found: list[Entry] = []
    pending = [path]
    while pending:
        call.check_stop()
        here = pending.pop()
        try:
            entries = list_directory(call.policy, here)
        except (OSError, PathRefused):
            if here == path:
                raise
            if unopened is not None:
                unopened.append(Path(here))
            continue
        for entry in entries:
            if entry.kind == "directory" and entry.name in COLLAPSED:
                continue
            found.append(entry)
            if entry.kind == "directory":
                pending.append(str(entry.path))
        if len(found) > limit:
            raise FileToolError(f"{path} holds more than {limit} entries; name a directory below it")
    return found


def _tree(call: FileCall, directory: Path, depth: int, lines: list[str]) -> None:
    try:
        entries = list_directory(call.policy, str(directory))
    except (OSError, PathRefused):
        if not depth:
            raise
        lines[-1] += " [cannot be opened]"
        return
    for entry in entries:
        call.check_stop()
        if len(lines) > MAX_ENTRIES:
            return
        folded = entry.kind == "directory" and entry.name in COLLAPSED
        lines.append("  " * depth + _name(entry) + (" [not opened]" if folded else ""))
        if entry.kind == "directory" and not folded and depth < 50:
            _tree(call, entry.path, depth + 1, lines)


def printable(name: str) -> str:
    """A name or relative path as it is shown: one that could be taken for several lines is quoted."""
    return name if name.isprintable() else ascii(name)


def _name(entry: Entry) -> str:
    name = printable(entry.name)
    match entry.kind:
        case "directory":
            return name + "/"
        case "link":
            return name + " [link]"
        case _:
            return name


def _line(entry: Entry) -> str:
    return f"{_name(entry)} ({entry.size} bytes)" if entry.kind == "file" else _name(entry)
