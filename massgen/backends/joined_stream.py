"""The body of a response whose deltas are joined on their way to the library."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx2

from massgen.backends.ahead import ReadAhead
from massgen.backends.joiner import Joiner, Shape


class JoinedStream(httpx2.AsyncByteStream):
    """Stands before `inner`; its errors come where they came, after all bytes before them.

    It may be iterated again and goes on where it was: an SDK that has seen the end of a stream reads on to the end of
    the response. Only one reads from `inner`, until `aclose`.
    """

    def __init__(self, inner: httpx2.AsyncByteStream, shape: Shape) -> None:
        self._inner = inner
        self._joiner = Joiner(shape)
        self._ahead: ReadAhead | None = None

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        if self._ahead is None:
            self._ahead = ReadAhead(aiter(self._inner))
        while (data := await self._ahead.take()) is not None:
            if out := self._joiner.feed(data):
                yield out
        if rest := self._joiner.rest():
            yield rest

    async def aclose(self) -> None:
        if self._ahead is not None:
            await self._ahead.aclose()
        await self._inner.aclose()
