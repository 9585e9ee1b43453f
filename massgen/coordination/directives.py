"""What the engine has to do. Directives are carried out in order; they decide nothing themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RoundKind = Literal["initial", "refine", "vote_only"]
RestartCause = Literal["begin", "own_answer", "peer_answer", "released", "resumed"]
RefusalCode = Literal[
    "empty", "global_cap", "agent_cap", "lead", "checklist", "novelty", "bad_vote", "not_offered", "over"
]
How = Literal["consensus", "best_available", "only_agent", "presenter", "timeout", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summon:
    """The agent shall report `RoundReady` as soon as it can."""

    agent: int
    cause: RestartCause


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRound:
    """Begin: `visible` are the labels to show, `tools` the workflow tools to offer."""

    agent: int
    round: int
    kind: RoundKind
    visible: tuple[str, ...]
    tools: tuple[str, ...]
    cause: RestartCause


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptAnswer:
    agent: int
    label: str
    context: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptVote:
    agent: int
    target: int
    label: str
    reason: str
    context: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptStop:
    agent: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidVote:
    """A standing vote no longer counts because of `label`."""

    agent: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """The proposal is a tool error; the round goes on with `tools`."""

    agent: int
    code: RefusalCode
    message: str
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """No model calls for the agent until a later directive names it."""

    agent: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind:
    """The response had no terminal call: say which tools are there."""

    agent: int
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proceed:
    """The round goes on."""

    agent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inject:
    """Add these answers to the running round."""

    agent: int
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The verdict on a checklist."""

    agent: int
    verdict: Literal["iterate", "vote"]
    best: str
    failing: tuple[str, ...]
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonRound:
    """The round is over without a result because of `labels`; a `Summon` follows."""

    agent: int
    labels: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRound:
    """The round is over without a result and no other follows (abstained, stopped by a cap, failed)."""

    agent: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRounds:
    """No more model calls in any round (timeout, cancellation)."""

    reason: Literal["timeout", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The presenter delivers; `label` is the chosen answer, empty where there was no coordination."""

    agent: int
    label: str
    how: How


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluate:
    """Ask the presenter whether the delivered answer is good enough."""

    agent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartAttempt:
    reason: str
    instructions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The attempt is over. `label` names the answer that counts; `presented` whether the presenter's text does."""

    outcome: Literal["complete", "timeout", "cancelled", "failed"]
    winner: int | None = None
    label: str = ""
    how: How = "consensus"
    presented: bool = False


Directive = (
    Summon
    | StartRound
    | AcceptAnswer
    | AcceptVote
    | AcceptStop
    | VoidVote
    | Refuse
    | Hold
    | Remind
    | Proceed
    | Inject
    | Judge
    | AbandonRound
    | EndRound
    | StopRounds
    | Present
    | Evaluate
    | RestartAttempt
    | Finish
)
