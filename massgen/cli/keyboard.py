"""The keyboard of an interactive session: one prompt at a time, with history, completion and blocks of lines."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from massgen.paths import state_directory
from massgen.workspace.references import complete_reference

HISTORY = "history"
LONGEST_HISTORY = 1000
FENCES = ('"""', "'''")


class Keyboard:
    """`read` gives what a person asks next. Where there is no readline, lines are plain."""

    def __init__(self, commands: Sequence[str], launch: Path) -> None:
        self._commands = commands
        self._launch = launch
        self._found: list[str] = []
        self._set_up()

    def read(self, prompt: str, begun: str = "") -> str:
        """One question, of which `begun` stands in the line already; a line that begins with a fence opens a block up
        to the same fence (SESS-005). Ctrl+D ends a block, Ctrl+C drops it.

        Raises `EOFError` at the end of input and `KeyboardInterrupt`.
        """
        line = self._line(prompt, begun)
        fence = next((mark for mark in FENCES if line.lstrip().startswith(mark)), None)
        if fence is None:
            return line
        first = line.lstrip().removeprefix(fence)
        if fence in first:
            return first.partition(fence)[0]
        return self._block([first] if first.strip() else [], fence)

    @staticmethod
    def _block(lines: list[str], fence: str) -> str:
        """The lines up to the fence; empty for a block that was dropped."""
        while True:
            try:
                following = input("... ")
            except (EOFError, KeyboardInterrupt) as end:
                print()
                return "\n".join(lines) if isinstance(end, EOFError) else ""
            text, closed, _ = following.partition(fence)
            if not closed:
                lines.append(following)
                continue
            return "\n".join([*lines, text] if text.strip() else lines)

    @staticmethod
    def _line(prompt: str, begun: str) -> str:
        try:
            import readline
        except ImportError:
            return input(prompt)
        readline.set_startup_hook((lambda: readline.insert_text(begun)) if begun else None)
        try:
            return input(prompt)
        finally:
            readline.set_startup_hook(None)

    @staticmethod
    def remember(*lines: str) -> None:
        """Lines that Up brings back, the last one first; none of them twice."""
        with contextlib.suppress(ImportError):
            import readline

            for position in range(readline.get_current_history_length(), 0, -1):
                if readline.get_history_item(position) in lines:
                    readline.remove_history_item(position - 1)
            for line in lines:
                readline.add_history(line)

    @staticmethod
    def ask(prompt: str) -> str:
        """A short answer, without history."""
        text = input(prompt)
        with contextlib.suppress(ImportError, ValueError, IndexError):
            import readline

            if text:
                readline.remove_history_item(readline.get_current_history_length() - 1)
        return text

    def close(self) -> None:
        """Keep the history for the next session in this directory, for its owner only."""
        with contextlib.suppress(ImportError, OSError):
            import readline

            path = state_directory(self._launch) / HISTORY
            if path.parent.is_dir():
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
                readline.set_history_length(LONGEST_HISTORY)
                readline.write_history_file(path)

    def _set_up(self) -> None:
        with contextlib.suppress(ImportError):
            import readline

            readline.clear_history()
            with contextlib.suppress(OSError):
                readline.read_history_file(state_directory(self._launch) / HISTORY)
            readline.set_completer_delims(" \t\n\"'`(<{[")
            readline.set_completer(self._complete)
            libedit = "libedit" in (readline.__doc__ or "")
            readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
            if not libedit:
                readline.parse_and_bind("set enable-bracketed-paste on")

    def _complete(self, text: str, state: int) -> str | None:
        if state == 0:
            self._found = self.completions(text)
        return self._found[state] if state < len(self._found) else None

    def completions(self, text: str) -> list[str]:
        """Commands after `/`, paths after `@` (WS-075)."""
        if text.startswith("@"):
            return [f"@{path}" for path in complete_reference(text[1:], self._launch)]
        return [name for name in self._commands if text.startswith("/") and name.startswith(text)]
