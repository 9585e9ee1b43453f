"""The machine under whatever order of facts hypothesis can think of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from massgen.coordination.ballots import best_available, tally
from massgen.coordination.directives import AbandonRound, AcceptVote, Finish, Present, StartRound
from massgen.coordination.facts import Fact, RoundReady
from massgen.coordination.machine import advance
from massgen.coordination.rules import Rules
from massgen.coordination.state import label_of, new_attempt
from tests.coordination.table import Table, of

NUMBERS = st.integers(1, 4)
TEXTS = st.sampled_from(["", "short", *(" ".join(f"{c}{n}" for n in range(30)) for c in "abcdef")])
SWITCHES = st.fixed_dictionaries({
    "mode": st.sampled_from(["voting", "decomposition"]),
    "max_answers": st.sampled_from([None, 1, 2]),
    "max_answers_global": st.sampled_from([None, 1, 3, 5]),
    "novelty": st.sampled_from(["lenient", "balanced", "strict"]),
    "fairness": st.booleans(),
    "lead_cap": st.integers(0, 2),
    "max_injections": st.integers(0, 2),
    "defer_updates": st.booleans(),
    "isolated": st.booleans(),
    "defer_voting": st.booleans(),
    "max_restarts": st.integers(0, 1),
})  # fmt: skip


class RecordedTable(Table):
    """A table that remembers every fact, for the replay at the end."""

    def __init__(self, agents: int, **rules: Any) -> None:
        self.facts: list[Fact] = []
        super().__init__(agents, **rules)

    def send(self, fact: Fact):
        self.facts.append(fact)
        return super().send(fact)


class Team(RuleBasedStateMachine):
    table: RecordedTable

    @initialize(agents=NUMBERS, switches=SWITCHES)
    def begin(self, agents: int, switches: dict[str, Any]) -> None:
        self.switches = switches
        self.table = RecordedTable(agents, **switches)
        self.phases = [self.table.attempt.phase]

    def number(self, wanted: int) -> int:
        return (wanted - 1) % self.table.attempt.rules.agents + 1

    @rule(number=NUMBERS, text=TEXTS)
    def answer(self, number: int, text: str) -> None:
        self.table.answer(self.number(number), text)

    @rule(number=NUMBERS, peer=st.integers(0, 5))
    def vote(self, number: int, peer: int) -> None:
        number = self.number(number)
        seen = dict(self.table[number].seen)
        for vote in of(self.table.vote(number, f"agent{peer}"), AcceptVote, number):
            assert vote.target == number or seen.get(vote.target) == int(vote.label.rpartition(".")[2])

    @rule(number=NUMBERS)
    def stop(self, number: int) -> None:
        self.table.stop(self.number(number))

    @rule(number=NUMBERS, can_inject=st.booleans(), left=st.sampled_from([None, 5.0, 500.0]))
    def safe_point(self, number: int, can_inject: bool, left: float | None) -> None:
        self.table.safe(self.number(number), can_inject=can_inject, seconds_left=left)

    @rule(number=NUMBERS, text=TEXTS)
    def response_ends(self, number: int, text: str) -> None:
        self.table.says(self.number(number), text)

    @rule(number=NUMBERS, how=st.sampled_from(["fails", "times_out", "closes", "hard_limit"]))
    def trouble(self, number: int, how: str) -> None:
        getattr(self.table, how)(self.number(number))

    @precondition(lambda self: self.table.attempt.phase == "presentation")
    @rule(delivered=st.booleans())
    def presentation_ends(self, delivered: bool) -> None:
        if not self.table.attempt.over and not of(self.table.all, Finish):
            self.table.presented(delivered)

    @rule(late=st.integers(0, 30))
    def deadline(self, late: int) -> None:
        if late == 0:
            self.table.deadline()

    @invariant()
    def caps_hold(self) -> None:
        rules = self.table.attempt.rules
        if rules.max_answers_global is not None:
            assert len(self.table.attempt.answers) <= rules.max_answers_global
        if rules.max_answers is not None and rules.mode == "voting":
            assert all(member.count <= rules.max_answers for member in self.table.attempt.members)

    @invariant()
    def somebody_can_always_move(self) -> None:
        attempt = self.table.attempt
        if not attempt.over and attempt.phase != "presentation":
            assert any(member.status == "streaming" and member.held is None for member in attempt.members)

    @invariant()
    def phases_never_go_back(self) -> None:
        order = ("initial_answer", "enforcement", "presentation")
        self.phases.append(self.table.attempt.phase)
        assert order.index(self.phases[-1]) >= order.index(self.phases[-2])

    @invariant()
    def first_rounds_show_nothing(self) -> None:
        assert all(s.visible == () for s in of(self.table.all, StartRound) if s.round == 0)

    @invariant()
    def standing_votes_are_for_the_newest_answers(self) -> None:
        attempt = self.table.attempt
        if attempt.rules.isolated:
            return
        for member in attempt.members:
            if member.vote is not None:
                target = attempt.member(member.vote.target)
                assert member.vote.label == label_of(target.number, target.count)

    @invariant()
    def the_winner_is_the_best_available(self) -> None:
        attempt = self.table.attempt
        if attempt.rules.mode == "voting" and of(self.table.all, Present):
            chosen = best_available(attempt)
            assert chosen is not None and chosen.agent == attempt.winner
            votes = tally(attempt).votes
            assert votes[chosen.label] == max(votes.values())

    def teardown(self) -> None:
        if not hasattr(self, "table"):
            return
        self.table.deadline()
        assert self.table.attempt.over
        again = new_attempt(Rules(agents=self.table.attempt.rules.agents, **self.switches))
        out = []
        for fact in self.table.facts:
            again, directives = advance(again, fact)
            out += directives
        assert out == self.table.all and again == self.table.attempt
        assert any(isinstance(fact, RoundReady) for fact in self.table.facts)
        assert all(each.labels or each.reason for each in of(out, AbandonRound))


TestTeam = pytest.mark.spec("COORD-021", "COORD-022", "COORD-045", "COORD-068", "COORD-023")(Team.TestCase)
TestTeam.settings = settings(
    max_examples=300, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
