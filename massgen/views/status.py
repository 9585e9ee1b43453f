"""`status.json`: the live contract other programs read (LOG-030 to LOG-041)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from massgen.events.types import Content, Event, FactRecorded, FinalAnswer, FinalChunk, SessionEnd
from massgen.views.files import guarded, write_json
from massgen.views.run_state import AgentView, AnswerView, RunState

HEARTBEAT_SECONDS = 2.0
SOON_SECONDS = 0.05
FAILED = ("error", "timeout")


def completion(state: RunState) -> int:
    """0 to 100 (LOG-035): 50/N for each answer and each standing vote, 100/N without voting; 99 until the end."""
    if state.complete and state.final is not None:
        return 100
    total = len(state.agents) or 1
    voteless = state.mode == "decomposition"
    share = 0.0
    for agent in state.agents.values():
        if agent.status in FAILED:
            share += 100 / total
        elif agent.answers:
            share += 100 / total if voteless else 50 / total
            share += 50 / total if agent.vote is not None and not voteless else 0
    return min(99, int(share + 1e-9))


def status_snapshot(state: RunState, log_dir: Path, now: float) -> dict[str, Any]:
    """The whole document; every documented key is there, null rather than missing."""
    percent = completion(state)
    usage = state.usage
    delivered = state.final is not None
    ended = state.ended if state.ended is not None else now
    return {
        "is_complete": state.complete,
        "exit_code": state.exit_code,
        "completion_percentage": percent,
        "total_tokens_used": usage.input_tokens + usage.output_tokens,
        "total_cost": round(usage.cost, 6),
        "meta": {
            "last_updated": now,
            "session_id": log_dir.name,
            "log_dir": str(log_dir),
            "question": state.question,
            "start_time": state.started,
            "elapsed_seconds": round(max(0.0, ended - state.started), 3) if state.started else 0.0,
            "turn": state.turn,
            "attempt": state.attempt,
            "pid": state.pid,
            "process_start_time": state.process_started,
            "heartbeat_seconds": HEARTBEAT_SECONDS,
        },
        "costs": {
            "total_input_tokens": usage.input_tokens,
            "total_output_tokens": usage.output_tokens,
            "total_estimated_cost": round(usage.cost, 6),
            "unpriced_calls": usage.unpriced,
        },
        "coordination": {
            "phase": state.phase,
            "active_agent": None if state.complete else state.active,
            "completion_percentage": percent,
            "is_final_presentation": state.phase == "presentation",
            "round": max((agent.round for agent in state.agents.values()), default=0),
            "total_answers": len(state.answers),
        },
        "agents": {name: _agent(agent) for name, agent in state.agents.items()},
        "results": {
            "votes": state.votes(),
            "winner": state.final_agent if delivered else None,
            "final_answer_preview": state.final_text()[:200] if delivered else None,
        },
        "historical_workspaces": [_workspace(answer) for answer in state.answers if answer.tree],
        "telemetry": _telemetry(state),
        "end": {"reason": state.end_reason or None, "message": state.message or None},
    }


def _agent(agent: AgentView) -> dict[str, Any]:
    vote, error = agent.vote, agent.error
    return {
        "status": agent.status,
        "answer_count": len(agent.answers),
        "latest_answer_label": agent.answers[-1].label if agent.answers else None,
        "vote_cast": None
        if vote is None
        else {
            "voted_for_agent": vote.agent,
            "voted_for_label": vote.label,
            "reason_preview": vote.reason[:100],
        },
        "times_restarted": agent.restarts,
        "last_activity": agent.last_activity,
        "error": None
        if error is None
        else {"type": error.error_type, "message": error.message, "timestamp": error.timestamp},
        "token_usage": {
            "input_tokens": agent.usage.input_tokens,
            "output_tokens": agent.usage.output_tokens,
            "estimated_cost": round(agent.usage.cost, 6),
        },
    }


def _workspace(answer: AnswerView) -> dict[str, Any]:
    stamp = f"{datetime.fromtimestamp(answer.timestamp):%Y%m%d_%H%M%S}"
    return {
        "agentId": answer.agent_id,
        "answerLabel": answer.label,
        "timestamp": stamp,
        "workspacePath": answer.workspace_path,
    }


def _telemetry(state: RunState) -> dict[str, Any]:
    by_agent = {}
    by_model: dict[str, dict[str, float]] = {}
    for name, agent in state.agents.items():
        usage = agent.usage
        values = {
            "tokens": usage.input_tokens + usage.output_tokens,
            "cost": round(usage.cost, 6),
            "latency": round(usage.seconds, 3),
            "calls": usage.calls,
        }
        by_agent[name] = values
        sums = by_model.setdefault(agent.model or "unknown", dict.fromkeys(values, 0))
        for key, value in values.items():
            sums[key] += value
    return {"total_calls": state.usage.calls, "by_model": by_model, "by_agent": by_agent}


class StatusWriter:
    """Subscriber: writes soon after each change, every two seconds anyway, and at once at the end."""

    def __init__(self, state: RunState, log_dir: Path, paths: Callable[[], tuple[Path, ...]]) -> None:
        self._state = state
        self._log_dir = log_dir
        self._paths = paths
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self, event: Event) -> None:
        match event.body:
            case Content() | FinalChunk() | FactRecorded():
                return
            case SessionEnd() | FinalAnswer():
                self.write()
            case _:
                self._soon(SOON_SECONDS)

    def start(self) -> None:
        """First write, and the heartbeat from now on."""
        self.write()

    def stop(self) -> None:
        """No more heartbeat."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def write(self) -> None:
        """Write now, to all places."""
        snapshot = status_snapshot(self._state, self._log_dir, time.time())
        for path in self._paths():
            guarded(path.name, lambda path=path: write_json(path, snapshot))
        self._rearm(HEARTBEAT_SECONDS)

    def _soon(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is None or self._timer.when() > loop.time() + seconds:
            self._rearm(seconds)

    def _rearm(self, seconds: float) -> None:
        self.stop()
        if not self._state.complete:
            self._timer = asyncio.get_running_loop().call_later(seconds, self.write)
