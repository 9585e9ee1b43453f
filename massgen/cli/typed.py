"""The line that a person types while a display draws over the terminal: hidden there, shown by the display."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

_KEYS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?")
_END_OF_INPUT, _RUB_OUT, _CLEAR, _WORD = "\x04", ("\x7f", "\b"), "\x15", "\x17"


class TypedLine:
    """`feed` takes what the terminal delivers; `text` is what stands in the unfinished line. `ended`: Ctrl+D.

    The terminal does the editing itself unless it was told to `hide` what is typed.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._usual: list[Any] | None = None
        self.text = ""
        self.ended = False

    def feed(self, data: bytes) -> list[str]:
        """The lines that are whole now."""
        lines: list[str] = []
        for sign in _KEYS.sub("", self._decode(data)):
            if sign in "\r\n":
                lines.append(self.text)
                self.text = ""
            elif sign in _RUB_OUT:
                self.text = self.text[:-1]
            elif sign == _CLEAR:
                self.text = ""
            elif sign == _WORD:
                self.text = "".join(self.text.rstrip().rpartition(" ")[:2])
            elif sign == _END_OF_INPUT:
                self.ended = self.ended or not self.text
            elif sign.isprintable() or sign == "\t":
                self.text += sign
        return lines

    @property
    def is_hidden(self) -> bool:
        return self._usual is not None

    def hide(self) -> None:
        """From now on the terminal shows nothing of what is typed and delivers every key. Not from the background."""
        with contextlib.suppress(ImportError):
            import termios

            with contextlib.suppress(termios.error, OSError):
                if self.is_hidden or os.tcgetpgrp(self._descriptor) != os.getpgrp():
                    return
                usual = termios.tcgetattr(self._descriptor)
                keys = list(usual[6])
                keys[termios.VMIN], keys[termios.VTIME] = 1, 0
                changed = [*usual[:3], usual[3] & ~(termios.ICANON | termios.ECHO), *usual[4:6], keys]
                termios.tcsetattr(self._descriptor, termios.TCSANOW, changed)
                self._usual = usual

    def reveal(self) -> None:
        """The terminal is again as it was."""
        usual, self._usual = self._usual, None
        if usual is not None:
            import termios

            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self._descriptor, termios.TCSANOW, usual)

    @contextlib.contextmanager
    def revealed(self) -> Iterator[None]:
        """As it was for a while. What is half typed stands aside and comes back."""
        hidden, text, self.text = self.is_hidden, self.text, ""
        self.reveal()
        try:
            yield
        finally:
            self.text = text
            if hidden:
                self.hide()
