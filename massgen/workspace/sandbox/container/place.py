"""The container of one agent as the place where its commands run: what the engine of a run needs, in two calls."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from massgen.workspace.grants import PathPolicy
from massgen.workspace.sandbox.agent import AgentSandboxes
from massgen.workspace.sandbox.container.container import AgentContainer
from massgen.workspace.sandbox.container.credentials import collect
from massgen.workspace.sandbox.container.engine import Engine, find_engine, old_version
from massgen.workspace.sandbox.container.sandbox import ContainerSandbox
from massgen.workspace.sandbox.container.settings import ContainerSettings
from massgen.workspace.sandbox.protocol import Limits, Sandbox


async def ready_engine(program: str, warn: Callable[[str], None]) -> Engine:
    """An engine that answers; raises `ContainerUnavailable`. Call it before the first model call (EXEC-036)."""
    engine = find_engine(program)
    warning = old_version(await engine.version(), podman=engine.is_podman)
    if warning:
        warn(warning)
    if missing := await engine.unenforced():
        warn(
            f"The container engine does not enforce limits here on: {', '.join(missing)} (no control groups for them)."
        )
    return engine


def container_place(
    engine: Engine,
    settings: ContainerSettings,
    policy: PathPolicy,
    *,
    launch: Path,
    warn: Callable[[str], None],
    limits: Limits | None = None,
) -> tuple[AgentContainer, AgentSandboxes]:
    """The container (make it with `ensure(policy.grants)` before agents start) and the place for the tools."""
    credentials = collect(settings.credentials, home=Path.home(), host=os.environ, launch=launch, warn=warn)
    container = AgentContainer(engine, settings, credentials, workspace=policy.workspace, warn=warn)

    def make(current: PathPolicy) -> Sandbox:
        return ContainerSandbox(container, current.grants, start_directory=current.workspace, limits=limits or Limits())

    return container, AgentSandboxes(policy, make, finish=container.remove)
