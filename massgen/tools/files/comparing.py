"""Comparing two files or two directories (WS-115)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from massgen.tools.files.binary import refuse_binary
from massgen.tools.files.reading import entries_below, printable
from massgen.tools.files.texts import whole_text
from massgen.tools.files.tool import FileCall
from massgen.tools.files.writing import unified
from massgen.workspace.beneath import Entry, read_bytes
from massgen.workspace.grants import PathRefused

MAX_FILES = 20_000
_SHOWN = 200


def compare_files(call: FileCall) -> str:
    """A unified diff of two text files."""
    texts = []
    for name in ("file1", "file2"):
        path = call.text(name)
        real = call.policy.resolve(path, "read")
        refuse_binary(real.name, call.called_as, created_by_agent=call.tracker.created(real))
        texts.append(whole_text(call, path))
        call.tracker.track_read(real)
    difference = unified(texts[0], texts[1], call.text("file1"), call.text("file2"))
    if difference:
        return difference
    return "The files are the same." if texts[0] == texts[1] else "The files differ only in line ends."


def compare_directories(call: FileCall) -> str:
    """Files only left, only right, and with different contents."""
    unread: list[str] = []
    left, right = _files(call, call.text("dir1"), unread), _files(call, call.text("dir2"), unread)
    both = sorted(left.keys() & right.keys())
    different = [name for name in both if not _same(call, name, left, right, unread)]
    sections = (
        ("Only in dir1", sorted(left.keys() - right.keys())),
        ("Only in dir2", sorted(right.keys() - left.keys())),
        ("Different", [name for name in different if name not in unread]),
        ("Not compared, because they cannot be read", unread),
    )
    lines = [f"{len(both) - len(different)} file(s) are the same."]
    for title, names in sections:
        if names:
            lines.append(f"{title} ({len(names)}):")
            lines += [f"- {printable(name)}" for name in names[:_SHOWN]]
            if len(names) > _SHOWN:
                lines.append(f"- and {len(names) - _SHOWN} more")
    return "\n".join(lines)


def _files(call: FileCall, path: str, unread: list[str]) -> dict[str, Entry]:
    root = call.policy.resolve(path, "read")
    unopened: list[Path] = []
    found = entries_below(call, str(root), MAX_FILES, unopened)
    unread += [f"{directory.relative_to(root).as_posix()}/" for directory in unopened]
    return {entry.path.relative_to(root).as_posix(): entry for entry in found if entry.kind != "directory"}


def _same(
    call: FileCall, name: str, left: Mapping[str, Entry], right: Mapping[str, Entry], unread: list[str]
) -> bool:
    call.check_stop()
    one, other = left[name], right[name]
    if one.kind != "file" or other.kind != "file":
        return one.kind == other.kind
    if one.size != other.size:
        return False
    try:
        return read_bytes(call.policy, str(one.path)) == read_bytes(call.policy, str(other.path))
    except (OSError, PathRefused):
        unread.append(name)
        return False
