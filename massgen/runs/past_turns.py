"""What a stored turn left for people to look at: outputs, table, status, files (SESS-060 to SESS-064)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from massgen.runs.sessions import Session, StoredTurn
from massgen.views.files import safe_name
from massgen.views.past import read_json

STATUS, TABLE = "agent_outputs/system_status.txt", "coordination_table.txt"


@dataclass(slots=True, kw_only=True)
class PastTurn:
    """A stored turn with the names of its agents and of its files."""

    turn: StoredTurn
    agents: list[str] = field(init=False)
    files: list[str] = field(init=False)
    _attempt: Path | None = field(init=False)

    def __post_init__(self) -> None:
        self._attempt = _newest_attempt(Path(self.turn.log_dir)) if self.turn.log_dir else None
        self.agents = _agents(self.turn, self._attempt)
        self.files = _files(self.turn)

    def output(self, agent: str) -> str:
        """What the agent said, empty where nothing is kept."""
        return self.text(f"agent_outputs/{safe_name(agent)}.txt")

    def text(self, name: str) -> str:
        """A text of the newest attempt's log, else of the session; empty without one."""
        for base in (self._attempt, self.turn.directory):
            found = _read(base / name) if base is not None else ""
            if found:
                return found
        return ""


def find_turn(session: Session, number: int | None) -> StoredTurn | str:
    """The turn of that number (None: the last), or the sentence that says what there is instead."""
    turns = session.turns()
    if not turns:
        return "No turns yet: ask something first."
    if number is None:
        return turns[-1]
    found = next((turn for turn in turns if turn.number == number), None)
    return found or f"There is no turn {number}. Valid turns: {turns[0].number} to {turns[-1].number}."


def _newest_attempt(turn: Path) -> Path | None:
    found = sorted(turn.glob("attempt_*"), key=lambda path: (len(path.name), path.name))
    return found[-1] if found else None


def _agents(turn: StoredTurn, attempt: Path | None) -> list[str]:
    status = read_json(attempt / "status.json") if attempt is not None else None
    agents = status.get("agents") if isinstance(status, dict) else None
    if isinstance(agents, dict) and agents:
        return list(agents)
    stored = sorted((turn.directory / "agent_outputs").glob("*.txt"))
    return [item.agent_id for item in turn.partial] or [path.stem for path in stored]


def _files(turn: StoredTurn) -> list[str]:
    place = turn.workspace
    if place is None:
        return []
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
