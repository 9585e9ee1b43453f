"""Which program a simple command runs in the end, through the wrappers that shells and people use."""

from __future__ import annotations

import re

from massgen.tools.commands.shell_words import NotReadable, SimpleCommand, simple_commands

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_KEYWORDS = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "{", "}", "time", "coproc"})
_WRAPPERS = frozenset({"command", "builtin", "exec", "nohup", "env", "nice", "ionice", "timeout", "stdbuf",
                       "setsid", "xargs", "busybox", "unbuffer", "chrt", "taskset"})  # fmt: skip
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash"})
_DEPTH = 5


def unwrapped(words: list[str]) -> list[str]:
    """`words` from the program on that does the work; its name without directories."""
    words = list(words)
    while words:
        first = words[0].rpartition("/")[2]
        if first in _KEYWORDS or _ASSIGNMENT.match(words[0]):
            words = words[1:]
        elif first in _WRAPPERS and len(words) > 1:
            words = words[1:]
            while words and (words[0].startswith("-") or re.fullmatch(r"[\d.]+[smhd]?", words[0])):
                words = words[1:]
        else:
            return [first, *words[1:]]
    return []


def all_commands(command: str) -> list[SimpleCommand]:
    """The simple commands of `command` and of the scripts it gives to `sh -c`, `eval` and here-documents.

    A command that cannot be read is one simple command of its raw words.
    """
    return _collect(command, _DEPTH)


def _collect(command: str, depth: int) -> list[SimpleCommand]:
    try:
        found = simple_commands(command)
    except (NotReadable, RecursionError):
        return [SimpleCommand(words=command.split(), text=command.strip(), whole=False)]
    if depth == 0:
        return found
    inner: list[SimpleCommand] = []
    for part in found:
        for script in _scripts(part):
            inner += _collect(script, depth - 1)
    return found + inner


def _scripts(part: SimpleCommand) -> list[str]:
    words = unwrapped(part.words)
    if not words:
        return []
    if words[0] == "eval":
        return [" ".join(words[1:])]
    if words[0] not in _SHELLS:
        return []
    for at, word in enumerate(words[1:], start=1):
        if word.startswith("-") and not word.startswith("--") and "c" in word:
            return words[at + 1 : at + 2]
    return [part.here] if part.here else []
