"""Symbols, or letters where the terminal cannot show them."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from functools import cache

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from massgen.views import printable as safe
from massgen.views.states import AGENT_STATES

_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_PLAIN = {"▸": ">", "▾": "v", "·": "-", "→": "->", "✓": "+", "✗": "x", "…": "...", "🎤": "", "★": "*", "▲": "^"}
_PLAIN |= {"⊘": "/", "📢": "", "─": "-"}


@cache
def has_unicode() -> bool:
    """Whether the terminal takes more than ASCII. Python speaks UTF-8 also where the locale says C."""
    if (os.environ.get("LC_ALL") or os.environ.get("LANG")) in ("C", "POSIX"):
        return False
    encoding = (getattr(sys.__stdout__, "encoding", None) or "ascii").lower().replace("-", "")
    return encoding.startswith("utf")


def sign(text: str) -> str:
    """`text` with its symbols replaced where that is needed."""
    if has_unicode():
        return text
    for symbol, plain in _PLAIN.items():
        text = text.replace(symbol, plain)
    return _ascii(text)


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def state_sign(status: str) -> str:
    """Symbol and word of an agent's state (TUI-011)."""
    state = AGENT_STATES.get(status, AGENT_STATES["waiting"])
    return f"{state.symbol if has_unicode() else state.plain} {state.word}"


_DISPUTED = re.compile("\ufe0f|\u200d(?=[\u2640-\u27bf\U0001f000-\U0001faff])")


def printable(text: str) -> str:
    """Safe for a terminal; without the marks and joints that make terminals disagree about the width of symbols."""
    shown = _DISPUTED.sub("", safe.printable(text))
    return shown if has_unicode() else _ascii(shown)


def one_line(text: str) -> str:
    """The same on one line."""
    return " ".join(printable(text).split())


def tool_name(name: str) -> str:
    """A tool as people call it: its server, if it has one, and its name."""
    for prefix in ("mcp__", "custom_tool__"):
        if name.startswith(prefix):
            return one_line(name.removeprefix(prefix).replace("__", " ", 1))
    return one_line(name)


def shortened(text: str, cells: int) -> str:
    """At most so many columns of it; wide characters take two."""
    return set_cell_size(one_line(text), min(cells, cell_len(one_line(text)))).rstrip()


def column(text: str, cells: int) -> str:
    """Exactly so many columns."""
    return set_cell_size(one_line(text), cells)


def clean(text: Text) -> Text:
    """The last net before the screen: control characters become blanks, styles stay where they are."""
    if not has_unicode() and not text.plain.isascii():
        text.plain = _ascii(text.plain)
    if any(_is_control(character) for character in text.plain):
        text.plain = "".join(" " if _is_control(character) else character for character in text.plain)
    return text


def _is_control(character: str) -> bool:
    return character not in "\n\t" and (unicodedata.category(character) == "Cc" or character in _TURNING)
