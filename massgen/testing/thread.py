"""Runs an asynchronous context in a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Generic, TypeVar

Served = TypeVar("Served")


class InThread(Generic[Served]):
    """`with InThread(context) as value:` enters `context` in a new thread and leaves it there."""

    def __init__(self, context: AbstractAsyncContextManager[Served]) -> None:
        self._context = context
        self._entered = threading.Event()
        self._leave = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._value: Served | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="test provider", daemon=True)

    def __enter__(self) -> Served:
        self._thread.start()
        self._entered.wait()
        if self._value is None:
            self._thread.join()
            raise RuntimeError("the server could not start") from self._failure
        return self._value

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._entered.set()

    async def _serve(self) -> None:
        async with self._context as value:
            self._loop = asyncio.get_running_loop()
            self._value = value
            self._entered.set()
            await self._leave.wait()
