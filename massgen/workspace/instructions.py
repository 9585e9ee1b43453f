"""Project instruction files: the nearest `CLAUDE.md` or `AGENTS.md` of each context path (WS-085 to WS-090)."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

log = logging.getLogger(__name__)

NAMES = ("CLAUDE.md", "AGENTS.md")
LIMIT = 32_000


class InstructionFile(Struct, frozen=True, kw_only=True):
    """One file and its text, read once."""

    path: Path
    text: str


def find_instructions(context_paths: Iterable[Path], *, launch_directory: Path) -> tuple[InstructionFile, ...]:
    """The nearest instruction file of each path, each file once; blocks for a few reads.

    The search walks up from the path and never leaves its root (WS-087, S-09). A file that cannot be read is
    logged and left out.
    """
    found: dict[Path, InstructionFile] = {}
    for context in context_paths:
        path = _nearest(context, launch_directory)
        if path is None or path in found:
            continue
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                text = stream.read(LIMIT + 1)
        except OSError as error:
            log.warning("The instruction file %s could not be read: %s", path, error.strerror)
            continue
        if len(text) > LIMIT:
            text = f"{text[:LIMIT]}\n[cut after {LIMIT} characters]"
        found[path] = InstructionFile(path=path, text=text)
    return tuple(found.values())


def instructions_text(files: Iterable[InstructionFile]) -> str:
    """The frame for a system prompt, empty without files (WS-088)."""
    parts = [f'<project_file path="{item.path}">\n{item.text.strip()}\n</project_file>' for item in files]
    if not parts:
        return ""
    intro = "Notes that the project keeps for assistants. They are background and may not apply to this task:"
    return "\n".join([intro, *parts])


def search_root(context: Path, launch_directory: Path) -> Path:
    """Where the search ends: the git repository's top level, else the launch directory, else the path (S-09)."""
    start = context if context.is_dir() else context.parent
    for directory in (start, *start.parents):
        if os.path.lexists(directory / ".git"):
            return directory
    launch = Path(os.path.realpath(launch_directory))
    return launch if start.is_relative_to(launch) else start


def _nearest(context: Path, launch_directory: Path) -> Path | None:
    real = Path(os.path.realpath(context))
    root = search_root(real, launch_directory)
    directory = real if real.is_dir() else real.parent
    while directory.is_relative_to(root):
        for name in NAMES:
            candidate = Path(os.path.realpath(directory / name))
            if candidate.is_file() and candidate.is_relative_to(root):
                return candidate
        if directory == root:
            break
        directory = directory.parent
    return None
