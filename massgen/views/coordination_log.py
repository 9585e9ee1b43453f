"""The documented events of one attempt (LOG-050, LOG-051), from which the table and the JSON file are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from massgen.events.types import (
    AgentStatus,
    AttemptStart,
    Event,
    FinalAnswer,
    NewAnswer,
    Restart,
    RestartCompleted,
    SessionStart,
    StartedStreaming,
    Vote,
    WinnerSelected,
)
from massgen.views.moments import iso


class CoordinationRecord(Struct, frozen=True, kw_only=True):
    """One documented event. `statuses` are those of all agents after it, for the table."""

    number: int
    timestamp: float
    agent_id: str
    event_type: str
    data: dict[str, Any]
    statuses: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "event_id": f"E{self.number}",
            "timestamp": iso(self.timestamp),
            "agent_id": self.agent_id,
            "event_type": self.event_type,
            "data": self.data,
        }


@dataclass(slots=True, kw_only=True)
class CoordinationLog:
    """Feed every event to `apply`; the records are those of the newest attempt."""

    records: list[CoordinationRecord] = field(default_factory=list)
    winner: WinnerSelected | None = None
    _statuses: dict[str, str] = field(default_factory=dict)

    def apply(self, event: Event) -> bool:
        """Whether the event changed what is shown."""
        match event.body:
            case SessionStart(agents=agents):
                self._statuses = dict.fromkeys(agents, "waiting")
                self.records, self.winner = [], None
            case AttemptStart():
                self._statuses = dict.fromkeys(self._statuses, "waiting")
                self.records, self.winner = [], None
            case WinnerSelected() as body:
                self.winner = body
            case AgentStatus(status=status) if status in ("error", "timeout", "completed"):
                self._statuses[event.agent_id or ""] = status
            case _:
                return self._record(event)
        return True

    def _record(self, event: Event) -> bool:
        found = _documented(event)
        if found is None or event.agent_id is None:
            return False
        status, data = found
        self._statuses[event.agent_id] = status
        self.records.append(
            CoordinationRecord(
                number=len(self.records) + 1,
                timestamp=event.timestamp,
                agent_id=event.agent_id,
                event_type=event.body.kind,
                data=data,
                statuses=tuple(self._statuses.items()),
            )
        )
        return True


def _documented(event: Event) -> tuple[str, dict[str, Any]] | None:
    """(status of the agent from now on, data) of an event that the documents know."""
    match event.body:
        case StartedStreaming() as body:
            data = {"context": list(body.context), "round": event.round, "round_kind": body.round_kind}
            return "streaming", data
        case NewAnswer() as body:
            return "answered", {"label": body.label, "preview": body.preview}
        case Vote() as body:
            return "voted", {"vote_for": body.label, "reason": body.reason}
        case Restart() as body:
            return "restarting", {"reason": body.reason, "labels": list(body.labels)}
        case RestartCompleted() as body:
            return "streaming", {"context": list(body.context)}
        case FinalAnswer() as body:
            return "final", {"label": body.label, "preview": body.preview}
        case _:
            return None
