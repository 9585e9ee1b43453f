"""What a sandbox is: the place where an agent's commands and background shells run.

A sandbox belongs to one agent and one phase, is built from the agent's `Grants`, and lives until the phase or
the run ends. Everything started in it ends with it, however the program ends (EXEC-005, EXEC-079).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from massgen.errors import MassGenError

SandboxKind = Literal["docker", "bubblewrap+landlock", "bubblewrap", "landlock", "none"]
Network = Literal["host", "none"]
Stream = Literal["stdout", "stderr"]
Limit = Literal["time", "memory", "processes", "disk", "output"]
Sink = Callable[[Stream, bytes], None]


class SandboxFailed(MassGenError):
    """The sandbox could not be started, or it ended while a command ran in it."""


class Limits(Struct, frozen=True, kw_only=True):
    """What all commands of one sandbox may use together; bytes and counts. `output` is per command."""

    memory: int = 4 << 30
    processes: int = 512
    disk: int = 10 << 30
    output: int = 32 << 20


class CommandResult(Struct, frozen=True, kw_only=True):
    """How a command ended. `stdout` and `stderr` are raw bytes; `limit` says which limit ended it, if one did.

    A command that a signal ended has exit code 128 plus the signal's number, as in a shell.
    """

    exit_code: int
    stdout: bytes
    stderr: bytes
    seconds: float
    limit: Limit | None = None


class SandboxProcess(Protocol):
    """One started command. `wait` returns its exit code when it, its children and their output have ended.

    `exit_code` is None until then; `seconds` is how long it has run, `limit` what ended it, if a limit did.
    """

    @property
    def exit_code(self) -> int | None: ...

    @property
    def seconds(self) -> float: ...

    @property
    def limit(self) -> Limit | None: ...

    async def wait(self) -> int: ...

    async def end(self, *, grace: float = 2.0, limit: Limit | None = None) -> None:
        """End the whole process tree: a gentle signal, after `grace` seconds a forced one."""
        ...


class PipedProcess(Protocol):
    """A program that is talked to over its streams; lines of its outputs are bounded by the readers' limit."""

    @property
    def stdin(self) -> asyncio.StreamWriter: ...

    @property
    def stdout(self) -> asyncio.StreamReader: ...

    @property
    def stderr(self) -> asyncio.StreamReader: ...

    async def stop(self, grace: float = 1.5) -> None:
        """Close its input, wait for `grace` seconds, then end it and all that it started; every wait is bounded."""
        ...


class Sandbox(Protocol):
    """`start` and `close` may be called more than once. Cancelling `run` ends the command's process tree."""

    @property
    def kind(self) -> SandboxKind: ...

    async def start(self) -> None: ...

    async def run(
        self, command: str, *, timeout: float, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> CommandResult: ...

    async def spawn(
        self, command: str, sink: Sink, *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> SandboxProcess: ...

    async def close(self) -> None: ...
