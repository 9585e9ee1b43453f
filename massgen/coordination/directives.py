"""What the engine has to do. Directives are carried out in order; they decide nothing themselves."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

RoundKind = Literal["initial", "refine", "vote_only"]
RestartCause = Literal["begin", "own_answer", "peer_answer", "released", "resumed"]
RefusalCode = Literal[
    "empty", "global_cap", "agent_cap", "lead", "checklist", "novelty", "bad_vote", "not_offered", "over"
]
How = Literal["consensus", "best_available", "only_agent", "presenter", "timeout", "cancelled"]


class Summon(Struct, frozen=True, kw_only=True):
    """The agent shall report `RoundReady` as soon as it can."""

    agent: int
    cause: RestartCause


class StartRound(Struct, frozen=True, kw_only=True):
    """Begin: `visible` are the labels to show, `tools` the workflow tools to offer."""

    agent: int
    round: int
    kind: RoundKind
    visible: tuple[str, ...]
    tools: tuple[str, ...]
    cause: RestartCause


class AcceptAnswer(Struct, frozen=True, kw_only=True):
    agent: int
    label: str
    context: tuple[str, ...]


class AcceptVote(Struct, frozen=True, kw_only=True):
    agent: int
    target: int
    label: str
    reason: str
    context: tuple[str, ...]


class AcceptStop(Struct, frozen=True, kw_only=True):
    agent: int
    reason: str


class VoidVote(Struct, frozen=True, kw_only=True):
    """A standing vote no longer counts because of `label`."""

    agent: int
    label: str


class Refuse(Struct, frozen=True, kw_only=True):
    """The proposal is a tool error; the round goes on with `tools`."""

    agent: int
    code: RefusalCode
    message: str
    tools: tuple[str, ...]


class Hold(Struct, frozen=True, kw_only=True):
    """No model calls for the agent until a later directive names it."""

    agent: int
    message: str


class Remind(Struct, frozen=True, kw_only=True):
    """The response had no terminal call: say which tools are there."""

    agent: int
    tools: tuple[str, ...]


class Proceed(Struct, frozen=True, kw_only=True):
    """The round goes on."""

    agent: int


class Inject(Struct, frozen=True, kw_only=True):
    """Add these answers to the running round."""

    agent: int
    labels: tuple[str, ...]


class Judge(Struct, frozen=True, kw_only=True):
    """The verdict on a checklist."""

    agent: int
    verdict: Literal["iterate", "vote"]
    best: str
    failing: tuple[str, ...]
    explanation: str


class AbandonRound(Struct, frozen=True, kw_only=True):
    """The round is over without a result because of `labels`; a `Summon` follows."""

    agent: int
    labels: tuple[str, ...]
    reason: str


class EndRound(Struct, frozen=True, kw_only=True):
    """The round is over without a result and no other follows (abstained, stopped by a cap, failed)."""

    agent: int
    reason: str


class StopRounds(Struct, frozen=True, kw_only=True):
    """No more model calls in any round (timeout, cancellation)."""

    reason: Literal["timeout", "cancelled"]


class Present(Struct, frozen=True, kw_only=True):
    """The presenter delivers; `label` is the chosen answer, empty where there was no coordination."""

    agent: int
    label: str
    how: How


class Evaluate(Struct, frozen=True, kw_only=True):
    """Ask the presenter whether the delivered answer is good enough."""

    agent: int


class RestartAttempt(Struct, frozen=True, kw_only=True):
    reason: str
    instructions: str


class Finish(Struct, frozen=True, kw_only=True):
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
