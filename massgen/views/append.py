"""Files that grow while people follow them: one write for each piece, never the end of a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from massgen.views.files import guarded

LONGEST_LINE = 16384
TAIL = 1024


class GrowingFile:
    """Opened at the first write. After a failed write the file is left alone; the person was told once."""

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self._what = what
        self._fd: int | None = None
        self._failed = False

    def write(self, text: str) -> None:
        if text and not self._failed:
            self._failed = not guarded(self._what, lambda: self._append(text.encode("utf-8", "replace")))

    def _append(self, data: bytes) -> None:
        if self._fd is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        while data:
            data = data[os.write(self._fd, data) :]

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class MaskedText:
    """Streamed text on its way to a file: passed on in whole lines, so that no secret slips through in two pieces.

    Of a line that never ends, the last characters wait.
    """

    def __init__(self, redact: Callable[[str], str], write: Callable[[str], None]) -> None:
        self._redact = redact
        self._write = write
        self._waiting = ""

    def feed(self, text: str) -> None:
        whole, newline, rest = text.rpartition("\n")
        if newline:
            self._write(self._redact(self._waiting + whole + newline))
            self._waiting = rest
        else:
            self._waiting += text
        if len(self._waiting) > LONGEST_LINE:
            masked = self._redact(self._waiting)
            self._write(masked[:-TAIL])
            self._waiting = masked[-TAIL:]

    def end(self) -> bool:
        """Pass on what waits; says whether the text ended within a line."""
        waiting, self._waiting = self._waiting, ""
        self._write(self._redact(waiting))
        return bool(waiting)
