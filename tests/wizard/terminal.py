"""A person at a real terminal: the program in a PTY, its words awaited, answers typed."""

from __future__ import annotations

import contextlib
import errno
import os
import pty
import select
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.interactive.terminal import waits_for_a_key

PATIENCE = 120.0
"""Seconds until a word that does not come fails the test; far above what any step takes."""


class Terminal:
    """`answers` waits for each prompt in turn and types what belongs to it."""

    def __init__(self, descriptor: int, child: int) -> None:
        self._descriptor = descriptor
        self._child = child
        self._read = 0
        self.seen = ""
        self.code: int | None = None

    def wait_for(self, words: str) -> str:
        """What was shown up to `words` since the last wait."""
        limit = time.monotonic() + PATIENCE
        while (found := self.seen.find(words, self._read)) < 0:
            assert self._more(limit), f"{words!r} did not come; the screen:\n{self.seen}"
        shown = self.seen[self._read : found]
        self._read = found + len(words)
        return shown

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def interrupt(self) -> None:
        """Ctrl+C once the program waits for a key."""
        limit = time.monotonic() + PATIENCE
        while not waits_for_a_key(self._child):
            assert time.monotonic() < limit, "the program does not wait for a key"
        self.type("\x03")

    def answers(self, *pairs: tuple[str, str]) -> None:
        for prompt, answer in pairs:
            self.wait_for(prompt)
            self.type(f"{answer}\n")

    def end(self) -> int:
        """The exit code, after all that is still said."""
        limit = time.monotonic() + PATIENCE
        while self._more(limit):
            pass
        assert time.monotonic() < limit, f"the program did not end; the screen:\n{self.seen}"
        _, status = os.waitpid(self._child, 0)
        self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def close(self) -> None:
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
        os.close(self._descriptor)

    def _more(self, limit: float) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], max(0.0, limit - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._descriptor, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        self.seen += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)


@contextlib.contextmanager
def massgen_at_terminal(
    *arguments: str, directory: Path, home: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """`massgen` with the arguments, as a person starts it; no variable of this process but PATH."""
    program = [sys.executable, "-m", "massgen.cli", *arguments]
    variables = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TERM": "dumb",
        "COLUMNS": "200",
        "LANG": "C.UTF-8",
        "OLLAMA_HOST": "127.0.0.1:9",
        **(environment or {}),
    }
    parent, terminal = pty.openpty()
    child = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", ATTACH, str(directory), *program],
        variables,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, terminal, 0),
            (os.POSIX_SPAWN_DUP2, terminal, 1),
            (os.POSIX_SPAWN_DUP2, terminal, 2),
            (os.POSIX_SPAWN_CLOSE, parent),
            (os.POSIX_SPAWN_CLOSE, terminal),
        ],
    )
    os.close(terminal)
    person = Terminal(parent, child)
    try:
        yield person
    finally:
        person.close()


ATTACH = """\
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.chdir(sys.argv[1])
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Makes the PTY the controlling terminal, so that Ctrl+C and hidden input are real; then becomes the program."""
