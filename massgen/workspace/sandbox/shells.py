"""Commands that run in the background of one sandbox, under ids (EXEC-075 to EXEC-083, AUTO-041 to AUTO-046)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from msgspec import Struct

from massgen.errors import MassGenError
from massgen.workspace.sandbox.protocol import Sandbox, SandboxProcess, Stream
from massgen.workspace.sandbox.ring import LineRing

ShellStatus = Literal["running", "stopped", "failed"]
MAX_RUNNING = 10
_KEPT_ENDED = 100


class ShellRefused(MassGenError):
    """No such shell, or too many of them; the message is for whoever asked."""


@dataclass(slots=True, kw_only=True)
class _Shell:
    shell_id: str
    command: str
    work_dir: str
    started_at: float
    process: SandboxProcess
    outputs: dict[Stream, LineRing] = field(repr=False)
    killed: bool = False


class ShellState(Struct, frozen=True, kw_only=True):
    """A background shell at one moment. It is `stopped` after exit 0 or a kill, `failed` after any other exit."""

    shell_id: str
    command: str
    work_dir: str
    started_at: float
    status: ShellStatus
    exit_code: int | None
    duration_seconds: float
    limit: str | None = None


class ShellOutput(Struct, frozen=True, kw_only=True):
    """The last lines of both streams."""

    state: ShellState
    stdout: str
    stderr: str


class Shells:
    """The background shells of one owner: nobody else can name them. Not thread safe; one event loop."""

    def __init__(self, max_running: int = MAX_RUNNING) -> None:
        self._shells: dict[str, _Shell] = {}
        self._max_running = max_running

    async def start(
        self, sandbox: Sandbox, command: str, *, cwd: Path, env: Mapping[str, str] | None = None
    ) -> ShellState:
        """Start `command` in `sandbox` and return at once; raises `ShellRefused`, `SandboxFailed`."""
        running = sum(shell.process.exit_code is None for shell in self._shells.values())
        if running >= self._max_running:
            raise ShellRefused(
                f"{running} background shells run already, the most allowed. Kill one or wait until one ends."
            )
        outputs: dict[Stream, LineRing] = {"stdout": LineRing(), "stderr": LineRing()}

        def keep(stream: Stream, data: bytes) -> None:
            outputs[stream].write(data)

        process = await sandbox.spawn(command, keep, cwd=cwd, env=env)
        shell = _Shell(
            shell_id=f"shell_{secrets.token_hex(4)}",
            command=command,
            work_dir=str(cwd),
            started_at=time.time(),
            process=process,
            outputs=outputs,
        )
        self._shells[shell.shell_id] = shell
        self._forget()
        return _state(shell)

    def status(self, shell_id: str) -> ShellState:
        return _state(self._find(shell_id))

    def output(self, shell_id: str) -> ShellOutput:
        shell = self._find(shell_id)
        return ShellOutput(
            state=_state(shell),
            stdout=shell.outputs["stdout"].text(),
            stderr=shell.outputs["stderr"].text(),
        )

    async def ended(self, shell_id: str) -> ShellState:
        """The state of a shell once it runs no longer."""
        shell = self._find(shell_id)
        await shell.process.wait()
        return _state(shell)

    async def kill(self, shell_id: str, *, grace: float = 2.0) -> ShellState:
        """End the shell's process tree; a shell that has ended stays as it is."""
        shell = self._find(shell_id)
        if shell.process.exit_code is None:
            shell.killed = True
            await shell.process.end(grace=grace)
            await shell.process.wait()
        return _state(shell)

    def all(self) -> list[ShellState]:
        return [_state(shell) for shell in self._shells.values()]

    def _find(self, shell_id: str) -> _Shell:
        shell = self._shells.get(shell_id)
        if shell is None:
            known = ", ".join(self._shells) or "there are none"
            hint = " That is the id of a background job." if shell_id.startswith("job_") else ""
            raise ShellRefused(f"No background shell '{shell_id[:80]}' ({known}).{hint}")
        return shell

    def _forget(self) -> None:
        ended = [key for key, shell in self._shells.items() if shell.process.exit_code is not None]
        for key in ended[:-_KEPT_ENDED]:
            del self._shells[key]


def _state(shell: _Shell) -> ShellState:
    code = shell.process.exit_code
    status: ShellStatus = "running" if code is None else "stopped" if code == 0 or shell.killed else "failed"
    return ShellState(
        shell_id=shell.shell_id,
        command=shell.command,
        work_dir=shell.work_dir,
        started_at=shell.started_at,
        status=status,
        exit_code=code,
        duration_seconds=shell.process.seconds,
        limit=shell.process.limit,
    )
