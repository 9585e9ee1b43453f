"""Where the sandboxed MCP servers of an agent run: sandboxes of this machine or containers, one for each server."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from massgen.config import AgentConfig
from massgen.runs.commands import NESTED, local_settings
from massgen.tools.mcp.bounds import name_part
from massgen.tools.mcp.place import ServerPlace
from massgen.tools.mcp.settings import McpServerSettings
from massgen.workspace.grants import Grants, PathPolicy
from massgen.workspace.policy import AgentPathPolicy
from massgen.workspace.sandbox.container.settings import container_settings, effective_mode
from massgen.workspace.sandbox.program_place import ProgramPlace

if TYPE_CHECKING:
    from massgen.workspace.sandbox.container.engine import Engine


@dataclass(slots=True)
class ServerPlaces:
    """Makes the place of each server that is to run in its agent's sandbox. Leave it after the servers ended."""

    warn: Callable[[str], None]
    _engine: Engine | None = None
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _scratch: tempfile.TemporaryDirectory[str] | None = None
    _made: int = 0

    def __enter__(self) -> ServerPlaces:
        return self

    def __exit__(self, *_: object) -> None:
        if self._scratch is not None:
            self._scratch.cleanup()

    def place(
        self,
        agent: AgentConfig,
        server: McpServerSettings,
        policy: Callable[[], PathPolicy] | None,
        private: Path | None,
    ) -> ServerPlace:
        """The place of `server`: what `policy` grants the agent's commands, processes and HOME of its own.

        An agent without files has no policy; its servers see nothing but an empty directory. `private` is where
        the agent's own HOME lies.
        """
        self._made += 1
        home = private.with_name(f"{private.name}-mcp{self._made}") if private else self._directory(f"home{self._made}")
        if policy is None:
            empty = self._directory(f"files{self._made}")
            nothing = AgentPathPolicy(workspace=empty, grants=Grants(writable=(empty,)), private=(empty,))
            policy = lambda: nothing  # noqa: E731
        wanted = agent.backend.command_line_execution_mode
        nested = os.environ.get(NESTED) == "1"
        if effective_mode(wanted, Path(os.devnull) if nested else Path("/"))[0] == "local":
            return ProgramPlace(policy, local_settings(agent.backend), home)
        from massgen.workspace.sandbox.container.program_place import ContainerProgramPlace

        settings = container_settings(agent.backend, agent_id=agent.id, instance="")
        named = replace(settings, agent_id=f"{agent.id}-mcp-{name_part(server.name)}")
        return ContainerProgramPlace(policy, named, self._ready_engine, self.warn)

    async def _ready_engine(self) -> Engine:
        from massgen.workspace.sandbox.container.place import ready_engine

        async with self._asking:
            self._engine = self._engine or await ready_engine("", self.warn)
        return self._engine

    def _directory(self, name: str) -> Path:
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="massgen-mcp-", ignore_cleanup_errors=True)
        found = Path(self._scratch.name).resolve() / name
        found.mkdir()
        return found
