"""How many answers, and how different they must be (section 7)."""

from __future__ import annotations

import pytest

from massgen.coordination.directives import (
    AbandonRound,
    AcceptAnswer,
    AcceptVote,
    EndRound,
    Inject,
    Proceed,
    Refuse,
    StartRound,
)
from massgen.coordination.novelty import overlap
from tests.coordination.table import Table, of, one, started


def text(first: int, count: int = 40) -> str:
    return " ".join(f"word{number}" for number in range(first, first + count))


@pytest.mark.spec("COORD-026", "COORD-067")
def test_an_agent_at_its_cap_may_only_vote():
    table = Table(2, max_answers=1)
    table.answer(1)
    out = table.answer(2)
    assert {s.tools for s in of(out, StartRound)} == {("vote",)}
    assert one(table.answer(1), Refuse).code == "agent_cap"
    assert len(table.attempt.answers) == 2


@pytest.mark.spec("COORD-067")
def test_the_cap_counts_all_answers_of_the_attempt_in_voting_mode():
    table = Table(2, max_answers=2)
    table.answers_all()
    assert started(table.answer(1), 1).kind == "vote_only"
    assert table[2].kind == "refine"


@pytest.mark.spec("COORD-068")
def test_racing_answers_cannot_exceed_the_global_cap():
    table = Table(3, max_answers_global=2)
    table.answer(1)
    table.answer(2)
    out = table.answer(3)
    assert not of(out, AcceptAnswer)
    assert [a.label for a in table.attempt.answers] == ["agent1.1", "agent2.1"]
    assert started(out, 3).tools == ("vote",)


@pytest.mark.spec("COORD-026", "COORD-014")
def test_a_first_round_is_restarted_at_its_safe_point_once_the_global_cap_is_reached():
    table = Table(3, max_answers_global=2)
    table.answer(1)
    assert one(table.safe(3), Proceed)
    table.answer(2)
    out = table.safe(3)
    assert one(out, AbandonRound).agent == 3
    begun = started(out, 3)
    assert (begun.kind, begun.tools, begun.visible) == ("vote_only", ("vote",), ("agent1.1", "agent2.1"))
    assert one(table.vote(3, "agent2"), AcceptVote)


@pytest.mark.spec("COORD-068")
def test_a_running_round_loses_new_answer_once_the_global_cap_is_reached():
    table = Table(2, max_answers_global=3)
    table.answers_all()
    assert table[2].tools == ("new_answer", "vote")
    table.answer(1)
    assert table[2].tools == ("vote",)
    refusal = one(table.answer(2), Refuse)
    assert refusal.code == "global_cap" and refusal.tools == ("vote",)


@pytest.mark.spec("COORD-069")
@pytest.mark.parametrize(("shared", "level", "accepted"), [
    (28, "lenient", True), (40, "lenient", True),
    (24, "balanced", True), (28, "balanced", True), (29, "balanced", False),
    (20, "strict", True), (21, "strict", False), (24, "strict", False),
])  # fmt: skip
def test_an_answer_may_repeat_only_so_much_of_another(shared: int, level: str, accepted: bool):
    table = Table(2, novelty=level)
    table.answer(1, text(0))
    out = table.answer(2, text(40 - shared))
    assert bool(of(out, AcceptAnswer)) is accepted
    if not accepted:
        refusal = one(out, Refuse)
        assert refusal.code == "novelty" and "fundamentally different" in refusal.message
        assert table[2].count == 0


@pytest.mark.spec("COORD-069", "COORD-010")
def test_ones_own_earlier_answer_may_not_be_repeated_either():
    table = Table(1, novelty="strict", checklist=True, criteria=("E1",))
    table.answer(1, text(0))
    assert one(table.answer(1, text(2)), Refuse).code == "novelty"
    assert table[1].count == 1


@pytest.mark.spec("COORD-070")
@pytest.mark.parametrize(("first", "second", "expected"), [
    ("a b c", "a b c", 1.0),
    ("A, b; C!", "a b c", 1.0),
    ("a b c", "a b d", 0.0),
    (text(0, 19), text(0, 19), 1.0),
    (text(0, 19), text(0, 20), 0.0),
    (text(0, 20), text(0, 40), 1.0),
    (text(0, 20), text(10, 40), 0.5),
    (text(0, 40), text(40, 40), 0.0),
    ("", "", 1.0),
])  # fmt: skip
def test_overlap_is_the_share_of_the_smaller_token_set(first: str, second: str, expected: float):
    assert overlap(first, second) == expected == overlap(second, first)


@pytest.mark.spec("COORD-071")
def test_three_repetitions_in_a_round_leave_only_the_vote():
    table = Table(2, novelty="strict")
    table.answer(1, text(0))
    table.answer(2, text(100))
    assert one(table.answer(1, text(0)), Refuse).tools == ("new_answer", "vote")
    assert one(table.answer(1, text(0)), Refuse).tools == ("new_answer", "vote")
    assert one(table.answer(1, text(0)), Refuse).tools == ("vote",)
    assert "No further answer" in one(table.answer(1, text(500)), Refuse).message
    table.answer(2, text(200))
    assert one(table.vote(1, "agent1"), AbandonRound)
    assert table[1].tools == ("new_answer", "vote")


@pytest.mark.spec("COORD-071")
def test_an_agent_that_sees_nothing_yet_is_shown_what_it_repeats():
    table = Table(3, novelty="strict")
    table.answer(1, text(0))
    for _ in range(3):
        out = table.answer(2, text(0))
    begun = started(out, 2)
    assert (begun.kind, begun.tools, begun.visible) == ("vote_only", ("vote",), ("agent1.1",))


@pytest.mark.spec("COORD-071")
def test_only_the_next_round_is_without_new_answer():
    table = Table(3, novelty="strict")
    table.answer(1, text(0))
    for _ in range(3):
        table.answer(2, text(0))
    table.answer(3, text(100))
    out = table.safe(2)
    assert started(out, 2).tools == ("new_answer", "vote")
    assert one(table.answer(2, text(200)), AcceptAnswer).label == "agent2.1"


@pytest.mark.spec("COORD-068")
def test_an_isolated_decomposition_agent_is_stopped_at_its_safe_point_once_the_cap_is_reached():
    table = Table(2, mode="decomposition", isolated=True, max_answers_global=2)
    table.answer(1)
    table.answer(1)
    out = table.safe(2)
    assert one(out, EndRound, 2).reason == "no answers left"
    assert not of(out, AbandonRound)


@pytest.mark.spec("COORD-091")
def test_novelty_caps_and_injection_work_in_decomposition_as_in_voting():
    table = Table(2, mode="decomposition", novelty="strict", max_injections=1)
    table.answer(1, text(0))
    assert one(table.answer(2, text(0)), Refuse).code == "novelty"
    table.answer(2, text(100))
    table.answer(1, text(200))
    assert one(table.safe(2), Inject).labels == ("agent1.2",)
