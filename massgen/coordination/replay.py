"""Folds the recorded facts of a run again, and compares what the rules say with what the log says.

Pure: events in, a `RunReplay` out. Logs that end early (a crash, a kill) are replayed as far as they go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from massgen.coordination.ballots import tally
from massgen.coordination.directives import AcceptAnswer, AcceptVote, Directive, Finish, Present
from massgen.coordination.facts import Fact, fact_from
from massgen.coordination.machine import advance
from massgen.coordination.rules import Rules
from massgen.coordination.state import Attempt, new_attempt
from massgen.events.types import (
    AttemptStart,
    Event,
    FactRecorded,
    FinalAnswer,
    NewAnswer,
    SessionEnd,
    SessionStart,
    Vote,
    WinnerSelected,
)


class Step(Struct, frozen=True, kw_only=True):
    """One fact: the state before and after it, and what the rules asked for."""

    seq: int
    fact: Fact
    before: Attempt
    after: Attempt
    directives: tuple[Directive, ...]


class Claim(Struct, frozen=True, kw_only=True):
    """Something the log reports and the rules must have caused. Agents are real ids."""

    kind: str
    agent: str
    label: str
    detail: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.kind, self.agent, self.label, self.detail) if part)


@dataclass(slots=True, kw_only=True)
class AttemptReplay:
    """One attempt. `problems` say where the log does not follow from the rules; empty means that it does."""

    turn: int
    number: int
    agents: tuple[str, ...]
    state: Attempt
    steps: list[Step] = field(default_factory=list)
    due: list[Claim] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    winner_due: bool = True
    delivered: bool = False
    ended: bool = False

    def name(self, number: int) -> str:
        """The real id of an agent."""
        return self.agents[number - 1] if number <= len(self.agents) else f"agent{number}"


@dataclass(slots=True, kw_only=True)
class RunReplay:
    """All attempts of a run, and problems of the log as a whole."""

    attempts: list[AttemptReplay] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def follows(self) -> bool:
        """Whether everything the log reports follows from its facts by the rules."""
        return not self.problems and not any(attempt.problems for attempt in self.attempts)


def rules_from(values: Mapping[str, Any]) -> Rules:
    """Recorded rules back as a value; raises TypeError or ValueError for a record that is none."""
    known = Rules.__struct_fields__
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name in known
    }
    rules = Rules(**given)
    if not isinstance(rules.agents, int) or not 1 <= rules.agents <= 1000:
        raise ValueError("the number of agents is missing")
    return rules


def replay(events: Iterable[Event]) -> RunReplay:
    """Fold a run's events, in the order of the log."""
    run = RunReplay()
    agents: tuple[str, ...] = ()
    current: AttemptReplay | None = None
    last = 0
    for event in events:
        if event.seq <= last:
            run.problems.append(f"Event {event.seq} stands behind event {last}: the log was changed.")
        last = max(last, event.seq)
        match event.body:
            case SessionStart():
                agents = event.body.agents
            case AttemptStart():
                _close(current)
                current = _open(run, event, event.body, agents)
            case SessionEnd() if current is not None:
                current.ended = True
            case _ if current is not None:
                _follow(current, event)
    _close(current)
    if not run.attempts and not run.problems:
        run.problems.append("The log has no attempt that could be replayed.")
    return run


def _open(run: RunReplay, event: Event, body: AttemptStart, agents: tuple[str, ...]) -> AttemptReplay | None:
    try:
        rules = rules_from(body.rules)
    except (TypeError, ValueError) as error:
        run.problems.append(f"Attempt {event.attempt} has no readable rules ({error}).")
        return None
    names = agents or tuple(f"agent{number}" for number in range(1, rules.agents + 1))
    state = new_attempt(rules, event.attempt)
    found = AttemptReplay(turn=event.turn, number=event.attempt, agents=names, state=state)
    run.attempts.append(found)
    return found


