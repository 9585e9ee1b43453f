"""What the validator has to say: errors, warnings, hints, each with its place (CFG-061, CFG-065)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

Level = Literal["error", "warning", "hint"]
Code = Literal["", "unknown-key", "not-yet", "unset-variable"]
Path = tuple[str | int, ...]


class Diagnostic(Struct, frozen=True, kw_only=True):
    """One finding. `path` is in path notation (`agents[0].backend.type`), "" for the file as a whole.

    `line` and `column` count from 1; None where there is no text behind the configuration. `code` marks the
    kinds that programs treat specially.
    """

    level: Level
    path: str
    message: str
    suggestion: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    code: Code = ""

    @property
    def place(self) -> str:
        """`file:line:column`, as far as known."""
        parts = [str(part) for part in (self.file, self.line, self.column) if part is not None]
        return ":".join(parts)

    def format(self) -> str:
        """Two lines for a person: place, path and message, then the suggestion."""
        where = " ".join(part for part in (self.place, f"[{self.path}]" if self.path else "") if part)
        text = f"{where} {self.message}" if where else self.message
        return f"{text}\n    Suggestion: {self.suggestion}" if self.suggestion else text

    def to_dict(self) -> dict[str, str | int | None]:
        """The element of `--json` (section 3 of the configuration part)."""
        return {
            "location": self.path,
            "message": self.message,
            "suggestion": self.suggestion,
            "severity": self.level,
            "file": self.file,
            "line": self.line,
            "column": self.column,
        }


HEADERS: dict[Level, str] = {
    "error": "Configuration Errors Found:",
    "warning": "Configuration Warnings:",
    "hint": "Hints:",
}


def format_level(diagnostics: Iterable[Diagnostic], level: Level) -> str:
    """All findings of one level below their header; "" where there are none."""
    found = [item for item in diagnostics if item.level == level]
    if not found:
        return ""
    lines = [HEADERS[level], *(f"  {item.format()}" for item in found)]
    return "\n".join(lines)


def path_text(path: Sequence[str | int]) -> str:
    """`agents[0].backend.type`; a key that is no plain word is quoted in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part and all(char.isalnum() or char in "_-" for char in part):
            text += f".{part}" if text else part
        else:
            text += f"[{part!r}]"
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be, or None."""
    candidates = list(known)
    plain = {name.lower().replace("_", "").replace("-", ""): name for name in candidates}
    squeezed = word.lower().replace("_", "").replace("-", "")
    if squeezed in plain:
        return plain[squeezed]
    found = difflib.get_close_matches(word[:200], candidates, n=1, cutoff=0.75)
    return found[0] if found else None
