"""What can happen to a team. Every fact carries its own time: `at`, seconds of run time.

Facts are written to the log as they are and read back from it, so that a run can be replayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptBegan:
    """Coordination starts; `excluded` agents timed out in an earlier attempt and stay out (COORD-108).

    `skipped` agents were sent out of the turn by a person.
    """

    at: float
    excluded: tuple[int, ...] = ()
    skipped: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The process that ran the team has died and another one goes on, also with the rounds of the agents in
    `continued`; other rounds that were in progress begin again."""

    at: float
    continued: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundReady:
    """The agent that was summoned can begin a round now."""

    at: float
    agent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerProposed:
    """`new_answer` was called; the workspace is already frozen as `tree`."""

    at: float
    agent: int
    text: str
    tree: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteProposed:
    at: float
    agent: int
    target: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopProposed:
    at: float
    agent: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistSubmitted:
    """`submit_checklist` was called: label -> criterion -> score of 0 to 10."""

    at: float
    agent: int
    scores: Mapping[str, Mapping[str, int]]
    preferred: str = ""
    improvements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproachDrafted:
    at: float
    agent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SafePointReached:
    """Between a tool result and the next model call. `seconds_left` is the time to the soft round limit."""

    at: float
    agent: int
    can_inject: bool = True
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseEnded:
    """A model response ended without a terminal call; `text` is the round's last non-empty text.

    `tree` holds the agent's files where the text may become its answer.
    """

    at: float
    agent: int
    text: str
    can_inject: bool = True
    tree: str | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HardLimitReached:
    """The round's hard limit has passed: only terminal tools are served now (COORD-117)."""

    at: float
    agent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundClosed:
    """The round was ended from outside because the agent did not submit (COORD-118)."""

    at: float
    agent: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFailed:
    at: float
    agent: int
    error_type: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTimedOut:
    """The agent used up its working time (COORD-119)."""

    at: float
    agent: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSkipped:
    """A person sent the agent out for the rest of the turn; what it gave stays."""

    at: float
    agent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineReached:
    """The orchestrator timeout (COORD-025), or, with a `reason`, the run's budget is used up."""

    at: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """A person or a signal ended the run (COORD-123)."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentationEnded:
    """The presenter is done; nothing was `delivered` where it failed or stayed silent."""

    at: float
    delivered: bool
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """The winner judged the delivered answer (COORD-106)."""

    at: float
    restart: bool
    reason: str = ""
    instructions: str = ""


Fact = (
    AttemptBegan
    | Resumed
    | RoundReady
    | AnswerProposed
    | VoteProposed
    | StopProposed
    | ChecklistSubmitted
    | ApproachDrafted
    | SafePointReached
    | ResponseEnded
    | HardLimitReached
    | RoundClosed
    | AgentFailed
    | AgentTimedOut
    | AgentSkipped
    | DeadlineReached
    | Cancelled
    | PresentationEnded
    | Evaluated
)

FACTS: Mapping[str, type] = {
    fact.__name__: fact
    for fact in (
        AttemptBegan,
        Resumed,
        RoundReady,
        AnswerProposed,
        VoteProposed,
        StopProposed,
        ChecklistSubmitted,
        ApproachDrafted,
        SafePointReached,
        ResponseEnded,
        HardLimitReached,
        RoundClosed,
        AgentFailed,
        AgentTimedOut,
        AgentSkipped,
        DeadlineReached,
        Cancelled,
        PresentationEnded,
        Evaluated,
    )
}


def fact_values(fact: Fact) -> dict[str, Any]:
    """The fields of a fact except its time, ready for JSON."""
    return {item.name: getattr(fact, item.name) for item in fields(fact) if item.name != "at"}


def fact_from(name: str, at: float, values: Mapping[str, Any]) -> Fact:
    """A recorded fact back as a value; raises KeyError or TypeError for a record that is none."""
    cls = FACTS[name]
    known = {item.name for item in fields(cls)}
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return cls(at=at, **{key: value for key, value in given.items() if key in known})
