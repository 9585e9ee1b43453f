"""A team at the table: sends facts to the machine and answers every summons, so that a test reads like a story."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from massgen.coordination.directives import Directive, StartRound, Summon
from massgen.coordination.facts import (
    AgentFailed,
    AgentSkipped,
    AgentTimedOut,
    AnswerProposed,
    ApproachDrafted,
    AttemptBegan,
    Cancelled,
    ChecklistSubmitted,
    DeadlineReached,
    Evaluated,
    Fact,
    HardLimitReached,
    PresentationEnded,
    ResponseEnded,
    RoundClosed,
    RoundReady,
    SafePointReached,
    StopProposed,
    VoteProposed,
)
from massgen.coordination.machine import advance
from massgen.coordination.rules import Rules
from massgen.coordination.state import Attempt, Member, new_attempt

D = TypeVar("D")


class Table:
    """`Table(2, novelty="strict")` begins an attempt of two agents; every method returns the directives in order."""

    def __init__(
        self,
        agents: int = 2,
        *,
        number: int = 1,
        excluded: tuple[int, ...] = (),
        skipped: tuple[int, ...] = (),
        **rules: Any,
    ) -> None:
        self.attempt: Attempt = new_attempt(Rules(agents=agents, **rules), number)
        self.all: list[Directive] = []
        self.first = self.send(AttemptBegan(at=0, excluded=excluded, skipped=skipped))

    def send(self, fact: Fact) -> list[Directive]:
        self.attempt, out = advance(self.attempt, fact)
        given = list(out)
        self.all += out
        for directive in out:
            if isinstance(directive, Summon):
                given += self.send(RoundReady(at=0, agent=directive.agent))
        return given

    def __getitem__(self, number: int) -> Member:
        return self.attempt.member(number)

    def answer(self, number: int, text: str | None = None) -> list[Directive]:
        said = f"answer {len(self.attempt.answers) + 1} of {number}" if text is None else text
        return self.send(AnswerProposed(at=0, agent=number, text=said))

    def vote(self, number: int, target: str, reason: str = "good") -> list[Directive]:
        return self.send(VoteProposed(at=0, agent=number, target=target, reason=reason))

    def stop(self, number: int) -> list[Directive]:
        return self.send(StopProposed(at=0, agent=number, reason="done"))

    def safe(self, number: int, **values: Any) -> list[Directive]:
        return self.send(SafePointReached(at=0, agent=number, **values))

    def says(self, number: int, text: str) -> list[Directive]:
        return self.send(ResponseEnded(at=0, agent=number, text=text))

    def fails(self, number: int) -> list[Directive]:
        return self.send(AgentFailed(at=0, agent=number, error_type="api_error", message="boom"))

    def times_out(self, number: int) -> list[Directive]:
        return self.send(AgentTimedOut(at=0, agent=number, message="Agent timeout after 2s"))

    def skips(self, number: int) -> list[Directive]:
        return self.send(AgentSkipped(at=0, agent=number))

    def closes(self, number: int, text: str = "") -> list[Directive]:
        return self.send(RoundClosed(at=0, agent=number, text=text))

    def hard_limit(self, number: int) -> list[Directive]:
        return self.send(HardLimitReached(at=0, agent=number))

    def scores(self, number: int, *scores: int, **other: Any) -> list[Directive]:
        """The same scores, one for each criterion, for every answer that is visible."""
        given = dict(zip(self.attempt.rules.criteria, scores, strict=True))
        labels = self[number].visible
        return self.send(ChecklistSubmitted(at=0, agent=number, scores=dict.fromkeys(labels, given), **other))

    def drafts(self, number: int) -> list[Directive]:
        return self.send(ApproachDrafted(at=0, agent=number))

    def deadline(self) -> list[Directive]:
        return self.send(DeadlineReached(at=0))

    def cancel(self) -> list[Directive]:
        return self.send(Cancelled(at=0))

    def presented(self, delivered: bool = True) -> list[Directive]:
        return self.send(PresentationEnded(at=0, delivered=delivered))

    def evaluated(self, restart: bool, reason: str = "", instructions: str = "") -> list[Directive]:
        return self.send(Evaluated(at=0, restart=restart, reason=reason, instructions=instructions))

    def answers_all(self) -> None:
        """A first answer of everybody, in order of numbers."""
        for member in list(self.attempt.members):
            self.answer(member.number)


def of(directives: Iterable[Directive], kind: type[D], agent: int | None = None) -> list[D]:
    """The directives of one kind, for one agent where given."""
    found = [each for each in directives if isinstance(each, kind)]
    return [each for each in found if agent is None or getattr(each, "agent", None) == agent]


def one(directives: Iterable[Directive], kind: type[D], agent: int | None = None) -> D:
    """The only directive of its kind."""
    found = of(directives, kind, agent)
    assert len(found) == 1, f"{len(found)} of {kind.__name__}: {list(directives)}"
    return found[0]


def started(directives: Iterable[Directive], agent: int) -> StartRound:
    """The round that began for `agent`."""
    return one(directives, StartRound, agent)
