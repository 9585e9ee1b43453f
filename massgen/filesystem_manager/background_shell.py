"""Whole programs in the background of a Python script, without `asyncio` (AUTO-040 to AUTO-047).

    shell_id = start_shell("massgen --automation --config config.yaml 'Question'")
    get_shell_status(shell_id)["status"]        "running", "stopped" (exit 0, or killed), "failed"
    get_shell_output(shell_id)["stdout"]        the last 10,000 lines

The commands have the script's environment and no sandbox; they end with the script, however it ends. All
functions may be called from any thread.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from massgen.workspace.sandbox.shells import MAX_RUNNING, Shells, ShellState

__all__ = [
    "BackgroundShellManager",
    "get_shell_output",
    "get_shell_status",
    "kill_shell",
    "list_shells",
    "start_shell",
]

T = TypeVar("T")


class BackgroundShellManager:
    """Background shells of a script, at most `max_concurrent` at a time. `close` ends them all.

    A started shell that is one too many raises `ShellRefused`; so does an unknown id.
    """

    def __init__(self, max_concurrent: int = MAX_RUNNING) -> None:
        self._shells = Shells(max_concurrent)
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sandbox: Any = None

    def start_shell(self, command: str, cwd: str | os.PathLike[str] | None = None) -> str:
        """Start a shell command line and return its id at once."""
        directory = Path(cwd) if cwd is not None else Path.cwd()
        if not directory.is_dir():
            raise NotADirectoryError(f"cwd is not a directory: {directory}")

        async def start() -> str:
            state = await self._shells.start(self._sandbox, command, cwd=directory.resolve(), env=dict(os.environ))
            return state.shell_id

        return self._ask(start)

    def get_shell_status(self, shell_id: str) -> dict[str, Any]:
        """`status`, `exit_code`, `duration_seconds` and what was started."""

        async def status() -> ShellState:
            return self._shells.status(shell_id)

        return _described(self._ask(status))

    def get_shell_output(self, shell_id: str) -> dict[str, Any]:
        """`stdout` and `stderr` (the last 10,000 lines each), `exit_code`, `status`."""

        async def output() -> dict[str, Any]:
            found = self._shells.output(shell_id)
            return _described(found.state) | {"stdout": found.stdout, "stderr": found.stderr}

        return self._ask(output)

    def kill_shell(self, shell_id: str) -> dict[str, Any]:
        """End the whole process tree: SIGTERM, after 2 s SIGKILL. May be repeated."""

        async def kill() -> ShellState:
            return await self._shells.kill(shell_id)

        return _described(self._ask(kill))

    def list_shells(self) -> list[dict[str, Any]]:
        """All shells of this process that are remembered, running or not."""

        async def everything() -> list[ShellState]:
            return self._shells.all()

        return [_described(state) for state in self._ask(everything)]

    def close(self) -> None:
        """End all shells; a later `start_shell` begins anew."""
        with self._lock:
            loop, self._loop = self._loop, None
            if loop is None:
                return
            asyncio.run_coroutine_threadsafe(self._sandbox.close(), loop).result()
            loop.call_soon_threadsafe(loop.stop)

    def _ask(self, make: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine on the loop of our thread and return its result."""

        async def run() -> T:
            return await make()

        return asyncio.run_coroutine_threadsafe(run(), self._running_loop()).result()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        from massgen.workspace.sandbox.confinement import unconfined
        from massgen.workspace.sandbox.local import LocalSandbox
        from massgen.workspace.sandbox.protocol import Limits

        with self._lock:
            if self._loop is None:
                self._sandbox = LocalSandbox(unconfined({}, Path("/"), None), Limits())
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_serve, args=(self._loop,), name="massgen-shells", daemon=True).start()
                atexit.register(self.close)
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.close()


def _described(state: ShellState) -> dict[str, Any]:
    return {
        "shell_id": state.shell_id,
        "status": state.status,
        "exit_code": state.exit_code,
        "duration_seconds": state.duration_seconds,
        "command": state.command,
        "cwd": state.work_dir,
    }


@cache
def _shared() -> BackgroundShellManager:
    return BackgroundShellManager()


def start_shell(command: str, cwd: str | os.PathLike[str] | None = None) -> str:
    """`BackgroundShellManager.start_shell` of the process."""
    return _shared().start_shell(command, cwd)


def get_shell_output(shell_id: str) -> dict[str, Any]:
    """`BackgroundShellManager.get_shell_output` of the process."""
    return _shared().get_shell_output(shell_id)


def get_shell_status(shell_id: str) -> dict[str, Any]:
    """`BackgroundShellManager.get_shell_status` of the process."""
    return _shared().get_shell_status(shell_id)


def kill_shell(shell_id: str) -> dict[str, Any]:
    """`BackgroundShellManager.kill_shell` of the process."""
    return _shared().kill_shell(shell_id)


def list_shells() -> list[dict[str, Any]]:
    """`BackgroundShellManager.list_shells` of the process."""
    return _shared().list_shells()
