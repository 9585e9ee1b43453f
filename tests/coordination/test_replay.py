"""A log is folded again: it follows from the rules, or the replay says where it does not."""

from __future__ import annotations

import random
from typing import Any

import pytest
from msgspec.structs import asdict, replace

from massgen.coordination.facts import fact_from, fact_values
from massgen.coordination.replay import replay, rules_from
from massgen.coordination.state import new_attempt
from massgen.coordination.story import sentences, why
from massgen.engine.coordinator import Coordinator
from massgen.events.stream import EventStream
from massgen.events.types import (
    AttemptStart,
    Event,
    FactRecorded,
    NewAnswer,
    SessionEnd,
    SessionStart,
    Vote,
    WinnerSelected,
)
from massgen.testing.clock import FakeClock
from tests.coordination.table import Table
from tests.coordination.teams import play, random_rules


def logged(facts, rules) -> list[Event]:
    """The events that the engine writes for these facts."""

    events: list[Event] = []
    stream = EventStream(None)
    stream.subscribe(events.append)
    names = tuple(f"real-{number}" for number in range(1, rules.agents + 1))
    stream.emit(SessionStart(question="Q", agents=names))
    stream.emit(AttemptStart(rules=asdict(rules)))
    coordinator = Coordinator(new_attempt(rules), names, stream, FakeClock())
    for fact in facts:
        coordinator.submit(fact)
    stream.emit(SessionEnd(exit_code=0, reason="complete"))
    return events


class Recorded(Table):
    """A table that keeps its facts."""

    def __init__(self, agents: int = 2, **rules: Any) -> None:
        self.facts: list = []
        super().__init__(agents, **rules)

    def send(self, fact):
        self.facts.append(fact)
        return super().send(fact)

    def events(self) -> list[Event]:
        return logged(self.facts, self.attempt.rules)


def agreed() -> Recorded:
    """Two agents; both vote for agent 2."""
    table = Recorded(2)
    table.answers_all()
    table.vote(1, "agent2", "it is short")
    table.vote(2, "agent2", "mine")
    table.presented()
    return table


@pytest.mark.spec("COORD-045", "COORD-021")
def test_the_winner_of_random_teams_follows_from_their_events_alone():
    for seed in range(150):
        rules = random_rules(random.Random(seed))
        run = replay(logged(play(seed, rules).facts, rules))
        assert run.follows, (seed, run.attempts[0].problems)


@pytest.mark.spec("COORD-045")
def test_facts_and_rules_survive_the_log():
    for seed in range(40):
        game = play(seed)
        for fact in game.facts:
            assert fact_from(type(fact).__name__, fact.at, fact_values(fact)) == fact
    
        assert rules_from(asdict(game.attempt.rules)) == game.attempt.rules


def test_the_story_says_who_did_what_and_why_the_winner_won():
    run = replay(agreed().events())
    (attempt,) = run.attempts
    told = [line for step in attempt.steps for line in sentences(attempt, step)]
    assert "Attempt 1 begins: real-1 (agent1), real-2 (agent2)." in told
    assert "real-1 answers: agent1.1." in told and "real-1 waits for the others." in told
    assert "real-1 votes for real-2 (agent2.1): it is short" in told
    assert why(attempt)[-1] == "agent2.1 of real-2 has most votes: 2 of 2."


def test_a_tie_and_a_deadline_are_explained():
    table = Recorded(2)
    table.answers_all()
    table.vote(1, "agent2")
    table.vote(2, "agent1")
    (attempt,) = replay(table.events()).attempts
    assert "ties go to the lowest agent number: agent1.1 of real-1" in why(attempt)[-1]
    late = Recorded(2)
    late.answer(2)
    late.deadline()
    (attempt,) = replay(late.events()).attempts
    assert why(attempt) == ["No vote stood, so the newest answer counts: agent2.1 of real-2."]


def changed(events: list[Event], kind: type, **values: Any) -> list[Event]:
    """The log with the last event of a kind changed."""
    position = max(index for index, event in enumerate(events) if isinstance(event.body, kind))
    event = events[position]
    return [*events[:position], replace(event, body=replace(event.body, **values)), *events[position + 1 :]]


@pytest.mark.parametrize(("kind", "values", "said"), [
    (WinnerSelected, {"agent": "real-1", "label": "agent1.1"}, "winner_selected real-2 agent2.1"),
    (WinnerSelected, {"votes": {"agent1.1": 2, "agent2.1": 0}}, "agent2.1: 2"),
    (Vote, {"agent": "real-1", "label": "agent1.1"}, "vote real-2 agent2.1"),
    (NewAnswer, {"label": "agent2.7"}, "new_answer real-2 agent2.1"),
])  # fmt: skip
def test_a_log_whose_reports_were_changed_does_not_follow(kind: type, values: dict, said: str):
    run = replay(changed(agreed().events(), kind, **values))
    assert not run.follows
    assert said in run.attempts[0].problems[0]


def test_a_log_with_a_changed_fact_does_not_follow():
    events = agreed().events()
    votes = [e for e in events if isinstance(e.body, FactRecorded) and e.body.fact == "VoteProposed"]
    last = votes[-1]
    fact = replace(last.body, values={**last.body.values, "target": "agent1"})
    run = replay([replace(e, body=fact) if e is last else e for e in events])
    assert not run.follows


@pytest.mark.parametrize("lost", [NewAnswer, Vote, WinnerSelected])
def test_a_finished_log_from_which_a_report_was_taken_does_not_follow(lost: type):
    events = agreed().events()
    last = next(e for e in reversed(events) if isinstance(e.body, lost))
    run = replay([event for event in events if event is not last])
    assert not run.follows and run.attempts[0].problems


def test_every_beginning_of_a_log_follows_so_crashed_runs_can_be_replayed():
    events = agreed().events()
    for length in range(2, len(events) + 1):
        run = replay(events[:length])
        assert run.follows, (length, run.problems, run.attempts)


@pytest.mark.parametrize(("name", "values"), [
    ("Nonsense", {}),
    ("VoteProposed", {}),
    ("VoteProposed", {"agent": 99, "target": "agent1", "reason": ""}),
    ("VoteProposed", {"agent": "x", "target": "agent1", "reason": ""}),
    ("ChecklistSubmitted", {"agent": 1, "scores": 7}),
])  # fmt: skip
def test_facts_that_are_none_are_reported_not_fatal(name: str, values: dict):
    events = agreed().events()
    rogue = FactRecorded(fact=name, at=0, values=values)
    beginning = [e for e in events if e.seq < 5]
    run = replay([*beginning, replace(events[4], body=rogue)])
    assert not run.follows or name == "ChecklistSubmitted"


def test_a_log_out_of_order_or_without_rules_does_not_follow():
    events = agreed().events()
    assert not replay([*events[:5], events[4], *events[5:]]).follows
    assert not replay(changed(events, AttemptStart, rules={"agents": "many"})).follows
    assert not replay([]).follows
