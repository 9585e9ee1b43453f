"""Where agents' commands run in a run: sandboxes of this machine or containers, built from each agent's policy."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from massgen.config import AgentConfig, BackendConfig, LoadedConfig
from massgen.runs.workfiles import AgentWork
from massgen.workspace.grants import PathPolicy
from massgen.workspace.sandbox.agent import AgentSandboxes
from massgen.workspace.sandbox.choice import LocalSettings, choose_sandbox, limits_kept_by, local_kind
from massgen.workspace.sandbox.container.settings import container_settings, effective_mode
from massgen.workspace.sandbox.protocol import Sandbox

if TYPE_CHECKING:
    from massgen.workspace.sandbox.container.engine import Engine

log = logging.getLogger(__name__)
NESTED = "MASSGEN_NESTED_CONTAINERS"
"""With 1 an engine inside of a container is used as outside of one; EXEC-038 is the rule without it."""


@dataclass(slots=True)
class CommandPlaces:
    """Makes the place of each agent's commands; all are closed with `stack`. A warning is said once a run."""

    loaded: LoadedConfig
    launch: Path
    stack: AsyncExitStack
    warn: Callable[[str], None]
    _engine: Engine | None = None
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _said: set[str] = field(default_factory=set)

    async def place(self, agent: AgentConfig, work: AgentWork) -> AgentSandboxes:
        """The place of one agent, a container already running (EXEC-031).

        The log says which it is (EXEC-026). Raises `ContainerUnavailable`, so before any model call (EXEC-036).
        """
        nested = os.environ.get(NESTED) == "1"
        wanted = agent.backend.command_line_execution_mode
        mode, line = effective_mode(wanted, Path(os.devnull) if nested else Path("/"))
        log.info("[%s] %s", agent.id, line)
        if mode == "docker":
            return await self._container(agent, work)
        return await self._local(agent, work)

    async def _container(self, agent: AgentConfig, work: AgentWork) -> AgentSandboxes:
        from massgen.workspace.sandbox.container.place import container_place, ready_engine

        settings = container_settings(agent.backend, agent_id=agent.id, instance=secrets.token_hex(4))
        async with self._asking:
            self._engine = self._engine or await ready_engine(settings.program, self._warn)
        policy = work.policy()
        container, sandboxes = container_place(self._engine, settings, policy, launch=self.launch, warn=self._warn)
        self.stack.push_async_callback(sandboxes.close)
        await container.ensure(policy.grants)
        return sandboxes

    async def _local(self, agent: AgentConfig, work: AgentWork) -> AgentSandboxes:
        settings = local_settings(agent.backend)
        private = work.private_directory()
        dotenv = tuple(self.loaded.environment.file_values())

        def make(policy: PathPolicy) -> Sandbox:
            return choose_sandbox(
                settings,
                policy.grants,
                private=private,
                workspace=policy.workspace,
                warn=self._warn,
                dotenv_names=dotenv,
            )

        kind, _ = await asyncio.to_thread(local_kind, settings)
        keeper = await asyncio.to_thread(limits_kept_by, settings.limits)
        log.info("[%s] Sandbox of its commands: %s; limits kept by: %s", agent.id, kind, keeper)
        if keeper == "nobody":
            self._warn("Limits on memory and processes of commands cannot be enforced on this system.")
        sandboxes = AgentSandboxes(work.policy(), make)
        self.stack.push_async_callback(sandboxes.close)
        return sandboxes

    def _warn(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self.warn(text)


def local_settings(backend: BackendConfig) -> LocalSettings:
    """The configuration of local commands."""
    return LocalSettings(
        network=backend.command_line_network, passthrough=tuple(backend.command_line_env_passthrough or ())
    )
