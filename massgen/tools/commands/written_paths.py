"""Which paths a command recognisably writes or deletes, checked against the agent's path policy (EXEC-022)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from massgen.tools.commands.programs import all_commands, unwrapped
from massgen.workspace.grants import PathPolicy, PathRefused

_ALL_OPERANDS = frozenset({"rm", "rmdir", "touch", "mkdir", "tee", "truncate", "unlink", "mv", "shred"})
_LAST_OPERAND = frozenset({"cp", "install", "ln"})
_AFTER_FIRST = frozenset({"chmod", "chown", "chgrp"})
_OF_NAMES = frozenset({"rm", "rmdir", "unlink", "mv"})
_PRIVATE = ("/tmp", "/var/tmp", "/dev")


def refused_write(command: str, policy: PathPolicy, start: Path) -> str | None:
    """Why `command`, started in `start`, may not write where it says; None where nothing speaks against it.

    Paths with variables, globs or `~` are left to the sandbox, `/tmp` and `/dev` are private there.
    """
    directory = start
    for part in all_commands(command):
        words = unwrapped(part.words)
        for path in (*part.targets, *_operands(words)):
            if _unreadable(path):
                continue
            place = directory / path
            if _is_private(place, policy):
                continue
            # These take away or replace a link, and leave alone what it leads to.
            named = bool(words) and words[0] in _OF_NAMES and path not in part.targets and not path.endswith("/")
            into = words[:1] == ["mv"] and path == words[-1] and place.is_dir()
            resolve = policy.resolve_entry if named and not into and place.is_symlink() else policy.resolve
            try:
                resolve(str(place), "write")
            except PathRefused as refusal:
                return refusal.message
        if words[:1] == ["cd"] and len(words) > 1 and not _unreadable(words[1]):
            directory = directory / words[1]
    return None


def _is_private(place: Path, policy: PathPolicy) -> bool:
    """Whether `place` lies in a directory that every sandbox has for itself, away from what is granted there."""
    root = next((root for root in map(Path, _PRIVATE) if place.is_relative_to(root)), None)
    if root is None:
        return False
    top = Path(*place.parts[: len(root.parts) + 1])
    grants = policy.grants
    return not any(path.is_relative_to(top) for path in (*grants.writable, *grants.readable, *grants.denied))


def _unreadable(path: str) -> bool:
    return not path or path.startswith("~") or path.isdigit() or any(mark in path for mark in "$*?[{")


def _operands(words: list[str]) -> Iterator[str]:
    if not words:
        return
    program, rest = words[0], words[1:]
    operands = [word for word in rest if not word.startswith("-")]
    if program in _ALL_OPERANDS:
        yield from operands
    elif program in _LAST_OPERAND:
        yield from operands[-1:]
        yield from (rest[at + 1] for at, word in enumerate(rest[:-1]) if word == "-t")
    elif program in _AFTER_FIRST:
        yield from operands[1:]
    elif program == "sed" and any(word.startswith(("-i", "--in-place")) for word in rest):
        named = any(word in ("-e", "-f") or word.startswith("--expression") for word in rest)
        yield from operands if named else operands[1:]
    elif program == "dd":
        yield from (word[3:] for word in rest if word.startswith("of="))
