"""Which files a shell command shows, where that is recognisable (WS-135)."""

from __future__ import annotations

import shlex

READERS = frozenset({"cat", "head", "tail", "less", "more", "nl", "bat", "tac"})
_WITH_VALUE = frozenset({"-n", "-c", "--lines", "--bytes", "-s", "-w", "-v", "-b"})
_SEPARATORS = frozenset({";", "&&", "||", "|", "&"})
MAX_COMMAND_CHARACTERS = 10_000


def files_shown_by(command: str) -> tuple[str, ...]:
    """The files named to `cat`, `head` and the like; empty where the command is not plain enough to tell."""
    if len(command) > MAX_COMMAND_CHARACTERS:
        return ()
    lexer = shlex.shlex(command.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return ()
    found: list[str] = []
    part: list[str] = []
    for word in [*words, ";"]:
        if word in _SEPARATORS:
            found += _shown(part)
            part = []
        else:
            part.append(word)
    return tuple(found)


def _shown(words: list[str]) -> list[str]:
    if not words or words[0].rpartition("/")[2] not in READERS or ">" in "".join(words):
        return []
    named: list[str] = []
    skip = False
    for word in words[1:]:
        if skip:
            skip = False
        elif word in _WITH_VALUE and words[0].rpartition("/")[2] in ("head", "tail"):
            skip = True
        elif not word.startswith(("-", "<", "$", "`")) and not set(word) & set("*?[$`"):
            named.append(word)
    return named
