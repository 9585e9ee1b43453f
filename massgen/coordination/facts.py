"""What can happen to a team. Every fact carries its own time: `at`, seconds of run time.

Facts are written to the log as they are and read back from it, so that a run can be replayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class AttemptBegan(Struct, frozen=True, kw_only=True):
    """Coordination starts; `excluded` agents timed out in an earlier attempt and stay out (COORD-108).

    `skipped` agents were sent out of the turn by a person.
    """

    at: float
    excluded: tuple[int, ...] = ()
    skipped: tuple[int, ...] = ()


class Resumed(Struct, frozen=True, kw_only=True):
    """The process that ran the team has died and another one goes on, also with the rounds of the agents in
    `continued`; other rounds that were in progress begin again."""

    at: float
    continued: tuple[int, ...] = ()


class RoundReady(Struct, frozen=True, kw_only=True):
    """The agent that was summoned can begin a round now."""

    at: float
    agent: int


class AnswerProposed(Struct, frozen=True, kw_only=True):
    """`new_answer` was called; the workspace is already frozen as `tree`."""

    at: float
    agent: int
    text: str
    tree: str | None = None


class VoteProposed(Struct, frozen=True, kw_only=True):
    at: float
    agent: int
    target: str
    reason: str


class StopProposed(Struct, frozen=True, kw_only=True):
    at: float
    agent: int
    reason: str


class ChecklistSubmitted(Struct, frozen=True, kw_only=True):
    """`submit_checklist` was called: label -> criterion -> score of 0 to 10."""

    at: float
    agent: int
    scores: Mapping[str, Mapping[str, int]]
    preferred: str = ""
    improvements: tuple[str, ...] = ()


class ApproachDrafted(Struct, frozen=True, kw_only=True):
    at: float
    agent: int


class SafePointReached(Struct, frozen=True, kw_only=True):
    """Between a tool result and the next model call. `seconds_left` is the time to the soft round limit."""

    at: float
    agent: int
    can_inject: bool = True
    seconds_left: float | None = None


class ResponseEnded(Struct, frozen=True, kw_only=True):
    """A model response ended without a terminal call; `text` is the round's last non-empty text.

    `tree` holds the agent's files where the text may become its answer.
    """

    at: float
    agent: int
    text: str
    can_inject: bool = True
    tree: str | None = None
    seconds_left: float | None = None


class HardLimitReached(Struct, frozen=True, kw_only=True):
    """The round's hard limit has passed: only terminal tools are served now (COORD-117)."""

    at: float
    agent: int


class RoundClosed(Struct, frozen=True, kw_only=True):
    """The round was ended from outside because the agent did not submit (COORD-118)."""

    at: float
    agent: int
    text: str


class AgentFailed(Struct, frozen=True, kw_only=True):
    at: float
    agent: int
    error_type: str
    message: str


class AgentTimedOut(Struct, frozen=True, kw_only=True):
    """The agent used up its working time (COORD-119)."""

    at: float
    agent: int
    message: str


class AgentSkipped(Struct, frozen=True, kw_only=True):
    """A person sent the agent out for the rest of the turn; what it gave stays."""

    at: float
    agent: int


class DeadlineReached(Struct, frozen=True, kw_only=True):
    """The orchestrator timeout (COORD-025), or, with a `reason`, the run's budget is used up."""

    at: float
    reason: str = ""


class Cancelled(Struct, frozen=True, kw_only=True):
    """A person or a signal ended the run (COORD-123)."""

    at: float


class PresentationEnded(Struct, frozen=True, kw_only=True):
    """The presenter is done; nothing was `delivered` where it failed or stayed silent."""

    at: float
    delivered: bool
    error: str = ""


class Evaluated(Struct, frozen=True, kw_only=True):
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
    return {name: getattr(fact, name) for name in fact.__struct_fields__ if name != "at"}


def fact_from(name: str, at: float, values: Mapping[str, Any]) -> Fact:
    """A recorded fact back as a value; raises KeyError or TypeError for a record that is none."""
    cls = FACTS[name]
    known = cls.__struct_fields__
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return cls(at=at, **{key: value for key, value in given.items() if key in known})
