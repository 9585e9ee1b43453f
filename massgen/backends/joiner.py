"""Joins neighbouring deltas of one event stream before a provider's library sees them.

Libraries build objects for each event; deltas that arrived together say no less as one. Only events of a shape that is
known to the last key are joined, and only those that are neighbours and differ in nothing but their text. Everything
else passes as it came, byte for byte. Nothing is held beyond the unfinished line at the end of what has arrived.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple


class Delta(NamedTuple):
    """An event that may be joined: its text, what has to be equal in its neighbours, and the event with another text
    (made of the last of those that were joined)."""

    text: str
    same: Hashable
    having: Callable[[str], Any]


Shape = Callable[[dict[str, Any]], Delta | None]
"""What an event of one wire format adds, None where it is to be left alone."""

_END = rb"(?>\r\n|\n|\r)"
_BETWEEN = re.compile(_END + _END)
_EVENT = re.compile(rb"((?:event:[^\r\n]*" + _END + rb")?data: ?)(\{[^\r\n]*\})(" + _END + _END + rb")")


@dataclass(slots=True)
class _Waiting:
    """Neighbours that say the same but for their texts."""

    raw: bytes
    around: tuple[bytes, bytes]
    same: Hashable
    texts: list[str]
    last: Delta

    def out(self) -> bytes:
        if len(self.texts) == 1:
            return self.raw
        body = json.dumps(self.last.having("".join(self.texts)), separators=(",", ":"))
        return self.around[0] + body.encode("ascii") + self.around[1]


class Joiner:
    """`feed` bytes as they come, send on what it returns; `rest` at the end of the stream, however it ends."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._line = b""
        self._inside = False
        self._waiting: _Waiting | None = None
        self._out: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        """Everything but the unfinished line at the end."""
        data = self._line + data
        cut = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        data, self._line = data[:cut], data[cut:]
        position = 0
        for gap in _BETWEEN.finditer(data):
            self._event(data[position : gap.end()])
            position = gap.end()
        if position < len(data):
            self._pass(data[position:])
            self._inside = bool(data[position:].strip(b"\r\n"))
        self._flush()
        out, self._out = self._out, []
        return b"".join(out)

    def rest(self) -> bytes:
        """The unfinished line."""
        line, self._line = self._line, b""
        return line

    def _event(self, raw: bytes) -> None:
        if self._inside:
            self._inside = False
            self._pass(raw)
            return
        found = _EVENT.fullmatch(raw)
        delta = self._delta(found[2]) if found is not None else None
        if found is None or delta is None:
            self._pass(raw)
            return
        around = (found[1], found[3])
        waiting = self._waiting
        if waiting is not None and waiting.around == around and waiting.same == delta.same:
            waiting.texts.append(delta.text)
            waiting.last = delta
            return
        self._flush()
        if delta.text.isspace():
            self._out.append(raw)  # libraries drop blank beginnings, which are such only as long as they are alone
        else:
            self._waiting = _Waiting(raw, around, delta.same, [delta.text], delta)

    def _delta(self, body: bytes) -> Delta | None:
        try:
            event = json.loads(body)
            delta = self._shape(event) if isinstance(event, dict) else None
            if delta is not None and delta.text and "<" not in delta.text and ">" not in delta.text:
                delta.text.encode()  # half a pair would be joined with its other half
                return delta
        except (ValueError, RecursionError):
            pass
        return None

    def _pass(self, raw: bytes) -> None:
        self._flush()
        self._out.append(raw)

    def _flush(self) -> None:
        if self._waiting is not None:
            self._out.append(self._waiting.out())
            self._waiting = None
