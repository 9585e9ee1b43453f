"""The engine's process as the application sees it: commands out, messages in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

LONGEST_LINE = 32 * 1024 * 1024
LAST_WORDS = 20


class EngineLink:
    """`messages` starts the process and yields what it says until it ends; `send` is dropped once it is gone."""

    def __init__(self, command: Sequence[str], start: Mapping[str, Any]) -> None:
        self._command = command
        self._start = start
        self._process: asyncio.subprocess.Process | None = None
        self.last_words: deque[str] = deque(maxlen=LAST_WORDS)

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """Each message as a dict with `say`; the end of standard error is kept in `last_words`."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=pipe, stdout=pipe, stderr=pipe, limit=LONGEST_LINE, start_new_session=True
        )
        self._process = process
        self.send({"do": "start", **self._start})
        assert process.stdout is not None and process.stderr is not None
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hear(process.stderr))
            while line := await process.stdout.readline():
                with contextlib.suppress(ValueError):
                    message = json.loads(line)
                    if isinstance(message, dict):
                        yield message
        await process.wait()

    async def _hear(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self.last_words.append(line.decode("utf-8", "replace").rstrip())

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode if self._process is not None else None

    def send(self, command: Mapping[str, Any]) -> None:
        """One command."""
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            return
        with contextlib.suppress(OSError, RuntimeError):
            process.stdin.write(json.dumps(command, default=str).encode() + b"\n")

    def kill(self) -> None:
        """End the process and its children at once, without saving (COORD-124)."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
