"""The state of one attempt. Values only; `machine.advance` is the one place that makes new ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from massgen.coordination.directives import Directive, How, RestartCause, RoundKind
from massgen.coordination.facts import AnswerProposed, StopProposed, VoteProposed
from massgen.coordination.rules import Rules

Status = Literal["waiting", "streaming", "answered", "voted", "restarting", "error", "timeout", "completed"]
Phase = Literal["initial_answer", "enforcement", "presentation"]
SETTLED: frozenset[Status] = frozenset({"voted", "completed", "timeout", "error"})
FAILED: frozenset[Status] = frozenset({"timeout", "error"})
Proposal = AnswerProposed | VoteProposed | StopProposed


def label_of(agent: int, revision: int) -> str:
    """`agentN.k` (COORD-037)."""
    return f"agent{agent}.{revision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An accepted answer; it never changes. `order` counts acceptances in the attempt, from 1."""

    agent: int
    revision: int
    order: int
    text: str
    tree: str | None
    at: float

    @property
    def label(self) -> str:
        return label_of(self.agent, self.revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingVote:
    """A vote counts for the newest answer of `target`; it stands until an answer it has not seen."""

    target: int
    label: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Member:
    """One agent. Only a draft inside `advance` is ever changed.

    `seen` maps a peer's number to the newest revision this agent was shown. `stopped` agents ended by `stop`,
    `done` agents wait for a separate ballot. `due` is why the next round is wanted, while it has not begun.
    `no_answer` takes `new_answer` out of the running round, `barred` out of all later ones.
    """

    number: int
    status: Status = "waiting"
    round: int = -1
    kind: RoundKind = "initial"
    count: int = 0
    consecutive: int = 0
    vote: StandingVote | None = None
    seen: dict[int, int] = field(default_factory=dict)
    visible: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    restarted: int = 0
    due: RestartCause | None = None
    parked: bool = False
    held: Proposal | None = None
    stopped: bool = False
    done: bool = False
    ballot: bool = False
    injections: int = 0
    reminders: int = 0
    lead_refused: bool = False
    novelty_rejections: int = 0
    refusals: int = 0
    no_answer: bool = False
    barred: bool = False
    verdict: Literal["", "iterate", "vote"] = ""
    checked: bool = False
    drafted: bool = False
    hard_limit: bool = False
    error_type: str = ""
    error_message: str = ""

    @property
    def settled(self) -> bool:
        return self.status in SETTLED

    @property
    def failed(self) -> bool:
        return self.status in FAILED

    @property
    def working(self) -> bool:
        """Whether a round runs, or is about to, without being held."""
        return self.active and self.held is None

    @property
    def active(self) -> bool:
        """Section 2.2: waiting, streaming, restarting, or parked with a held call."""
        return self.status in ("waiting", "streaming", "restarting") or self.due is not None

    @property
    def owes_first(self) -> bool:
        return self.active and self.count == 0

    def copy(self) -> Member:
        return replace(self, seen=dict(self.seen))


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One attempt of a turn. `presented` says that a presenter delivered a text of its own.

    `author` is set within one `advance` to the agent whose answer was just accepted.
    """

    rules: Rules
    number: int = 1
    phase: Phase = "initial_answer"
    members: list[Member]
    answers: tuple[Answer, ...] = ()
    winner: int | None = None
    winning_label: str = ""
    how: How = "consensus"
    presented: bool = False
    over: bool = False
    author: int | None = None
    out: list[Directive] = field(default_factory=list)

    def copy(self) -> Attempt:
        return replace(self, members=[member.copy() for member in self.members], author=None, out=[])

    def member(self, number: int) -> Member:
        return self.members[number - 1]

    def others(self, number: int) -> Iterator[Member]:
        return (member for member in self.members if member.number != number)

    def latest(self, number: int) -> Answer | None:
        """The newest answer of an agent."""
        count = self.member(number).count
        return self.find(label_of(number, count)) if count else None

    def find(self, label: str) -> Answer | None:
        return next((answer for answer in self.answers if answer.label == label), None)

    def current(self) -> tuple[Answer, ...]:
        """The newest answer of every agent that has one, by agent number (COORD-030)."""
        found = (self.latest(member.number) for member in self.members)
        return tuple(answer for answer in found if answer is not None)

    def unseen(self, member: Member) -> tuple[str, ...]:
        """Labels of the newest peer answers that the agent was not shown."""
        return tuple(
            label_of(peer.number, peer.count)
            for peer in self.others(member.number)
            if peer.count > member.seen.get(peer.number, 0)
        )

    def say(self, directive: Directive) -> None:
        self.out.append(directive)


def new_attempt(rules: Rules, number: int = 1) -> Attempt:
    """The state before anything happened."""
    return Attempt(rules=rules, number=number, members=[Member(number=n) for n in range(1, rules.agents + 1)])
