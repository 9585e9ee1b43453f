"""The limits of one try (BE-022): kept around each wait for the provider, never while the consumer works."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from massgen.backends.ambient import CURRENT, Ambient
from massgen.backends.endpoint import Endpoint
from massgen.backends.failures import timed_out
from massgen.backends.limits import CallLimits
from massgen.errors import BackendError

T = TypeVar("T")


class Watch:
    """Made when the try begins. `classify` words whatever else goes wrong during a wait."""

    def __init__(self, endpoint: Endpoint, limits: CallLimits, classify: Callable[[Exception], BackendError]) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._classify = classify
        self._loop = asyncio.get_running_loop()
        started = self._loop.time()
        self._end = started + limits.total if limits.total is not None else float("inf")
        self._limit, self._wait = "first_token", started + limits.first_token

    def heard(self) -> None:
        """The provider said something: from now on it may pause for the idle limit."""
        self._limit, self._wait = "idle", self._loop.time() + self._limits.idle

    async def within(self, ambient: Ambient, waiting: Awaitable[T]) -> T:
        """Await one step of the provider. Raises `BackendError`, or `CancelledError` where the task was cancelled."""
        token = CURRENT.set(ambient)
        scope = asyncio.timeout_at(min(self._wait, self._end))
        task = asyncio.current_task()
        cancelled_before = task.cancelling() if task is not None else 0
        try:
            async with scope:
                return await waiting
        except Exception as error:
            if scope.expired():
                raise self._out_of_time() from error
            if task is not None and task.cancelling() > cancelled_before:
                raise asyncio.CancelledError from error  # SDKs may dress a cancellation up as a lost connection
            if isinstance(error, BackendError):
                raise
            raise self._classify(error) from error
        finally:
            CURRENT.reset(token)

    def _out_of_time(self) -> BackendError:
        limits = self._limits
        limit = self._limit if self._wait <= self._end else "total"
        seconds = {"first_token": limits.first_token, "idle": limits.idle, "total": limits.total or 0.0}
        return timed_out(limit, seconds[limit], self._endpoint)
