"""An agent's container as the sandbox of one phase."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from massgen.workspace.grants import Grants
from massgen.workspace.sandbox.capture import Capture
from massgen.workspace.sandbox.container.container import AgentContainer, exec_environment
from massgen.workspace.sandbox.container.process import ContainerProcess, exec_arguments
from massgen.workspace.sandbox.protocol import CommandResult, Limits, SandboxFailed, SandboxKind, Sink

_MAX_COMMAND = 120_000


class ContainerSandbox:
    """Implements `Sandbox`. `close` ends the phase's processes; the container itself lasts until `remove`."""

    kind: SandboxKind = "docker"

    def __init__(self, container: AgentContainer, grants: Grants, *, start_directory: Path, limits: Limits) -> None:
        self._container = container
        self._grants = grants
        self._start_directory = start_directory
        self._limits = limits
        self._running: set[ContainerProcess] = set()

    async def start(self) -> None:
        await self._container.ensure(self._grants)

    async def spawn(
        self, command: str, sink: Sink, *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> ContainerProcess:
        if len(command.encode()) > _MAX_COMMAND or "\0" in command:
            raise SandboxFailed("The command is too long or holds a NUL; write it to a file and run that.")
        await self.start()
        container = self._container
        process = ContainerProcess(container.engine, container.name, sink)
        variables = dict(env or {})
        line = exec_arguments(
            container.name,
            process.mark,
            command,
            shell=container.shell,
            cwd=cwd or self._start_directory,
            env=variables,
        )
        await asyncio.get_running_loop().subprocess_exec(
            lambda: process,
            container.engine.program,
            *line,
            stdin=asyncio.subprocess.DEVNULL,
            env=exec_environment(variables),
        )
        self._running = {one for one in self._running if one.exit_code is None} | {process}
        return process

    async def run(
        self, command: str, *, timeout: float, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> CommandResult:
        started = time.monotonic()
        capture = Capture(self._limits.output)
        process = await self.spawn(command, capture.write, cwd=cwd, env=env)
        try:
            code = await capture.watch(process, timeout)
        except BaseException:
            await asyncio.shield(process.end(grace=0))
            raise
        return CommandResult(
            exit_code=code,
            stdout=capture.text("stdout"),
            stderr=capture.text("stderr"),
            seconds=time.monotonic() - started,
            limit=process.limit,
        )

    async def close(self) -> None:
        """End the commands and wait for each end, so that whoever asks afterwards hears of it."""
        await self._container.end_commands()
        async with asyncio.TaskGroup() as group:
            for process in self._running:
                group.create_task(process.settle())
        self._running = set()
