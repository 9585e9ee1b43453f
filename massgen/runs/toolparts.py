"""Makes the ordinary tools of one agent from its configuration."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from massgen.agents.notes import NoteDesk
from massgen.config import AgentConfig, Config, LoadedConfig
from massgen.errors import ConfigError
from massgen.events.types import Body
from massgen.runs.media import takes_media
from massgen.runs.workfiles import AgentWork
from massgen.tools.protocol import Phase, Tool

if TYPE_CHECKING:
    from massgen.runs.commands import CommandPlaces
    from massgen.runs.jobs import AgentJobs
    from massgen.runs.server_places import ServerPlaces
    from massgen.tools.custom.tools import CustomTools
    from massgen.tools.external import ExternalTools
    from massgen.tools.files.tracker import FileOperationTracker
    from massgen.tools.mcp import AgentServers, McpConnections
    from massgen.workspace.sandbox.agent import AgentSandboxes

Warn = Callable[[str], None]


class ToolSurroundings(Struct, frozen=True, kw_only=True):
    """What the tools of all agents share: the run's stack of open things, its log directory, its words."""

    config: Config
    loaded: LoadedConfig
    launch: Path
    stack: AsyncExitStack
    warn: Warn
    emit: Callable[[Body, str], object]
    redact: Callable[[str], str]
    log_directory: Callable[[], Path]


