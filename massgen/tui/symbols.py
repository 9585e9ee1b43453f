"""Symbols, or letters where the terminal cannot show them."""

from __future__ import annotations

import sys
from functools import cache

from massgen.views import printable as safe
from massgen.views.states import AGENT_STATES

_PLAIN = {"▸": ">", "▾": "v", "·": "-", "→": "->", "✓": "+", "✗": "x", "…": "...", "🎤": "", "★": "*", "▲": "^"}


@cache
def has_unicode() -> bool:
    """Whether the terminal takes more than ASCII."""
    encoding = (getattr(sys.__stdout__, "encoding", None) or "ascii").lower().replace("-", "")
    return encoding.startswith("utf")


def sign(text: str) -> str:
    """`text` with its symbols replaced where that is needed."""
    if has_unicode():
        return text
    for symbol, plain in _PLAIN.items():
        text = text.replace(symbol, plain)
    return text


def state_sign(status: str) -> str:
    """Symbol and word of an agent's state (TUI-011)."""
    state = AGENT_STATES.get(status, AGENT_STATES["waiting"])
    return f"{state.symbol if has_unicode() else state.plain} {state.word}"


def printable(text: str) -> str:
    """Safe for a terminal; without the mark that makes terminals disagree about the width of symbols."""
    return safe.printable(text).replace("\ufe0f", "")


def one_line(text: str) -> str:
    """The same on one line."""
    return " ".join(printable(text).split())
