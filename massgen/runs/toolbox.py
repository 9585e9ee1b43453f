"""The ordinary tools of one agent: built once, opened for each round with that round's policy and watcher."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from massgen.agents.round import Tools
from massgen.backends.protocol import ToolCall, ToolSpec
from massgen.config import AgentConfig, Config, LoadedConfig
from massgen.engine.watching import ToolWatcher
from massgen.errors import ConfigError
from massgen.runs.workfiles import AgentWork
from massgen.tools.hooks.chain import Hooks
from massgen.tools.hooks.loading import load_hooks
from massgen.tools.hooks.protocol import Hook, HookEvent, HookResult
from massgen.tools.hooks.round_limits import RoundTimeoutPreHook
from massgen.tools.protocol import Phase, Tool, ToolContext, ToolOutcome
from massgen.tools.runner import RunnerLimits, ToolRunner

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSurroundings:
    """What the tools of all agents share: the run's stack of open things, its log directory, its words."""

    config: Config
    loaded: LoadedConfig
    launch: Path
    stack: AsyncExitStack
    warn: Warn
    redact: Callable[[str], str]
    log_directory: Callable[[], Path]


class _Relay:
    """The runner's observer: passes on to the watcher of the running round."""

    def __init__(self) -> None:
        self.watcher: ToolWatcher | None = None

    def started(self, call_id: str, name: str, arguments: Mapping[str, Any]) -> None:
        if self.watcher is not None:
            self.watcher.started(call_id, name, arguments)

    def finished(self, call_id: str, name: str, outcome: ToolOutcome, milliseconds: float) -> None:
        if self.watcher is not None:
            self.watcher.finished(call_id, name, outcome, milliseconds)


@dataclass(frozen=True, slots=True)
class PlanningModeHook:
    """Refuses tools with irreversible effects while the team still plans (MCP-051)."""

    blocked: frozenset[str]
    name: str = "planning_mode"
    matcher: str = "*"
    timeout_seconds: float = 30.0
    fail_closed: bool = True

    async def run(self, event: HookEvent) -> HookResult:
        if event.tool_name in self.blocked:
            reason = "Planning mode: this tool has effects that cannot be taken back. Plan its use instead."
            return HookResult.deny(reason)
        return HookResult.allow()


@dataclass(slots=True)
class OpenTools:
    """Implements `agents.round.Tools` for one round."""

    runner: ToolRunner
    context: Callable[[ToolCall], ToolContext]

    def specs(self) -> tuple[ToolSpec, ...]:
        return self.runner.specs()

    async def run_all(self, calls: Sequence[ToolCall]) -> list[ToolOutcome]:
        return await self.runner.run_all(calls, self.context)


@dataclass(slots=True)
class Toolbox:
    """Implements `engine.team.AgentTools`. The first round builds the tools; servers were started before."""

    agent: AgentConfig
    number: int
    around: ToolSurroundings
    work: AgentWork | None
    parts: ToolParts
    _tools: list[Tool] | None = None
    _relay: _Relay = field(default_factory=_Relay)
    _blocked: frozenset[str] = frozenset()

    async def all_tools(self) -> list[Tool]:
        """Every tool of the agent, built now where it was not yet."""
        if self._tools is None:
            self._tools = await self.parts.build()
        return self._tools

    def block(self, names: Sequence[str]) -> tuple[str, ...]:
        """Refuse these tools during coordination, file work and reading excepted (MCP-051); what is blocked now."""
        outside = [
            tool.spec.name
            for tool in self._tools or ()
            if tool.traits.writes and tool.traits.source not in ("file", "planning", "memory", "background")
        ]
        self._blocked = frozenset(name for name in names if name in outside)
        return tuple(sorted(self._blocked))

    async def for_round(
        self, round: int, phase: Phase, watcher: ToolWatcher, blocked: Callable[[], bool]
    ) -> Tools | None:
        """The tools as this round may use them; None where the agent has none."""
        tools = await self.all_tools()
        await self.parts.enter(phase)
        if not tools:
            return None
        self._relay.watcher = watcher
        runner = ToolRunner(
            tools,
            hooks=self._hooks(blocked, phase),
            observer=self._relay,
            redact=self.around.redact,
            limits=RunnerLimits(concurrent=self.agent.backend.concurrent_tool_execution),
        )
        for problem in runner.problems:
            self.around.warn(problem)
        workspace = self.work.workspace if self.work is not None else None

        def context(call: ToolCall) -> ToolContext:
            return ToolContext(
                agent_id=self.agent.id,
                agent_number=self.number,
                round=round,
                phase=phase,
                call_id=call.call_id,
                workspace=workspace,
            )

        return OpenTools(runner, context)

    def _hooks(self, blocked: Callable[[], bool], phase: Phase) -> Hooks:
        permission: list[Hook] = []
        after: list[Hook] = []
        if phase == "coordination" and self._blocked:
            permission.append(PlanningModeHook(self._blocked))
        if self.work is not None and self.parts.tracker is not None:
            from massgen.tools.files.permission import PathPermissionHook, ReadTrackingHook

            permission.append(PathPermissionHook(policy=self.work.policy))
            after.append(ReadTrackingHook(policy=self.work.policy, tracker=self.parts.tracker))
        base = self.around.loaded.path.parent if self.around.loaded.path else self.around.launch
        return load_hooks(
            _plain(self.around.config.hooks),
            _plain(self.agent.backend.hooks),
            base=base,
            permission=permission,
            program_before=[RoundTimeoutPreHook(agent_id=self.agent.id, hard_reached=blocked)],
            program_after=after,
        )

    async def close(self) -> None:
        await self.parts.close()


