"""Hooks that are Python functions, plain or async (HOOK-004, HOOK-007)."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from msgspec import Struct

from massgen.errors import ConfigError
from massgen.tools.hooks.protocol import DEFAULT_TIMEOUT_SECONDS, HookEvent, HookResult

HookFunction = Callable[[HookEvent], HookResult | Awaitable[HookResult | None] | None]


class PythonCallableHook:
    """Calls `function(event)`; None means allow. Plain functions run in a thread, so that one that hangs
    can be given up (HOOK-008)."""

    def __init__(
        self,
        name: str,
        function: HookFunction,
        *,
        matcher: str = "*",
        fail_closed: bool = False,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        self.name = name
        self.matcher = matcher
        self.fail_closed = fail_closed
        self.timeout_seconds = timeout_seconds
        self._function = function

    async def run(self, event: HookEvent) -> HookResult:
        """Call the function and wait for its decision."""
        if inspect.iscoroutinefunction(self._function):
            result: Any = await self._function(event)
        else:
            result = await _in_thread(self._function, event)
            if inspect.isawaitable(result):
                result = await result
        return HookResult.allow() if result is None else result


class BrokenHook(Struct, frozen=True, kw_only=True):
    """A configured hook that could not be loaded; it refuses every call it is for (HOOK-008)."""

    name: str
    problem: str
    matcher: str = "*"
    fail_closed: bool = True
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS

    async def run(self, event: HookEvent) -> HookResult:
        """Refuse."""
        raise ConfigError(self.problem)


async def _in_thread(function: Callable[[HookEvent], Any], event: HookEvent) -> Any:
    """Run in a daemon thread: a function that never returns must not keep the program from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        result, error = None, None
        try:
            result = function(event)
        except Exception as caught:  # noqa: BLE001 - handed over to the waiting task
            error = RuntimeError("StopIteration") if isinstance(caught, StopIteration) else caught
        except SystemExit as caught:
            error = RuntimeError(f"the hook called exit({caught.code})")
        with suppress(RuntimeError):  # the loop may have ended meanwhile
            loop.call_soon_threadsafe(settle, result, error)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name="massgen-hook", daemon=True).start()
    return await future
