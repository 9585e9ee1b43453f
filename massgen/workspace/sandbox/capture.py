"""The output of one command, bounded: what is kept, and the end of a command that writes too much."""

from __future__ import annotations

import asyncio

from massgen.workspace.sandbox.protocol import SandboxProcess, Stream


class Capture:
    """A sink that keeps up to `limit` bytes of both streams together and asks for the end beyond that."""

    def __init__(self, limit: int) -> None:
        self._kept: dict[Stream, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self._left = limit
        self._full = asyncio.Event()

    def write(self, stream: Stream, data: bytes) -> None:
        self._kept[stream] += data[: self._left]
        self._left -= min(len(data), self._left)
        if self._left == 0:
            self._full.set()

    def text(self, stream: Stream) -> bytes:
        return bytes(self._kept[stream])

    async def watch(self, process: SandboxProcess, timeout: float) -> int:
        """Wait for the command's end; end it when it takes longer than `timeout` seconds or fills the limit."""
        async with asyncio.TaskGroup() as group:
            full = group.create_task(self._end_when_full(process))
            try:
                async with asyncio.timeout(timeout):
                    code = await process.wait()
            except TimeoutError:
                await process.end(grace=0, limit="time")
                code = await process.wait()
            full.cancel()
        return code

    async def _end_when_full(self, process: SandboxProcess) -> None:
        await self._full.wait()
        await process.end(grace=0, limit="output")