def _plain(block: Any) -> Mapping[str, Any] | None:
    if block is None:
        return None
    return block.model_dump(by_alias=True, exclude_none=True) if hasattr(block, "model_dump") else block


@dataclass(slots=True)
class ToolParts:
    """Makes the tools of one agent from its configuration; what it starts is closed with the run's stack."""

    agent: AgentConfig
    around: ToolSurroundings
    work: AgentWork | None
    connections: Any = None
    tracker: Any = None
    notes: list[str] = field(default_factory=list)
    _servers: Any = None
    _custom: Any = None
    _sandboxes: Any = None
    _external: Any = None

    @property
    def wanted(self) -> bool:
        """Whether the agent has any ordinary tool."""
        backend = self.agent.backend
        planning = self.around.config.orchestrator.coordination.enable_agent_task_planning
        return bool(self.work is not None or backend.mcp_servers or backend.custom_tools or planning)

    @property
    def has_servers(self) -> bool:
        """Whether MCP servers are configured or were found."""
        return self._external is not None and bool(self._external.servers)

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

    def start_servers(self) -> None:
        """Begin to start the agent's servers; nothing waits."""
        if self._external is None or not self._external.servers or self.connections is None:
            return
        cwd = self.work.workspace if self.work is not None else None
        self._servers = self.connections.agent(self.agent.id, self._external.servers, cwd=cwd)

    async def build(self) -> list[Tool]:
        """All tools that pass the agent's filter, in a stable order."""
        tools: list[Tool] = []
        if self.work is not None:
            tools += self._file_tools(self.work)
            tools += self._command_tools(self.work)
        if self._servers is not None:
            tools += await self._servers.tools()
            self.notes += self._servers.usage_notes()
        if self._external is not None and self._external.custom:
            tools += await self._custom_tools()
        tools += self._planning_tools()
        return self._filtered(tools)

    def _file_tools(self, work: AgentWork) -> list[Tool]:
        from massgen.tools.files.toolset import file_tools
        from massgen.tools.files.tracker import FileOperationTracker

        self.tracker = FileOperationTracker()
        return file_tools(
            work.policy,
            tracker=self.tracker,
            exclude_file_operations=self.agent.backend.exclude_file_operation_mcps,
        )

    def _command_tools(self, work: AgentWork) -> list[Tool]:
        backend = self.agent.backend
        if not backend.enable_mcp_command_line:
            return []
        from massgen.runs.commands import command_place
        from massgen.tools.commands.offer import command_tools
        from massgen.tools.commands.settings import command_settings

        self._sandboxes = command_place(backend, work, self.around.loaded, warn=self.around.warn)
        settings = command_settings(backend, log_directory=self.around.log_directory(), redact=self.around.redact)
        return command_tools(self._sandboxes, settings)

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

    async def _custom_tools(self) -> list[Tool]:
        from massgen.tools.custom.tools import CustomToolOptions, CustomTools

        seconds = float(self.agent.backend.tool_timeout_seconds)
        work = self.work
        options = CustomToolOptions(
            timeout_seconds=seconds, grants=(lambda: work.policy().grants) if work is not None else None
        )
        self._custom = CustomTools(self._external.custom, warn=self.around.warn, options=options)
        await self.around.stack.enter_async_context(self._custom)
        return list(self._custom.tools)

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
        """The sandbox goes on under the policy of `phase`."""
        if self._sandboxes is not None and self.work is not None:
            await self._sandboxes.enter(self.work.policy())

    async def close(self) -> None:
        """End what the agent runs."""
        if self._sandboxes is not None:
            await self._sandboxes.close()


