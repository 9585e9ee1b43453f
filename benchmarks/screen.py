"""A program in a pseudo-terminal, watched from outside: when something is shown, how often it draws, what it takes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from pathlib import Path

SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
FRAME = b"\x1b[?2026h"
KEPT = 200_000


class Screen:
    """`seconds` count from the start of the program. The terminal says that it takes synchronized frames, which are
    counted in `frames`."""

    def __init__(self, command: Sequence[str], directory: Path, size: tuple[int, int] = (120, 40)) -> None:
        self._begin = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execve(command[0], list(command), {**os.environ, "TERM": "xterm-256color"})
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.raw = b""
        self.frames = 0

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGTERM)
        os.close(self._fd)
        os.waitpid(self.pid, 0)

    def read(self, seconds: float) -> None:
        """Take what comes in this time."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self._fd], [], [], left)[0]:
                self._take()

    def _take(self) -> None:
        data = os.read(self._fd, 1 << 20)
        if b"\x1b[?2026$p" in data:
            os.write(self._fd, b"\x1b[?2026;2$y")
        self.frames += data.count(FRAME)
        self.raw = (self.raw + data)[-KEPT:]

    def until(self, text: str, patience: float = 60.0) -> float:
        """Wait until `text` is shown; seconds since the start."""
        end = time.perf_counter() + patience
        while text not in (shown := SEQUENCE.sub("", self.raw.decode("utf-8", "replace"))):
            if time.perf_counter() > end:
                raise SystemExit(f"{text!r} did not come:\n{shown[-3000:]}")
            if select.select([self._fd], [], [], 1.0)[0]:
                self._take()
        return time.perf_counter() - self._begin

    def press(self, key: str) -> float:
        """Type `key`, which nothing else shows; seconds until it stands on the screen."""
        self.raw = b""
        begin = time.perf_counter()
        os.write(self._fd, key.encode())
        while key.encode() not in self.raw:
            if select.select([self._fd], [], [], 5.0)[0]:
                self._take()
        return time.perf_counter() - begin

    def cpu(self) -> float:
        """Processor seconds of the program so far, without its children."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """MiB that are resident now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
