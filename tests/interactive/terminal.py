"""A real pseudo-terminal with a program in it: send keys, wait for text, resize, signal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[ -/]*[0-~])")
PATIENCE = 120.0
"""Seconds until what does not come fails the test; no test depends on how long anything takes."""


def waits_for_a_key(pid: int) -> bool:
    """Whether a program that has shown its prompt sleeps. Between the two Python hears of a signal only with the next
    key."""
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] == "S"


class Terminal:
    """Runs `python -m massgen ARGUMENTS`, or `program`. `text` is what it printed, without control sequences."""

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        size: tuple[int, int] = (100, 30),
        environment: Mapping[str, str | None] | None = None,
        program: Sequence[str] = (sys.executable, "-m", "massgen"),
    ) -> None:
        usual = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "NO_COLOR": None, "COLUMNS": None, "LINES": None}
        changes = {**usual, "PYTHONPATH": str(Path(__file__).parents[2]), **(environment or {})}
        environ = {name: value for name, value in {**os.environ, **changes}.items() if value is not None}
        command = [*program, *arguments]
        self.raw = b""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            _become(directory, command, environ)
        self.resize(*size)
        self._position = 0
        self._code: int | None = None
        self._hung_up = False

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def text(self) -> str:
        return SEQUENCE.sub("", self.raw.decode("utf-8", "replace")).replace("\r", "")

    def send(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def line(self, text: str) -> None:
        self.send(f"{text}\n")

    def interrupt(self) -> None:
        self.send("\x03")

    def wait_for_program(self) -> None:
        """Come back when a program of the shell has the terminal: the shell names it before it hands that over."""
        end = time.monotonic() + PATIENCE
        while os.tcgetpgrp(self._fd) == self.pid:
            assert time.monotonic() < end, "the shell keeps the terminal"
            self._read(0.01)

    def interrupt_prompt(self) -> None:
        """Ctrl+C once the program waits for a key."""
        end = time.monotonic() + PATIENCE
        while not waits_for_a_key(self.pid):
            assert time.monotonic() < end, "the program does not wait for a key"
            self._read(0.01)
        self.interrupt()

    def expect_ever(self, wanted: str) -> None:
        """Wait until `wanted` has been printed, also above what was expected: frames are drawn from the top."""
        self._position, kept = 0, self._position
        self.expect(wanted)
        self._position = max(kept, self._position)

    def expect(self, wanted: str) -> str:
        """Wait until `wanted` is printed after what was expected before; everything up to its end."""
        end = time.monotonic() + PATIENCE
        while True:
            found = self.text.find(wanted, self._position)
            if found >= 0:
                before, self._position = self._position, found + len(wanted)
                return self.text[before : self._position]
            if time.monotonic() > end or not self._read(0.5):
                raise AssertionError(f"{wanted!r} did not come. The screen:\n{self.text[-4000:]}")

    def _read(self, seconds: float) -> bool:
        """False at the end of the program."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False
        self.raw += data
        return bool(data)

    def wait(self) -> int:
        """The exit code, once all that the program printed is read; a program that does not end fails the test."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if not self._hung_up:
                self._read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
                self._read_the_rest()
                return self._code
        raise AssertionError(f"The program does not end. The screen:\n{self.text[-4000:]}")

    def _read_the_rest(self) -> None:
        """Up to the end, or to a silence where a child of the program still holds the terminal."""
        while not self._hung_up and select.select([self._fd], [], [], 1.0)[0] and self._read(0):
            continue

    def hang_up(self) -> None:
        """Close the terminal, as closing its window does."""
        self._hung_up = True
        os.close(self._fd)

    def close(self) -> None:
        if self._code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if not self._hung_up:
            os.close(self._fd)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _become(directory: Path, command: Sequence[str], environ: Mapping[str, str]) -> None:
    try:
        os.chdir(directory)
        os.execve(command[0], list(command), dict(environ))
    finally:
        os._exit(127)
