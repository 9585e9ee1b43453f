"""Reading ahead: what has arrived is taken at once, however many pieces it came in.

A response in many small HTTP chunks costs one wait of the consumer for each; a task of its own reads them while they
are there, and the consumer takes what has gathered. Nothing is waited for but the first piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

MOST = 262_144
"""Bytes that may wait for the consumer; then the source is left alone until they are taken."""


class ReadAhead:
    """`take` what has come of `source`; `aclose` ends the reading, and is to be awaited in any case."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self._pieces: list[bytes] = []
        self._size = 0
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._task = asyncio.ensure_future(self._read())
        self._task.add_done_callback(lambda _: self._changed.set())

    async def take(self) -> bytes | None:
        """All that has arrived, at least a byte; None at the end. An error of the source comes after its bytes."""
        while not self._pieces and not self._task.done():
            self._changed.clear()
            await self._changed.wait()
        if self._pieces:
            data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            self._pieces, self._size = [], 0
            self._room.set()
            return data
        await self._task
        return None

    async def aclose(self) -> None:
        """Stop reading; the source itself stays for its owner to close."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # it may have failed unheard

    async def _read(self) -> None:
        async for piece in self._source:
            if piece:
                self._pieces.append(piece)
                self._size += len(piece)
                self._changed.set()
            while self._size > MOST:
                self._room.clear()
                await self._room.wait()
