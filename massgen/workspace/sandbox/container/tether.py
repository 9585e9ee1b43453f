"""What ends a container's processes when this program is killed: a shell inside that waits for the end of its input."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process

from massgen.workspace.sandbox.container.engine import Engine

_WAIT = "read never; kill -KILL -1"
"""Kills everybody that the container's user may signal; without what its image started the container stops."""


class Tether:
    """Holds the shell's input open as long as this program lives. `cut` lets go of it."""

    def __init__(self, client: Process) -> None:
        self._client = client

    @classmethod
    async def tie(cls, engine: Engine, name: str) -> Tether:
        """In a session of its own: an interrupt in the terminal is not for it."""
        line = [engine.program, "exec", "--interactive", name, "/bin/sh", "-c", _WAIT]
        client = await asyncio.create_subprocess_exec(
            *line, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
        )
        return cls(client)

    async def cut(self, patience: float = 5.0) -> None:
        if self._client.stdin is not None:
            self._client.stdin.close()
        try:
            async with asyncio.timeout(patience):
                await self._client.wait()
        except TimeoutError:
            self._client.kill()
            await self._client.wait()
