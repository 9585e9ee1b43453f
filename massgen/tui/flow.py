"""Text that grows, in lines of a width. Adding to it costs what was added, not what is there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rich.cells import cell_len, chop_cells

MOST_LINES = 1500
_WORD = re.compile(r"\s*\S+|\s+")


@dataclass(slots=True)
class Flow:
    """`lines` are at most `width` cells wide; blanks at the end of a line may stand out. The oldest lines are forgotten
    once there are too many."""

    width: int
    lines: list[str] = field(default_factory=lambda: [""])

    def add(self, text: str) -> int:
        """Append `text`; how many of the lines from the first on are as before. 0 where lines were forgotten."""
        kept = len(self.lines) - 1
        last = self.lines.pop()
        for line in (last + text.replace("\t", "    ")).split("\n"):
            self.lines += wrapped(line, self.width)
        if len(self.lines) > MOST_LINES:
            del self.lines[: len(self.lines) - MOST_LINES * 3 // 4]
            return 0
        return kept


def wrapped(line: str, width: int) -> list[str]:
    """`line` broken between words, or within a word that fits nowhere; joined they are `line` again."""
    if cell_len(line) <= width:
        return [line]
    lines, current, used = [], "", 0
    for match in _WORD.finditer(line):
        word = match[0]
        size = cell_len(word)
        if used + size > width and not word.isspace():
            body = word.lstrip()
            current += word[: len(word) - len(body)]
            if current:
                lines.append(current)
            *whole, word = chop_cells(body, width) if cell_len(body) > width else [body]
            lines += whole
            current, used = "", 0
            size = cell_len(word)
        current += word
        used += size
    return [*lines, current]
