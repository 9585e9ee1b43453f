"""The engine's command line: `docker` or `podman`, found on PATH, asked by subprocesses (EXEC-034)."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Mapping

from msgspec import Struct

from massgen.errors import ConfigError

RECOMMENDED = (28, 0, 0)
_CONTROLLERS = {"memory": "memory", "cpu": "CPU time", "pids": "processes"}


class ContainerUnavailable(ConfigError, RuntimeError):
    """No engine, no access to it, no image, or an image that does not do; ends the run before any model call."""


class Answer(Struct, frozen=True, kw_only=True):
    """What one call of the engine's command line gave."""

    code: int
    output: str
    errors: str

    @property
    def reason(self) -> str:
        """The last line of the complaint."""
        lines = (self.errors or self.output).strip().splitlines()
        return lines[-1][:500] if lines else f"exit code {self.code}"


class Engine(Struct, frozen=True, kw_only=True):
    """`program` is the path of `docker` or `podman`; it reads `DOCKER_HOST` itself (EXEC-037)."""

    program: str

    @property
    def is_podman(self) -> bool:
        return os.path.basename(self.program).startswith("podman")

    async def ask(self, *arguments: str, env: Mapping[str, str] | None = None, timeout: float = 120) -> Answer:
        """Run one command to its end. `env` is added to ours: values of secrets are handed over in it."""
        process = await asyncio.create_subprocess_exec(
            self.program,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | dict(env or {}),
        )
        try:
            async with asyncio.timeout(timeout):
                output, errors = await process.communicate()
        except BaseException as error:
            process.kill()
            await process.wait()
            if isinstance(error, TimeoutError):
                return Answer(code=124, output="", errors=f"no answer within {timeout:g} s")
            raise
        code = process.returncode if process.returncode is not None else 1
        return Answer(code=code, output=output.decode(errors="replace"), errors=errors.decode(errors="replace"))

    async def version(self) -> str:
        """The server's version; raises `ContainerUnavailable` where no engine answers."""
        answer = await self.ask("version", "--format", "{{.Server.Version}}", timeout=30)
        if answer.code != 0:
            where = f" ({os.environ['DOCKER_HOST']})" if os.environ.get("DOCKER_HOST") else ""
            raise ContainerUnavailable(
                f"Failed to connect to Docker{where}: {answer.reason}",
                hint="Start the engine, or allow this user to use it (group docker), then run: docker info",
            )
        return answer.output.strip()

    async def unenforced(self) -> tuple[str, ...]:
        """The limits that this engine takes and does not keep, because the host lacks the control groups."""
        form = "{{.Host.CgroupControllers}}" if self.is_podman else "{{.MemoryLimit}} {{.CPUCfsQuota}} {{.PidsLimit}}"
        answer = await self.ask("info", "--format", form, timeout=30)
        words = answer.output.strip(" []\n").split()
        if answer.code != 0:
            return ()
        if self.is_podman:
            return tuple(name for key, name in _CONTROLLERS.items() if key not in words)
        return tuple(name for word, name in zip(words, _CONTROLLERS.values(), strict=False) if word == "false")


def find_engine(program: str = "") -> Engine:
    """`program`, or docker, or podman; raises `ContainerUnavailable` where none is installed."""
    for name in [program] if program else ["docker", "podman"]:
        path = shutil.which(name)
        if path:
            return Engine(program=path)
    raise ContainerUnavailable(
        f"Docker command line not available: {program or 'neither docker nor podman'} found on PATH.",
        hint="Install Docker (https://docs.docker.com/engine/install) or use command_line_execution_mode: local.",
    )


def old_version(version: str, *, podman: bool) -> str | None:
    """A warning for an engine older than recommended; None for newer, unknown or other engines."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    if podman or not numbers or numbers >= RECOMMENDED:
        return None
    wanted = ".".join(map(str, RECOMMENDED))
    return f"Docker Engine {version} is older than the recommended {wanted}."
