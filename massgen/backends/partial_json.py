"""Reading one text field of a JSON object while the object is still being streamed.

An agent's answer is an argument of `new_answer`; this shows it as it grows. The call itself counts only when
it is whole and valid, so what is read here is for display.
"""

from __future__ import annotations

from enum import Enum, auto

_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_BLANK = " \t\r\n"


class _State(Enum):
    """Where in the text the reader stands."""

    START = auto()
    KEY_OR_END = auto()
    COLON = auto()
    VALUE = auto()
    WANTED = auto()
    SKIPPED = auto()
    DONE = auto()


class FieldReader:
    """Decodes the top-level string field `field` of one JSON object from its fragments, each read once.

    `feed` returns the newly decoded text. A surrogate pair cut by a fragment border is held back until it is
    whole; a lone surrogate becomes U+FFFD. Text that is not JSON yields nothing further.
    """

    def __init__(self, field: str) -> None:
        self._field = field
        self._state = _State.START
        self._key: list[str] = []
        self._strings = _StringDecoder()
        self._in_key = False
        self._depth = 0
        self._in_string = False
        self._escaped = False

    @property
    def done(self) -> bool:
        """True when the field is whole, the object has ended, or the text is no JSON object."""
        return self._state is _State.DONE

    def feed(self, fragment: str) -> str:
        """Take the next piece of JSON text; return what it adds to the field's text."""
        found: list[str] = []
        position = 0
        while position < len(fragment) and self._state is not _State.DONE:
            position = self._step(fragment, position, found)
        return "".join(found)

    def _step(self, text: str, at: int, found: list[str]) -> int:
        if self._state is _State.WANTED:
            return self._string(text, at, found, _State.DONE)
        if self._in_key:
            return self._string(text, at, self._key, _State.COLON)
        if self._state is _State.SKIPPED:
            return self._skip(text, at)
        if text[at] not in _BLANK:
            return self._structure(text, at)
        return at + 1

    def _structure(self, text: str, at: int) -> int:
        mark = text[at]
        match self._state, mark:
            case _State.START, "{":
                self._state = _State.KEY_OR_END
            case _State.KEY_OR_END, '"':
                self._key.clear()
                self._in_key = True
            case _State.KEY_OR_END, ",":
                pass
            case _State.COLON, ":":
                self._state = _State.VALUE
            case _State.VALUE, '"' if "".join(self._key) == self._field:
                self._state = _State.WANTED
            case _State.VALUE, _:
                self._state = _State.SKIPPED
                self._depth = 0
                return at
            case _:
                self._state = _State.DONE
        return at + 1

    def _string(self, text: str, at: int, into: list[str], after: _State) -> int:
        end = self._strings.take(text, at, into)
        if self._strings.ended:
            self._strings = _StringDecoder()
            self._in_key = False
            self._state = after
        return end

    def _skip(self, text: str, at: int) -> int:
        """Pass over a value that is not wanted, up to the comma or brace that ends it."""
        for index in range(at, len(text)):
            mark = text[index]
            if self._in_string:
                if self._escaped:
                    self._escaped = False
                elif mark == "\\":
                    self._escaped = True
                elif mark == '"':
                    self._in_string = False
            elif mark == '"':
                self._in_string = True
            elif mark in "{[":
                self._depth += 1
            elif mark in "}]":
                if self._depth == 0:
                    self._state = _State.DONE
                    return index + 1
                self._depth -= 1
            elif mark == "," and self._depth == 0:
                self._state = _State.KEY_OR_END
                return index + 1
        return len(text)


class _StringDecoder:
    """The inside of one JSON string, up to and with its closing quote."""

    __slots__ = ("_escape", "_high", "ended")

    def __init__(self) -> None:
        self.ended = False
        self._escape = ""
        self._high = ""

    def take(self, text: str, at: int, into: list[str]) -> int:
        """Decode from `at`; stop after the closing quote. Returns the place of the next unread character."""
        while at < len(text) and not self.ended:
            if self._escape:
                self._escape += text[at]
                at += 1
                self._finish_escape(into)
                continue
            stop = _next_mark(text, at)
            if stop > at:
                self._release(into)
                into.append(text[at:stop])
            if stop < len(text):
                if text[stop] == "\\":
                    self._escape = "\\"
                else:
                    self._release(into)
                    self.ended = True
                stop += 1
            at = stop
        return at

    def _finish_escape(self, into: list[str]) -> None:
        kind = self._escape[1]
        if kind != "u":
            self._release(into)
            into.append(_ESCAPES.get(kind, kind))
            self._escape = ""
        elif len(self._escape) == 6:
            self._code_unit(self._escape[2:], into)
            self._escape = ""

    def _code_unit(self, digits: str, into: list[str]) -> None:
        try:
            unit = chr(int(digits, 16))
        except ValueError:
            unit = "\ufffd"
        if self._high and "\udc00" <= unit <= "\udfff":
            pair = self._high + unit
            into.append(pair.encode("utf-16", "surrogatepass").decode("utf-16"))
            self._high = ""
            return
        self._release(into)
        if "\ud800" <= unit <= "\udbff":
            self._high = unit
        else:
            into.append("\ufffd" if "\udc00" <= unit <= "\udfff" else unit)

    def _release(self, into: list[str]) -> None:
        if self._high:
            into.append("\ufffd")
            self._high = ""


def _next_mark(text: str, at: int) -> int:
    quote = text.find('"', at)
    slash = text.find("\\", at, quote if quote >= 0 else len(text))
    if slash >= 0:
        return slash
    return quote if quote >= 0 else len(text)
