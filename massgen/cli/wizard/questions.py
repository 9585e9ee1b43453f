"""Questions to the person at the terminal. Enter takes the default; the end of input counts as Ctrl+C."""

from __future__ import annotations

import getpass
import sys
import warnings
from collections.abc import Mapping, Sequence
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any

from massgen.cli.console import Writer, one_line, printable
from massgen.errors import ConfigError

NO_TERMINAL = "needs a terminal, because it asks questions"
NEW_LINE = "\n"
HOW_TO_ANSWER = "Enter takes what stands in brackets; Ctrl+C stops."


def require_person(flag: str, flags: Mapping[str, Any], instead: str) -> None:
    """Raise `ConfigError` where nobody can answer (CFG-091); `instead` says what works there."""
    if flags["automation"] or not is_person():
        raise ConfigError(f"{flag} {NO_TERMINAL}.", hint=instead)


def is_person() -> bool:
    """Whether both ends are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


class Questions:
    """Every method asks until the answer fits. Raises `KeyboardInterrupt`."""

    def __init__(self) -> None:
        self._out = Writer(sys.stdout)

    def say(self, text: str = "") -> None:
        """Words that need no answer."""
        self._out.line(printable(text))

    def text(self, prompt: str, default: str = "") -> str:
        """One line; empty only where the default is."""
        shown = f" [{one_line(default)}]" if default else ""
        return self._line(f"{prompt}{shown}: ") or default

    def yes(self, prompt: str, *, default: bool) -> bool:
        """Yes or no."""
        while True:
            answer = self._line(f"{prompt} {'[Y/n]' if default else '[y/N]'} ").lower()
            if not answer:
                return default
            if answer in ("y", "yes", "n", "no"):
                return answer.startswith("y")
            self.say("Please answer y or n.")

    def number(self, prompt: str, *, lowest: int, highest: int, default: int) -> int:
        """A whole number within the limits."""
        while True:
            answer = self._line(f"{prompt} ({lowest}-{highest}) [{default}]: ")
            if not answer:
                return default
            if answer.isascii() and answer.isdigit() and lowest <= int(answer) <= highest:
                return int(answer)
            self.say(f"Please give a number from {lowest} to {highest}.")

    def choose(self, prompt: str, options: Sequence[str], *, default: int = 0) -> int:
        """The index of one of the options, which are shown with numbers."""
        width = len(str(len(options)))
        for number, option in enumerate(options, 1):
            self.say(f"  {number:>{width}}. {printable(option).replace(NEW_LINE, ' ').rstrip()}")
        return self.number(prompt, lowest=1, highest=len(options), default=default + 1) - 1

    def secret(self, prompt: str) -> str:
        """One line that is not shown while it is typed."""
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            try:
                return getpass.getpass(printable(f"{prompt} (not shown): ")).strip()
            except EOFError:
                raise KeyboardInterrupt from None
            except getpass.GetPassWarning:
                raise ConfigError("This terminal cannot hide what is typed, so no key was asked for.") from None

    def _line(self, prompt: str) -> str:
        """What is typed after the prompt, which is broken between words where the terminal is too narrow for it."""
        width = get_terminal_size().columns
        *above, last = printable(prompt).split(NEW_LINE)
        *more, last = wrap(last, width, drop_whitespace=False) or [last]
        for line in (*above, *more):
            self._out.line(line)
        self._out.piece(last)
        try:
            line = sys.stdin.readline()
        except UnicodeDecodeError:
            return ""
        if not line:
            raise KeyboardInterrupt
        return printable(line).strip()
