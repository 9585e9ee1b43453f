"""Where local servers run: beside this program, or in a place that confines them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from massgen.workspace.sandbox.confinement import unconfined
from massgen.workspace.sandbox.local import LocalSandbox
from massgen.workspace.sandbox.piped import PipedProgram
from massgen.workspace.sandbox.protocol import Limits, PipedProcess, SandboxKind


class ServerPlace(Protocol):
    """The place of one server. `here` is False where it has programs of its own (a container), `outdated` says that
    it would be another place if it were made now."""

    here: bool

    @property
    def kind(self) -> SandboxKind: ...

    @property
    def outdated(self) -> bool: ...

    async def open(self, argv: Sequence[str], *, cwd: Path | None, env: Mapping[str, str], limit: int) -> PipedProcess:
        """Start the server; raises OSError or `SandboxFailed`."""
        ...


class HostPlace:
    """Beside this program, without a sandbox. On Linux one warden starts all servers of a run and ends them also
    when this program is killed; elsewhere they are children, and end when their input does."""

    kind: SandboxKind = "none"
    here = True
    outdated = False

    def __init__(self) -> None:
        self._warden: LocalSandbox | None = None

    async def open(self, argv: Sequence[str], *, cwd: Path | None, env: Mapping[str, str], limit: int) -> PipedProcess:
        if sys.platform != "linux":
            return await PipedProgram.start(argv, cwd=cwd, env=env, limit=limit)
        if self._warden is None:
            self._warden = LocalSandbox(unconfined({}, Path.cwd(), None), Limits(), pace=0)
        return await self._warden.open(argv, cwd=cwd, env=env, limit=limit)

    async def close(self) -> None:
        """End the warden; the servers have ended before."""
        if self._warden is not None:
            await self._warden.close()