@dataclass(slots=True)
class ToolParts:
    """`check`, then `start_servers` and `open`, then `build`; what is started is closed with the run's stack."""

    agent: AgentConfig
    around: ToolSurroundings
    work: AgentWork | None
    connections: McpConnections | None = None
    tracker: FileOperationTracker | None = None
    jobs: AgentJobs | None = None
    desk: NoteDesk | None = None
    _servers: AgentServers | None = None
    _custom: CustomTools | None = None
    _sandboxes: AgentSandboxes | None = None
    _external: ExternalTools | None = None

    @property
    def wanted(self) -> bool:
        """Whether the agent has any ordinary tool."""
        planning = self.around.config.orchestrator.coordination.enable_agent_task_planning
        return bool(self.work is not None or self.has_external or planning)

    @property
    def has_external(self) -> bool:
        """Whether the agent has MCP servers or custom functions."""
        return self._external is not None and bool(self._external.servers or self._external.custom)

    @property
    def has_servers(self) -> bool:
        """Whether MCP servers are configured or were found."""
        return self._external is not None and bool(self._external.servers)

    @property
    def has_commands(self) -> bool:
        """Whether the agent may run commands."""
        return self.work is not None and self.agent.backend.enable_mcp_command_line

    def notes(self) -> tuple[str, ...]:
        """How to use the agent's servers, for its prompts (MCP-034)."""
        servers = self._external.servers if self._external is not None else ()
        return tuple(server.usage_notes for server in servers if server.usage_notes)

    def check(self) -> None:
        """Read servers and functions of the configuration; raises `ConfigError` for what is wrong with them."""
        backend = self.agent.backend
        if not (backend.mcp_servers or backend.custom_tools or backend.auto_discover_custom_tools):
            return
        from massgen.tools.external import external_tools

        bases = [self.around.launch]
        if self.around.loaded.path is not None:
            bases.append(self.around.loaded.path.parent)
        workspace = self.work.workspace if self.work is not None else None
        self._external = external_tools(backend, self.around.loaded.environment, workspace=workspace, bases=bases)
        if self._external.errors:
            raise ConfigError("\n".join(self._external.errors))
        for line in self._external.warnings:
            self.around.warn(line)

    def start_servers(self, places: ServerPlaces) -> None:
        """Begin to start the agent's servers; nothing waits."""
        if self._external is None or not self._external.servers or self.connections is None:
            return
        work = self.work
        policy = work.policy if work is not None else None
        private = work.private_directory() if work is not None else None
        self._servers = self.connections.agent(
            self.agent.id,
            self._external.servers,
            cwd=work.workspace if work is not None else None,
            place=lambda server: places.place(self.agent, server, policy, private),
            accepts_media=self._accepts_media,
        )

    async def open(self, places: CommandPlaces) -> None:
        """Make the place of commands, load custom functions. Raises `ConfigError` before any model call."""
        if self.work is not None and self.has_commands:
            self._sandboxes = await places.place(self.agent, self.work)
        if self._external is None or not self._external.custom:
            return
        from massgen.tools.custom.tools import CustomToolOptions, CustomTools

        work = self.work
        options = CustomToolOptions(
            timeout_seconds=float(self.agent.backend.tool_timeout_seconds),
            grants=(lambda: work.policy().grants) if work is not None else None,
            sandbox=self._sandboxes.sandbox if self._sandboxes is not None else None,
            accepts_media=self._accepts_media,
        )
        self._custom = CustomTools(self._external.custom, warn=self.around.warn, options=options)
        await self.around.stack.enter_async_context(self._custom)

    def _accepts_media(self, media_type: str) -> bool:
        """Whether the agent's model takes this kind of media in a result (TOOL-004, TOOL-005)."""
        return takes_media(self.agent.backend.type, media_type)

    async def open_jobs(self) -> None:
        """Background jobs for an agent with functions or servers; call it in the task that closes the stack."""
        if not self.has_external:
            return
        from massgen.runs.jobs import AgentJobs

        self.jobs = AgentJobs(tell=lambda job: self.around.emit(job, self.agent.id))
        await self.around.stack.enter_async_context(self.jobs.board)

    async def build(self) -> list[Tool]:
        """All tools that pass the agent's filter, in a stable order."""
        tools: list[Tool] = []
        if self.work is not None:
            tools += self._file_tools(self.work)
            tools += await self._command_tools()
        if self._servers is not None:
            tools += await self._servers.tools()
        if self._custom is not None:
            tools += self._custom.tools
        if self.jobs is not None:
            tools = self.jobs.with_jobs(tools)
        tools += self._planning_tools()
        tools += self._memory_tools()
        chosen = self._filtered(tools)
        if self.jobs is not None:
            self.jobs.serve(chosen)
        return chosen

    def _memory_tools(self) -> list[Tool]:
        """MEM-079: the word that notes are written, where conversations are cut to them."""
        if self.desk is None:
            return []
        from massgen.tools.compression_complete import CompressionComplete

        desk = self.desk
        return [CompressionComplete(wanted=lambda: desk.waiting, complete=desk.complete)]

    def _file_tools(self, work: AgentWork) -> list[Tool]:
        from massgen.tools.files.toolset import file_tools
        from massgen.tools.files.tracker import FileOperationTracker

        self.tracker = FileOperationTracker()
        return file_tools(
            work.policy,
            tracker=self.tracker,
            exclude_file_operations=self.agent.backend.exclude_file_operation_mcps,
        )

    async def _command_tools(self) -> list[Tool]:
        if self._sandboxes is None:
            return []
        from massgen.runs.jobs import shell_job
        from massgen.tools.commands.offer import command_tools
        from massgen.tools.commands.settings import command_settings
        from massgen.tools.commands.watch import ShellWatch

        around = self.around
        settings = command_settings(self.agent.backend, log_directory=around.log_directory(), redact=around.redact)
        watch = ShellWatch(lambda state: around.emit(shell_job(state), self.agent.id))
        await around.stack.enter_async_context(watch)
        return command_tools(self._sandboxes, settings, watch)

    def _planning_tools(self) -> list[Tool]:
        """COORD-159: the agent's own task plan, in its workspace where the configuration says so."""
        coordination = self.around.config.orchestrator.coordination
        if not coordination.enable_agent_task_planning:
            return []
        from massgen.tools.planning.store import MemoryStore, WorkspaceStore
        from massgen.tools.planning.toolset import planning_tools

        most = coordination.max_tasks_per_plan
        if coordination.task_planning_filesystem_mode and self.work is not None:
            return planning_tools(WorkspaceStore(self.work.policy, max_tasks=most))
        return planning_tools(MemoryStore(max_tasks=most))

    def _filtered(self, tools: list[Tool]) -> list[Tool]:
        from massgen.tools.filter import NameFilter, OfferedTool, select_tools

        backend = self.agent.backend
        rules = NameFilter(
            allowed=backend.allowed_tools, excluded=(*backend.exclude_tools, *(backend.disallowed_tools or ()))
        )
        offered = [OfferedTool(name=tool.spec.name, server=tool.traits.server) for tool in tools]
        chosen = select_tools(offered, backend=rules)
        for warning in chosen.warnings:
            self.around.warn(warning)
        kept = set(chosen.kept)
        return [tool for tool in tools if tool.spec.name in kept]

    async def enter(self, phase: Phase) -> None:
        """The sandboxes go on under the policy of `phase`."""
        if self._servers is not None:
            self._servers.renew()
        if self._sandboxes is not None and self.work is not None:
            await self._sandboxes.enter(self.work.policy())

    async def close(self) -> None:
        """End what the agent runs."""
        if self._sandboxes is not None:
            await self._sandboxes.close()
