"""A sandbox of this machine for one program that is talked to, apart from the agent's commands and other programs.

It is made from the agent's policy of the moment, but its processes and its HOME are its own: an agent's command
cannot read the variables of a server that runs for the agent.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from massgen.workspace.grants import Grants, PathPolicy
from massgen.workspace.sandbox.choice import LocalSettings, local_kind
from massgen.workspace.sandbox.confinement import MARK, confine
from massgen.workspace.sandbox.layout import SYSTEM
from massgen.workspace.sandbox.local import LocalSandbox
from massgen.workspace.sandbox.piped import PipedCommand
from massgen.workspace.sandbox.protocol import PipedProcess, SandboxFailed, SandboxKind

PACE = 10.0
_BESIDE = ("lib", "lib64", "libexec", "include", "share", "pyvenv.cfg")


class ProgramPlace:
    """Makes the sandbox anew for each start; `outdated` where the policy grants something else than at the last.

    `private` is for HOME and /tmp of this program alone.
    """

    here = True

    def __init__(self, policy: Callable[[], PathPolicy], settings: LocalSettings, private: Path) -> None:
        self._policy = policy
        self._settings = settings
        self._private = private
        self._opened: Grants | None = None

    @property
    def kind(self) -> SandboxKind:
        return local_kind(self._settings)[0]

    @property
    def outdated(self) -> bool:
        return self._opened is not None and self._opened != self._policy().grants

    async def open(self, argv: Sequence[str], *, cwd: Path | None, env: Mapping[str, str], limit: int) -> PipedProcess:
        """Start `argv`; raises `SandboxFailed`, also where no sandbox works on this machine."""
        kind, reason = await asyncio.to_thread(local_kind, self._settings)
        if kind == "none" and MARK not in os.environ:
            raise SandboxFailed(
                f"There is no sandbox to run it in ({reason}).",
                hint="Install bubblewrap, or set sandbox: false for this server.",
            )
        policy = self._policy()
        self._opened = policy.grants
        own = _own_variables(env)
        confinement = confine(
            kind,
            with_program(policy.grants, argv, env.get("PATH", os.defpath)),
            private=self._private,
            env=own,
            start_directory=policy.workspace,
            network=self._settings.network,
            limits=self._settings.limits,
        )
        sandbox = LocalSandbox(confinement, self._settings.limits, pace=PACE)
        given = {name: value for name, value in own.items() if name in ("HOME", "TMPDIR")}
        try:
            return _Alone(await sandbox.open(argv, cwd=cwd, env=given, limit=limit), sandbox)
        except BaseException:
            await sandbox.close()
            raise


class _Alone:
    """A program whose sandbox ends with it."""

    def __init__(self, program: PipedCommand, sandbox: LocalSandbox) -> None:
        self._program = program
        self._sandbox = sandbox
        self.stdin = program.stdin
        self.stdout = program.stdout
        self.stderr = program.stderr

    async def stop(self, grace: float = 1.5) -> None:
        try:
            await self._program.stop(grace)
        finally:
            await self._sandbox.close()


def _own_variables(env: Mapping[str, str]) -> dict[str, str]:
    """`env` without the places of the host's user that it only inherited."""
    return {
        name: value for name, value in env.items() if name not in ("HOME", "TMPDIR") or os.environ.get(name) != value
    }


def with_program(grants: Grants, argv: Sequence[str], search_path: str) -> Grants:
    """`grants`, and to read what the program itself is made of: its installation and the files its command line
    names, with the `node_modules` around them. Nothing that is granted or denied already changes."""
    found: list[Path] = []
    program = shutil.which(argv[0], path=search_path)
    for path in {Path(program), Path(os.path.realpath(program))} if program else set():
        if path.parent.name in ("bin", "Scripts"):
            found += [path.parent, *(path.parent.parent / name for name in _BESIDE)]
        else:
            found.append(path)
    for argument in argv[1:]:
        path = Path(argument)
        if path.is_absolute() and path.is_file():
            real = Path(os.path.realpath(path))
            found += [real, path, *(parent for parent in real.parents if parent.name == "node_modules")]
    roots = [Path(name) for name in SYSTEM]
    roots += [*grants.writable, *grants.readable, *grants.denied]
    for path in sorted(found, key=lambda path: len(path.parts)):
        if path.exists() and not any(path.is_relative_to(root) for root in roots):
            roots.append(path)
    known = len(SYSTEM) + len(grants.writable) + len(grants.readable) + len(grants.denied)
    return replace(grants, readable=(*grants.readable, *roots[known:]))