def _follow(current: AttemptReplay, event: Event) -> None:
    body = event.body
    match body:
        case FactRecorded():
            _advance(current, event.seq, body)
        case NewAnswer():
            _check(current, event.seq, Claim(kind="new_answer", agent=event.agent_id or "", label=body.label))
        case Vote():
            detail = f"for {body.agent}"
            _check(current, event.seq, Claim(kind="vote", agent=event.agent_id or "", label=body.label, detail=detail))
        case WinnerSelected():
            _check(current, event.seq, _winner_claim(body.agent, body.label, body.votes, body.is_tie))
        case FinalAnswer():
            _check_delivery(current, event, body)
        case _:
            return


def _advance(current: AttemptReplay, seq: int, body: FactRecorded) -> None:
    _report_missing(current)
    try:
        fact = fact_from(body.fact, body.at, body.values)
        number = getattr(fact, "agent", 1)
        if not isinstance(number, int) or not 1 <= number <= current.state.rules.agents:
            raise ValueError(f"there is no agent {number}")
        after, directives = advance(current.state, fact)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        current.problems.append(f"Event {seq}: the fact {body.fact!r} cannot be read ({error}).")
        return
    step = Step(seq=seq, fact=fact, before=current.state, after=after, directives=directives)
    current.steps.append(step)
    current.state = after
    for directive in directives:
        claim = _claim(current, directive)
        if claim is not None:
            current.due.append(claim)


def _claim(current: AttemptReplay, directive: Directive) -> Claim | None:
    match directive:
        case AcceptAnswer(agent=agent, label=label):
            return Claim(kind="new_answer", agent=current.name(agent), label=label)
        case AcceptVote(agent=agent, target=target, label=label):
            return Claim(kind="vote", agent=current.name(agent), label=label, detail=f"for {current.name(target)}")
        case Present() | Finish() if current.state.winner is not None and current.winner_due:
            current.winner_due = False
            state = current.state
            count = tally(state)
            votes = {} if state.rules.mode == "decomposition" else count.votes
            return _winner_claim(current.name(state.winner or 0), state.winning_label, votes, count.is_tie)
        case _:
            return None


def _winner_claim(agent: str, label: str, votes: Mapping[str, int], is_tie: bool) -> Claim:
    counted = ", ".join(f"{name}: {count}" for name, count in sorted(votes.items()))
    detail = f"({counted})" + (" tie" if is_tie else "")
    return Claim(kind="winner_selected", agent=agent, label=label, detail=detail)


def _check(current: AttemptReplay, seq: int, claim: Claim) -> None:
    expected = current.due.pop(0) if current.due else None
    if expected is None:
        current.problems.append(f"Event {seq}: the log reports {claim}, which does not follow from the rules.")
    elif expected != claim:
        current.problems.append(f"Event {seq}: the log reports {claim}; the rules give {expected}.")


def _check_delivery(current: AttemptReplay, event: Event, body: FinalAnswer) -> None:
    _report_missing(current)
    current.delivered = True
    winner = current.state.winner
    expected = f"agent{winner}.final" if winner else ""
    if body.label != expected or (winner and event.agent_id != current.name(winner)):
        text = f"the log delivers {body.label} of {event.agent_id}; by the rules it is {expected or 'nothing'}."
        current.problems.append(f"Event {event.seq}: {text}")
    elif body.source is not None and body.source != current.state.winning_label:
        text = f"the log delivers the text of {body.source}; by the rules {current.state.winning_label} won."
        current.problems.append(f"Event {event.seq}: {text}")


def _report_missing(current: AttemptReplay) -> None:
    """What the rules caused must stand in the log before anything else happens."""
    for claim in current.due:
        current.problems.append(f"The rules give {claim}, which the log does not report.")
    current.due.clear()


def _close(current: AttemptReplay | None) -> None:
    """At the end of a log that was cut off, the last consequences may be missing."""
    if current is not None and current.ended:
        _report_missing(current)
