"""The ordinary tools of one agent: built once, opened for each round with that round's policy and watcher."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from massgen.agents.round import Tools
from massgen.backends.protocol import ToolCall, ToolSpec
from massgen.config import AgentConfig
from massgen.engine.watching import ToolWatcher
from massgen.engine.words import RuntimeWords
from massgen.runs.toolparts import ToolParts, ToolSurroundings
from massgen.runs.workfiles import AgentWork
from massgen.tools.cleaning import clean, shorten
from massgen.tools.hooks.chain import Hooks
from massgen.tools.hooks.loading import load_hooks
from massgen.tools.hooks.protocol import Hook, HookEvent, HookResult
from massgen.tools.hooks.round_limits import RoundTimeoutPreHook
from massgen.tools.hooks.updates import HighPriorityTaskReminderHook
from massgen.tools.protocol import Injection, Phase, Tool, ToolContext, ToolOutcome
from massgen.tools.runner import RunnerLimits, ToolRunner

MAX_NEWS = 100_000


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


class PlanningModeHook(Struct, frozen=True):
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
    news: Callable[[], str] = str

    def specs(self) -> tuple[ToolSpec, ...]:
        return self.runner.specs()

    async def run_all(self, calls: Sequence[ToolCall]) -> list[ToolOutcome]:
        """Run the calls; results of background jobs come behind the last one (BG-014)."""
        outcomes = await self.runner.run_all(calls, self.context)
        news = self.news() if outcomes else ""
        if news:
            last = outcomes[-1]
            outcomes[-1] = replace(last, injections=(*last.injections, Injection(content=news)))
        return outcomes

    async def run_one(self, call: ToolCall) -> ToolOutcome:
        """One call of a background job, as if the model had made it."""
        return (await self.runner.run_all([call], self.context))[0]


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
    _told: set[str] = field(default_factory=set)

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
        self, round: int, phase: Phase, watcher: ToolWatcher, blocked: Callable[[], bool], words: RuntimeWords
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

        opened = OpenTools(runner, context)
        if self.parts.jobs is not None:
            self.parts.jobs.spoken.attach(words)
            self.parts.jobs.run_call = opened.run_one
            opened.news = lambda: self._news(words)
        return opened

    def _news(self, words: RuntimeWords) -> str:
        """Results of background jobs, once; they stay in the agent's context for the turn (COORD-033)."""
        assert self.parts.jobs is not None
        found = self.parts.jobs.news()
        if not found:
            return ""
        text = shorten(self.around.redact(clean(found)), MAX_NEWS)
        words.delivered.append(text)
        if self._relay.watcher is not None:
            self._relay.watcher.told(text)
        return text

    def _hooks(self, blocked: Callable[[], bool], phase: Phase) -> Hooks:
        permission: list[Hook] = []
        after: list[Hook] = []
        if phase == "coordination" and self._blocked:
            permission.append(PlanningModeHook(self._blocked))
        if self.work is not None and self.parts.tracker is not None:
            from massgen.tools.files.permission import PathPermissionHook, ReadTrackingHook

            permission.append(PathPermissionHook(policy=self.work.policy))
            after.append(ReadTrackingHook(policy=self.work.policy, tracker=self.parts.tracker))
        if self.work is not None and self.work.team.memory is not None:
            after.append(HighPriorityTaskReminderHook())
        base = self.around.loaded.path.parent if self.around.loaded.path else self.around.launch
        return load_hooks(
            _plain(self.around.config.hooks),
            _plain(self.agent.backend.hooks),
            base=base,
            permission=permission,
            program_before=[RoundTimeoutPreHook(agent_id=self.agent.id, hard_reached=blocked)],
            program_after=after,
            warn=self._warn_once,
        )

    def _warn_once(self, text: str) -> None:
        """Hooks are loaded for each round anew; what is wrong with them is told once."""
        if text not in self._told:
            self._told.add(text)
            self.around.warn(f"[{self.agent.id}] {text}.")

    async def close(self) -> None:
        await self.parts.close()


def _plain(block: Any) -> Mapping[str, Any] | None:
    if block is None:
        return None
    return block.model_dump(by_alias=True, exclude_none=True) if hasattr(block, "model_dump") else block
