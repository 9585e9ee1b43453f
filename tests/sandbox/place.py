"""A project on disk with two agents, a team file and keys, and a sandbox for the first agent."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from massgen.process import start_ticks
from massgen.workspace.grants import Grants
from massgen.workspace.sandbox.choice import LocalSettings, choose_sandbox
from massgen.workspace.sandbox.inside import landlock
from massgen.workspace.sandbox.local import LocalSandbox
from massgen.workspace.sandbox.protocol import CommandResult, Limits, Network, SandboxKind
from tests.needs import needs

T = TypeVar("T")
PATIENCE = 120.0
"""Seconds until a command that does not end is ended."""

needs_landlock = pytest.mark.skipif(
    landlock.abi() < 6 and os.environ.get("MASSGEN_TEST_ALL") != "1", reason="needs Landlock ABI 6"
)
BWRAP = pytest.param("bubblewrap+landlock", marks=[needs("bwrap"), needs_landlock])
LANDLOCK = pytest.param("landlock", marks=[needs_landlock])
STRONG = pytest.mark.parametrize("kind", [BWRAP, LANDLOCK])
EVERY = pytest.mark.parametrize("kind", [BWRAP, LANDLOCK, "none"])


@dataclass(slots=True)
class Project:
    """Directories of a run below `root`; `secret` holds what no command may see."""

    root: Path
    warnings: list[str] = field(default_factory=list)
    secret: str = "the-secret-value"

    def __post_init__(self) -> None:
        for name in ("ws", "peer", "context", "other", "home"):
            (self.root / name).mkdir()
            (self.root / name / "note.txt").write_text(self.secret if name in ("peer", "home") else f"{name}\n")
        (self.root / "team.yaml").write_text(self.secret)
        (self.root / "context" / "sub").mkdir()
        (self.root / "context" / "sub" / "kept.txt").write_text("kept\n")
        (self.root / "context" / ".env").write_text(f"API_KEY={self.secret}\n")

    @property
    def workspace(self) -> Path:
        return self.root / "ws"

    def grants(self) -> Grants:
        context = self.root / "context"
        return Grants(
            writable=(self.workspace, context),
            readable=(self.root / "other",),
            protected=(context / "sub" / "kept.txt",),
            denied=(context / ".env",),
        )

    def sandbox(
        self,
        kind: SandboxKind,
        *,
        network: Network = "host",
        limits: Limits | None = None,
        passthrough: tuple[str, ...] = (),
        dotenv_names: tuple[str, ...] = (),
    ) -> LocalSandbox:
        settings = LocalSettings(
            network=network, limits=limits or Limits(), allowed_kinds=(kind,), passthrough=passthrough
        )
        return choose_sandbox(
            settings,
            self.grants(),
            private=self.root / "private",
            workspace=self.workspace,
            warn=self.warnings.append,
            dotenv_names=dotenv_names,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def within(sandbox: LocalSandbox, use: Callable[[LocalSandbox], Awaitable[T]]) -> T:
    """Run `use` with the sandbox and close it."""

    async def run() -> T:
        try:
            return await use(sandbox)
        finally:
            await sandbox.close()

    return asyncio.run(run())


def run_all(sandbox: LocalSandbox, *commands: str, timeout: float = PATIENCE) -> list[CommandResult]:
    """The results of `commands`, one after the other in the same sandbox."""

    async def use(open_sandbox: LocalSandbox) -> list[CommandResult]:
        return [await open_sandbox.run(command, timeout=timeout) for command in commands]

    return within(sandbox, use)


def run_one(sandbox: LocalSandbox, command: str, timeout: float = PATIENCE) -> CommandResult:
    return run_all(sandbox, command, timeout=timeout)[0]


def said(result: CommandResult) -> str:
    return (result.stdout + result.stderr).decode(errors="replace")


def all_end(pids: Iterable[int]) -> bool:
    """Whether these processes run no more, at the latest after a while: one that is killed needs its moment, too."""
    left, limit = set(pids), time.monotonic() + PATIENCE
    while left and time.monotonic() < limit:
        left = {pid for pid in left if start_ticks(pid) is not None}
    return not left


def processes_with(mark: str) -> list[int]:
    """The processes of this machine whose command line contains `mark`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in line:
                found.append(int(entry.name))
    return found
