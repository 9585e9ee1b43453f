"""The files of each answer: what changed since the answer before, and what they contain."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from rich.text import Text

from massgen.tui.contents import step_directories
from massgen.tui.feed import RunFeed
from massgen.tui.screens import Entry, colored
from massgen.tui.symbols import printable

LARGEST = 200_000
MOST = 500


def file_entries(log_dir: Path, feed: RunFeed) -> list[Entry]:
    """One entry for each file of each answer; a file that an earlier answer of the agent has shows its diff first."""
    before: dict[tuple[str, str], Path] = {}
    entries: list[Entry] = []
    for label, directory in step_directories(log_dir, feed):
        author = label.partition(".")[0]
        for name in _names(directory):
            path, old = directory / name, before.get((author, name))
            before[author, name] = path
            if old is None or not _same(old, path):
                entries.append(Entry(f"{label} {'~' if old else '+'} {name}", lambda o=old, p=path: _shown(o, p)))
    return entries


def _names(directory: Path) -> list[str]:
    found: list[str] = []
    for folder, folders, files in os.walk(directory):
        folders.sort()
        found += [os.path.relpath(os.path.join(folder, name), directory) for name in sorted(files)]
        if len(found) > MOST:
            break
    return found[:MOST]


def _same(one: Path, other: Path) -> bool:
    try:
        if os.path.samefile(one, other):
            return True
        return one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()
    except OSError:
        return False


def _read(path: Path) -> str | None:
    """Text of a regular file, None for what is no text."""
    try:
        if path.is_symlink() or not path.is_file():
            return None
        with path.open("rb") as file:
            data = file.read(LARGEST)
    except OSError:
        return None
    return None if b"\0" in data[:8000] else data.decode("utf-8", "replace")


def file_text(path: Path) -> Text:
    """One file as it is."""
    return _shown(None, path)


def _shown(old: Path | None, path: Path) -> Text:
    text = _read(path)
    if text is None:
        return Text("No text.")
    out = Text()
    earlier = _read(old) if old is not None else None
    if earlier is not None:
        diff = difflib.unified_diff(earlier.splitlines(), text.splitlines(), "before", "after", lineterm="")
        out = colored("\n".join(diff)) + Text("\n")
    return out + Text(printable(text))
