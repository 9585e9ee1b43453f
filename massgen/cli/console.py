"""Words to the person at the terminal: safe for any terminal, and a closed pipe never ends a run."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TextIO

from massgen.views.printable import one_line, printable

__all__ = ["Writer", "contract_stream", "fitting", "one_line", "printable", "tell", "utf8_streams"]

_ASCII = {
    "🤖": "*",
    "⚠️": "!",
    "✅": "+",
    "👋": "",
    "⏰": "!",
    "💾": "*",
    "❌": "x",
    "⏱️": "*",
    "🔄": "*",
    "📥": ">",
    "📢": "*",
    "⊘": "/",
    "→": ">",
    "•": "-",
    "✓": "+",
    "…": "...",
    "─": "-",
}


def utf8_streams() -> None:
    """Standard streams that cannot say a character say `?` instead of failing (CLI-010)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError, OSError):
                stream.reconfigure(errors="replace")


def fitting(text: str, stream: TextIO) -> str:
    """Symbols that the stream cannot say become ASCII."""
    encoding = (getattr(stream, "encoding", None) or "ascii").lower()
    if encoding.replace("-", "") in ("utf8", "utf16", "utf32", "cp65001"):
        return text
    for symbol, plain in _ASCII.items():
        text = text.replace(symbol, plain)
    return text


class Writer:
    """Writes lines and pieces to a stream until it is closed by the other side; from then on it is silent.

    Without a stream: to standard output as it is at the time, because a live display stands in for it while it draws.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._open = True

    def line(self, text: str = "") -> None:
        self.piece(f"{text}\n")

    def piece(self, text: str) -> None:
        """Write and flush."""
        if not self._open:
            return
        stream = self._stream or sys.stdout
        try:
            stream.write(fitting(text, self._stream or sys.__stdout__ or stream))
            stream.flush()
        except (OSError, ValueError):
            self._open = False


def tell(text: str) -> None:
    """One line to standard error."""
    Writer(sys.stderr).line(printable(text))


def contract_stream() -> TextIO:
    """A stream of its own for the lines of the automation contract.

    From now on whatever else is written to standard output, by libraries and child processes too, goes to standard
    error (AUTO-012).
    """
    sys.stdout.flush()
    try:
        kept = os.dup(1)
        os.dup2(2, 1)
    except OSError:
        return sys.stdout
    return os.fdopen(kept, "w", encoding="utf-8", errors="replace", newline="\n", buffering=1)
