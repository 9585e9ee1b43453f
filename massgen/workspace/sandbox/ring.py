"""The last lines of one output stream, bounded in lines and bytes (EXEC-078, AUTO-046)."""

from __future__ import annotations

from collections import deque

LINES = 10_000
BYTES = 16 << 20
_LONGEST = 64 << 10


class LineRing:
    """Keeps the last `lines` lines, at most `size` bytes; a line longer than 64 KiB counts as several."""

    def __init__(self, lines: int = LINES, size: int = BYTES) -> None:
        self._lines: deque[bytes] = deque()
        self._partial = b""
        self._most = lines
        self._room = size
        self._held = 0

    def write(self, data: bytes) -> None:
        """Take more output; `data` may end within a line or a character."""
        pieces = (self._partial + data).split(b"\n")
        self._partial = pieces.pop()
        for piece in pieces[-self._most :]:
            self._add(piece + b"\n")
        while len(self._partial) > _LONGEST:
            self._add(self._partial[:_LONGEST])
            self._partial = self._partial[_LONGEST:]
        while self._lines and (len(self._lines) + bool(self._partial) > self._most or self._held > self._room):
            self._held -= len(self._lines.popleft())

    def _add(self, line: bytes) -> None:
        self._lines.append(line)
        self._held += len(line)

    def text(self) -> str:
        return (b"".join(self._lines) + self._partial).decode(errors="replace")
