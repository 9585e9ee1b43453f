"""`metrics_summary.json`: tokens, cost, rounds and tools of a turn (LOG-060, LOG-061)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from massgen.events.types import (
    AgentStatus,
    Event,
    FactRecorded,
    ModelCall,
    OrchestrationRestart,
    SessionEnd,
    SessionStart,
    StartedStreaming,
    ToolEnd,
    Vote,
)
from massgen.views.files import guarded, write_json
from massgen.views.run_state import AgentView, RunState, UsageView
from massgen.views.tree import LogTree

ROUND_TYPES = ("answer", "vote", "presentation", "post_evaluation")
SUBAGENT_LIMIT = 1_000_000


@dataclass(slots=True, kw_only=True)
class ToolUse:
    """Calls of one tool."""

    calls: int = 0
    total_ms: float = 0.0
    failures: int = 0

    def add(self, end: ToolEnd) -> None:
        self.calls += 1
        self.total_ms += end.milliseconds
        self.failures += end.is_error

    def as_json(self) -> dict[str, Any]:
        average = self.total_ms / self.calls if self.calls else 0.0
        return {
            "calls": self.calls,
            "total_ms": round(self.total_ms, 3),
            "avg_ms": round(average, 3),
            "failures": self.failures,
        }


@dataclass(slots=True, kw_only=True)
class Metrics:
    """Feed every event to `apply`; counts cover all attempts of the newest turn."""

    rounds: dict[tuple[str, int, int, bool], str] = field(default_factory=dict)
    tools: dict[str, ToolUse] = field(default_factory=dict)
    agent_tools: dict[str, ToolUse] = field(default_factory=dict)
    errors: set[tuple[str, int]] = field(default_factory=set)
    timeouts: set[tuple[str, int, int]] = field(default_factory=set)

    def apply(self, event: Event) -> None:
        name = event.agent_id or ""
        key = (name, event.attempt, event.round, False)
        match event.body:
            case SessionStart():
                self.rounds, self.tools, self.agent_tools = {}, {}, {}
                self.errors, self.timeouts = set(), set()
            case StartedStreaming(round_kind=kind):
                named = {"presentation": "presentation", "vote_only": "vote"}
                self.rounds.setdefault(key, named.get(kind, "answer"))
            case Vote():
                self.rounds[key] = "vote"
            case ModelCall(round_kind="post_evaluation"):
                self.rounds[name, event.attempt, event.round, True] = "post_evaluation"
            case ToolEnd() as end:
                self.tools.setdefault(end.name, ToolUse()).add(end)
                self.agent_tools.setdefault(name, ToolUse()).add(end)
            case AgentStatus(status="error"):
                self.errors.add((name, event.attempt))
            case AgentStatus(status="timeout"):
                self.timeouts.add((name, event.attempt, -1))
            case FactRecorded(fact="RoundClosed"):
                self.timeouts.add((name, event.attempt, event.round))
            case _:
                return

    def rounds_by_type(self, agent_id: str | None = None) -> dict[str, int]:
        counted = Counter(kind for key, kind in self.rounds.items() if agent_id in (None, key[0]))
        return {kind: counted[kind] for kind in ROUND_TYPES}


def metrics_summary(state: RunState, metrics: Metrics, subagents: dict[str, Any]) -> dict[str, Any]:
    """The whole document. `subagents` comes from `subagent_totals`."""
    usage = state.usage
    subagent_cost = float(subagents["total_estimated_cost"])
    end = (
        state.ended
        if state.ended is not None
        else max((agent.last_activity for agent in state.agents.values()), default=state.started)
    )
    return {
        "meta": {
            "question": state.question,
            "session_id": state.session_id,
            "turn": state.turn,
            "attempt": state.attempt,
            "winner": state.final_agent,
            "num_agents": len(state.agents),
            "duration_seconds": round(max(0.0, end - state.started), 3),
            "exit_code": state.exit_code,
        },
        "totals": {
            "estimated_cost": round(round(usage.cost, 6) + subagent_cost, 6),
            "agent_cost": round(usage.cost, 6),
            "subagent_cost": subagent_cost,
            **_tokens(usage),
            "model_calls": usage.calls,
            "unpriced_calls": usage.unpriced,
        },
        "rounds": {
            "total": len(metrics.rounds),
            "by_type": metrics.rounds_by_type(),
            "errors": len(metrics.errors),
            "timeouts": len(metrics.timeouts),
        },
        "tools": {
            "total_calls": sum(use.calls for use in metrics.tools.values()),
            "total_ms": round(sum(use.total_ms for use in metrics.tools.values()), 3),
            "failures": sum(use.failures for use in metrics.tools.values()),
            "by_tool": {name: use.as_json() for name, use in sorted(metrics.tools.items())},
        },
        "subagents": subagents,
        "agents": {name: _agent(agent, metrics) for name, agent in state.agents.items()},
    }


def _tokens(usage: UsageView) -> dict[str, int]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
    }


def _agent(agent: AgentView, metrics: Metrics) -> dict[str, Any]:
    return {
        "model": agent.model,
        "status": agent.status,
        "answers": len(agent.answers),
        "restarts": agent.restarts,
        "rounds": metrics.rounds_by_type(agent.agent_id),
        "model_calls": agent.usage.calls,
        "model_seconds": round(agent.usage.seconds, 3),
        **_tokens(agent.usage),
        "estimated_cost": round(agent.usage.cost, 6),
        "tools": metrics.agent_tools.get(agent.agent_id, ToolUse()).as_json(),
    }


def subagent_totals(attempt: Path) -> dict[str, Any]:
    """Sums over `subagents/*/full_logs/status.json` of an attempt; a file that cannot be read counts as nothing."""
    found = sorted(attempt.glob("subagents/*/full_logs/status.json"))
    sums = {"input_tokens": 0, "output_tokens": 0, "estimated_cost": 0.0}
    for path in found:
        costs = _costs(path)
        for name in sums:
            value = costs.get(f"total_{name}")
            sums[name] += value if isinstance(value, int | float) and not isinstance(value, bool) else 0
    return {
        "total_subagents": len(found),
        "total_input_tokens": int(sums["input_tokens"]),
        "total_output_tokens": int(sums["output_tokens"]),
        "total_estimated_cost": round(float(sums["estimated_cost"]), 6),
    }


def _costs(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(SUBAGENT_LIMIT))
    except (OSError, ValueError, RecursionError):
        return {}
    costs = value.get("costs") if isinstance(value, dict) else None
    return costs if isinstance(costs, dict) else {}


class MetricsFile:
    """Subscriber; writes when an attempt ends."""

    def __init__(self, state: RunState, tree: LogTree) -> None:
        self._state = state
        self._tree = tree
        self._metrics = Metrics()

    def recall(self, event: Event) -> None:
        """Take an event of an ended process; nothing is written."""
        self._metrics.apply(event)

    def __call__(self, event: Event) -> None:
        self._metrics.apply(event)
        if isinstance(event.body, SessionEnd | OrchestrationRestart):
            here = self._tree.here
            value = metrics_summary(self._state, self._metrics, subagent_totals(here))
            guarded("metrics_summary.json", lambda: write_json(here / "metrics_summary.json", value))
