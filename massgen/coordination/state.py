"""The state of one attempt. Values only; `machine.advance` is the one place that makes new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Literal

from msgspec import Struct

from massgen.coordination.directives import Directive, How, RestartCause, RoundKind
from massgen.coordination.facts import AnswerProposed, StopProposed, VoteProposed
from massgen.coordination.novelty import Fingerprint
from massgen.coordination.rules import Rules

Status = Literal["waiting", "streaming", "answered", "voted", "restarting", "error", "timeout", "completed"]
Phase = Literal["initial_answer", "enforcement", "presentation"]
SETTLED: frozenset[Status] = frozenset({"voted", "completed", "timeout", "error"})
FAILED: frozenset[Status] = frozenset({"timeout", "error"})
SKIPPED = "skipped"
Proposal = AnswerProposed | VoteProposed | StopProposed


def label_of(agent: int, revision: int) -> str:
    """`agentN.k` (COORD-037)."""
    return f"agent{agent}.{revision}"


class Answer(Struct, frozen=True, kw_only=True):
    """An accepted answer; it never changes. `order` counts acceptances in the attempt, from 1.

    `fingerprint` is what novelty compares, None where the rules do not ask for novelty.
    """

    label: str
    agent: int
    revision: int
    order: int
    text: str
    tree: str | None
    at: float
    fingerprint: Fingerprint | None = None


class StandingVote(Struct, frozen=True, kw_only=True):
    """A vote counts for the newest answer of `target`; it stands until an answer it has not seen."""

    target: int
    label: str
    reason: str


@dataclass(slots=True)
class Member:
    """One agent. Only a draft inside `advance` is ever changed.

    `seen` maps a peer's number to the newest revision this agent was shown. `stopped` agents ended by `stop`,
    `done` agents wait for a separate ballot. `due` is why the next round is wanted, while it has not begun.
    `no_answer` takes `new_answer` out of the running round, `barred` out of the next one.
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
    def skipped(self) -> bool:
        """Whether a person sent the agent out of the turn."""
        return self.error_type == SKIPPED

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
        """Whether a first answer may still come: an agent that can only vote owes none."""
        return self.count == 0 and self.active and not self.barred and self.kind != "vote_only"

    def copy(self) -> Member:
        """Much faster than `dataclasses.replace`: the rules are simulated by the thousand."""
        new = Member(*_member_values(self))
        new.seen = dict(self.seen)
        return new


_member_values = attrgetter(*(item.name for item in fields(Member)))


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
    by_label: Mapping[str, Answer] = field(default_factory=dict)
    winner: int | None = None
    winning_label: str = ""
    how: How = "consensus"
    presented: bool = False
    over: bool = False
    author: int | None = None
    out: list[Directive] = field(default_factory=list)

    def copy(self) -> Attempt:
        new = object.__new__(Attempt)
        for name in _ATTEMPT_FIELDS:
            setattr(new, name, getattr(self, name))
        new.members = [member.copy() for member in self.members]
        new.author, new.out = None, []
        return new

    def member(self, number: int) -> Member:
        return self.members[number - 1]

    def others(self, number: int) -> Iterator[Member]:
        return (member for member in self.members if member.number != number)

    def latest(self, number: int) -> Answer | None:
        """The newest answer of an agent."""
        count = self.member(number).count
        return self.find(label_of(number, count)) if count else None

    def find(self, label: str) -> Answer | None:
        return self.by_label.get(label)

    def add(self, answer: Answer) -> None:
        """One more accepted answer."""
        self.answers = (*self.answers, answer)
        self.by_label = {**self.by_label, answer.label: answer}

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


_ATTEMPT_FIELDS = tuple(item.name for item in fields(Attempt))


def new_attempt(rules: Rules, number: int = 1) -> Attempt:
    """The state before anything happened."""
    return Attempt(rules=rules, number=number, members=[Member(number=n) for n in range(1, rules.agents + 1)])
