"""A container of its own for one program that is talked to, with the mounts of the agent's container.

Not the agent's container itself: there the agent's commands could read the program's variables.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from massgen.workspace.grants import Grants, PathPolicy
from massgen.workspace.sandbox.container.arguments import User, create_arguments
from massgen.workspace.sandbox.container.container import give
from massgen.workspace.sandbox.container.credentials import Credentials
from massgen.workspace.sandbox.container.engine import Engine
from massgen.workspace.sandbox.container.images import present_image
from massgen.workspace.sandbox.container.settings import ContainerSettings
from massgen.workspace.sandbox.container.sweep import sweep
from massgen.workspace.sandbox.piped import PipedProgram
from massgen.workspace.sandbox.protocol import PipedProcess, SandboxFailed, SandboxKind

_CLIENT = re.compile(r"^(PATH|HOME|TMPDIR|LD_.*|DOCKER_.*|CONTAINER_.*|XDG_.*|.*_PROXY)$", re.IGNORECASE)
"""Variables that the engine's own program reads: a server's must not reach it through the environment."""
_HOST = ("HOME", "PATH", "LOGNAME", "SHELL", "USER", "TMPDIR")


class ContainerProgramPlace:
    """Makes a container for each start. `engine` answers once for the whole run; credentials are not given."""

    kind: SandboxKind = "docker"
    here = False

    def __init__(
        self,
        policy: Callable[[], PathPolicy],
        settings: ContainerSettings,
        engine: Callable[[], Awaitable[Engine]],
        warn: Callable[[str], None],
    ) -> None:
        self._policy = policy
        self._settings = settings
        self._engine = engine
        self._warn = warn
        self._opened: Grants | None = None

    @property
    def outdated(self) -> bool:
        return self._opened is not None and self._opened != self._policy().grants

    async def open(self, argv: Sequence[str], *, cwd: Path | None, env: Mapping[str, str], limit: int) -> PipedProcess:
        """Start `argv` in a new container; raises `SandboxFailed` or `ContainerUnavailable`."""
        engine = await self._engine()
        policy = self._policy()
        self._opened = policy.grants
        await sweep(engine)
        settings = replace(self._settings, instance=secrets.token_hex(4))
        image = await present_image(engine, settings.image, self._warn)
        user = User.of_caller()
        if os.getuid() == 0:
            give(policy.workspace, user)
        line = create_arguments(
            settings,
            image,
            policy.grants,
            Credentials(binds=(), env={}),
            workspace=cwd or policy.workspace,
            user=user,
            podman=engine.is_podman,
        )
        own = {name: value for name, value in env.items() if name not in _HOST or os.environ.get(name) != value}
        inherited = {name: value for name, value in own.items() if not _CLIENT.match(name)}
        options = ["--interactive", "--rm", "--entrypoint", argv[0]]
        for name, value in own.items():
            options += ["--env", name if name in inherited else f"{name}={value}"]
        try:
            created = await engine.ask(line[0], *options, *line[1:], *argv[1:], env=inherited)
            if created.code != 0:
                raise SandboxFailed(f"Its container cannot be made: {created.reason}")
            program = await PipedProgram.start(
                [engine.program, "start", "--attach", "--interactive", settings.name], limit=limit
            )
        except BaseException:
            await asyncio.shield(_remove(engine, settings.name))
            raise
        return _Contained(program, engine, settings.name)


async def _remove(engine: Engine, name: str) -> None:
    await engine.ask("rm", "--force", "--volumes", name, timeout=30)


class _Contained:
    """A program whose container ends with it."""

    def __init__(self, program: PipedProgram, engine: Engine, name: str) -> None:
        self._program = program
        self._engine = engine
        self._name = name
        self.stdin = program.stdin
        self.stdout = program.stdout
        self.stderr = program.stderr

    async def stop(self, grace: float = 1.5) -> None:
        self.stdin.close()
        await self._program.exited(grace)
        await _remove(self._engine, self._name)  # also where only the client has ended
        await self._program.stop(grace)
