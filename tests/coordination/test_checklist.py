"""Checklist-gated evaluation (section 8)."""

from __future__ import annotations

from typing import Any

import pytest

from massgen.coordination.criteria import DEFAULT_CRITERIA
from massgen.coordination.directives import (
    AcceptAnswer,
    AcceptVote,
    Inject,
    Judge,
    Proceed,
    Refuse,
)
from massgen.coordination.facts import ChecklistSubmitted
from tests.coordination.table import Table, one, started

GATED: dict[str, Any] = {"checklist": True, "criteria": tuple(c.id for c in DEFAULT_CRITERIA)}


def seated(agents: int = 2, **rules: Any) -> Table:
    table = Table(agents, **GATED, **rules)
    table.answers_all()
    return table


@pytest.mark.spec("COORD-072")
def test_the_checklist_tools_are_offered_once_answers_are_visible():
    table = Table(2, **GATED)
    assert started(table.first, 1).tools == ("new_answer",)
    table.answer(1)
    out = table.answer(2)
    assert started(out, 1).tools == ("new_answer", "vote", "submit_checklist", "draft_approach")


@pytest.mark.spec("COORD-072", "COORD-073")
def test_the_cycle_of_checklist_draft_answer_and_vote():
    table = seated()
    refusal = one(table.vote(1, "agent2"), Refuse)
    assert refusal.code == "checklist" and "submit_checklist" in refusal.message
    assert one(table.scores(1, 8, 9, 6, 5), Judge).verdict == "iterate"
    refusal = one(table.answer(1), Refuse)
    assert refusal.code == "checklist" and "draft_approach" in refusal.message
    assert one(table.vote(1, "agent2"), Refuse).code == "checklist"
    assert one(table.drafts(1), Proceed)
    assert one(table.answer(1), AcceptAnswer).label == "agent1.2"
    assert one(table.scores(1, 8, 9, 7, 7), Judge).verdict == "vote"
    assert one(table.vote(1, "agent1"), AcceptVote).label == "agent1.2"


@pytest.mark.spec("COORD-073")
def test_a_verdict_holds_only_for_the_answers_it_was_given_for():
    table = seated()
    assert one(table.scores(2, 9, 9, 9, 9), Judge).verdict == "vote"
    table.answer(1)
    assert one(table.safe(2), Inject)
    assert one(table.vote(2, "agent1"), Refuse).code == "checklist"


@pytest.mark.spec("COORD-074")
@pytest.mark.parametrize(("scores", "verdict", "failing"), [
    ((8, 9, 6, 5), "iterate", ("E3", "E4")),
    ((8, 9, 7, 7), "vote", ()),
    ((7, 7, 7, 7), "vote", ()),
    ((10, 10, 10, 6), "iterate", ("E4",)),
])  # fmt: skip
def test_the_verdict_is_vote_when_the_best_answer_reaches_seven_everywhere(
    scores: tuple[int, ...], verdict: str, failing: tuple[str, ...]
):
    judged = one(seated().scores(1, *scores), Judge)
    assert (judged.verdict, judged.failing) == (verdict, failing)


@pytest.mark.spec("COORD-074")
def test_the_best_of_all_visible_answers_decides():
    table = seated()
    good = dict.fromkeys(GATED["criteria"], 8)
    bad = dict.fromkeys(GATED["criteria"], 2)
    fact = ChecklistSubmitted(at=0, agent=1, scores={"agent1.1": bad, "agent2.1": good})
    judged = one(table.send(fact), Judge)
    assert (judged.verdict, judged.best) == ("vote", "agent2.1")


@pytest.mark.spec("COORD-074")
@pytest.mark.parametrize(("scores", "named"), [
    ({}, "agent1.1, agent2.1"),
    ({"agent1.1": {"E1": 8}}, "agent1.1, agent2.1"),
    ({"agent1.1": {"E1": 8}, "agent2.1": {"E1": 8}}, "E1, E2, E3, E4"),
    ({"agent1.1": dict.fromkeys("ABCD", 8), "agent2.1": {}}, "E1, E2, E3, E4"),
    ({label: dict.fromkeys(GATED["criteria"], 11) for label in ("agent1.1", "agent2.1")}, "0 to 10"),
])  # fmt: skip
def test_incomplete_or_unknown_scores_are_refused_with_the_ids(scores: dict, named: str):
    table = seated()
    assert named in one(table.send(ChecklistSubmitted(at=0, agent=1, scores=scores)), Refuse).message


@pytest.mark.spec("COORD-075")
def test_an_agent_without_answers_left_must_vote_whatever_it_scored():
    table = seated(max_answers=1)
    assert table[1].tools == ("vote", "submit_checklist")
    judged = one(table.scores(1, 2, 2, 2, 2), Judge)
    assert judged.verdict == "vote" and "no answers left" in judged.explanation
    assert one(table.vote(1, "agent2"), AcceptVote)


@pytest.mark.spec("COORD-075", "COORD-117")
def test_the_hard_limit_forces_the_verdict_and_waives_the_gate():
    table = seated()
    table.hard_limit(1)
    assert one(table.vote(1, "agent2"), AcceptVote)
    table.hard_limit(2)
    judged = one(table.scores(2, 2, 2, 2, 2), Judge)
    assert judged.verdict == "vote" and "time" in judged.explanation


@pytest.mark.spec("COORD-117")
def test_after_the_hard_limit_an_answer_needs_no_plan():
    table = seated()
    table.scores(1, 2, 2, 2, 2)
    table.hard_limit(1)
    assert one(table.answer(1), AcceptAnswer)


@pytest.mark.spec("COORD-029")
def test_a_lone_agent_reviews_its_answer_when_there_is_a_checklist():
    table = Table(1, **GATED)
    out = table.answer(1)
    assert started(out, 1).kind == "refine"
    table.scores(1, 9, 9, 9, 9)
    table.vote(1, "agent1")
    assert table.attempt.over


@pytest.mark.spec("COORD-081")
@pytest.mark.parametrize(("early", "injected"), [(True, True), (None, False), (False, False)])
def test_updates_before_the_first_checklist_can_be_let_through_a_deferral(early: bool | None, injected: bool):
    table = seated(defer_updates=True, updates_before_checklist=early)
    table.answer(1)
    out = table.safe(2)
    assert isinstance(out[0], Inject if injected else Proceed)


@pytest.mark.spec("COORD-081")
def test_after_the_checklist_a_deferral_holds_again():
    table = seated(defer_updates=True, updates_before_checklist=True)
    table.scores(2, 2, 2, 2, 2)
    table.answer(1)
    assert one(table.safe(2), Proceed)
