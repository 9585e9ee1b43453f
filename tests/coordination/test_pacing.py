"""Who waits for whom, and that nobody waits for ever (COORD-016, COORD-022, section 6)."""

from __future__ import annotations

import pytest

from massgen.coordination.directives import (
    AbandonRound,
    AcceptAnswer,
    AcceptVote,
    Hold,
    Present,
    Refuse,
    StartRound,
)
from tests.coordination.table import Table, of, one, started


@pytest.mark.spec("COORD-016")
def test_an_agent_that_answered_is_parked_until_every_active_peer_has_a_first_answer():
    table = Table(3)
    assert not of(table.answer(1), StartRound)
    assert not of(table.answer(2), StartRound)
    out = table.answer(3)
    assert [s.agent for s in of(out, StartRound)] == [1, 2, 3]
    assert all(s.visible == ("agent1.1", "agent2.1", "agent3.1") for s in of(out, StartRound))


@pytest.mark.spec("COORD-016", "COORD-061")
def test_without_fairness_an_agent_goes_on_at_once():
    table = Table(2, fairness=False)
    out = table.answer(1)
    assert started(out, 1).visible == ("agent1.1",)
    assert one(table.vote(1, "agent1"), AcceptVote).label == "agent1.1"


@pytest.mark.spec("COORD-061")
@pytest.mark.parametrize(("mode", "fair", "parked"), [("voting", True, True), ("voting", False, False),
                                                      ("decomposition", True, True),
                                                      ("decomposition", False, False)])  # fmt: skip
def test_fairness_works_in_both_modes(mode: str, fair: bool, parked: bool):
    table = Table(2, mode=mode, fairness=fair)
    assert bool(of(table.answer(1), StartRound, 1)) is not parked


@pytest.mark.spec("COORD-062", "COORD-063")
def test_the_lead_over_the_slowest_active_peer_is_capped():
    table = Table(2, lead_cap=1)
    table.answers_all()
    assert one(table.answer(1), AcceptAnswer).label == "agent1.2"
    assert one(table.answer(1), AcceptAnswer).label == "agent1.3"
    refusal = one(table.answer(1, "fourth"), Refuse)
    assert refusal.code == "lead" and "2 answers ahead" in refusal.message and "vote" in refusal.message
    assert one(table.answer(1, "fourth"), Hold).agent == 1
    out = table.answer(2)
    assert one(out, AcceptAnswer, 1).label == "agent1.4"


@pytest.mark.spec("COORD-062")
def test_lockstep_lets_nobody_answer_again_before_all_active_peers_did():
    table = Table(2, lead_cap=0)
    table.answers_all()
    assert one(table.answer(1), AcceptAnswer).label == "agent1.2"
    assert one(table.answer(1), Refuse).code == "lead"
    table.answer(2)
    assert table[1].status == "streaming"
    assert one(table.answer(1), AcceptAnswer).label == "agent1.3"


@pytest.mark.spec("COORD-062")
def test_settled_peers_do_not_hold_back_the_lead():
    table = Table(3, lead_cap=0)
    table.answers_all()
    table.fails(3)
    table.answer(1)
    table.safe(2)
    table.vote(2, "agent1")
    assert one(table.answer(1), AcceptAnswer).label == "agent1.3"


@pytest.mark.spec("COORD-061", "COORD-062")
def test_without_fairness_there_is_no_lead_gate():
    table = Table(2, fairness=False, lead_cap=0)
    table.answer(1)
    for number in (2, 3, 4):
        assert one(table.answer(1), AcceptAnswer).label == f"agent1.{number}"


@pytest.mark.spec("COORD-063", "COORD-065")
@pytest.mark.parametrize("end", ["fails", "times_out", "closes"])
def test_a_held_answer_is_taken_when_the_peer_it_waits_for_is_gone(end: str):
    table = Table(2, lead_cap=0)
    table.answers_all()
    table.answer(1)
    table.answer(1)
    assert one(table.answer(1, "held"), Hold)
    out = getattr(table, end)(2)
    assert one(out, AcceptAnswer, 1).label == "agent1.3"
    assert not of(out, Hold)


@pytest.mark.spec("COORD-064")
def test_a_vote_by_an_agent_without_answer_waits_for_the_others_first_answers():
    words = " ".join(f"w{n}" for n in range(30))
    table = Table(3, novelty="strict")
    table.answer(1, words)
    for _ in range(3):
        out = table.answer(2, words)
    assert started(out, 2).tools == ("vote",)
    assert one(table.vote(2, "agent1"), Hold).agent == 2
    out = table.answer(3, "something else")
    assert not of(out, AcceptVote)
    assert one(out, AbandonRound).labels == ("agent3.1",)
    assert started(out, 2).visible == ("agent1.1", "agent3.1")


@pytest.mark.spec("COORD-065")
@pytest.mark.parametrize("end", ["fails", "times_out", "closes"])
def test_parked_agents_are_released_when_the_peer_they_wait_for_is_gone(end: str):
    table = Table(2)
    table.answer(1)
    out = getattr(table, end)(2)
    assert started(out, 1).tools == ("new_answer", "vote")
    assert one(table.vote(1, "agent1"), Present)


@pytest.mark.spec("COORD-022")
def test_gates_open_when_nobody_works_any_more():
    """Both agents hold an answer back because of the other's lead; one is let through."""
    table = Table(3, lead_cap=0, max_answers=3)
    table.answers_all()
    table.fails(3)
    table.answer(1)
    table.safe(2)
    table.answer(1)
    assert one(table.answer(1), Hold)
    for _ in range(4):
        out = table.says(2, "hm")
    assert one(out, AcceptAnswer, 1).label == "agent1.3"


@pytest.mark.spec("COORD-026", "COORD-016")
def test_nobody_is_parked_for_a_first_answer_that_the_global_cap_forbids():
    table = Table(3, max_answers_global=2)
    table.answer(1)
    out = table.answer(2)
    assert [s.agent for s in of(out, StartRound)] == [1, 2]
    assert all(s.tools == ("vote",) for s in of(out, StartRound))
    assert one(table.vote(1, "agent1"), AcceptVote)


@pytest.mark.spec("COORD-064", "COORD-016")
def test_nobody_waits_for_the_first_answer_of_an_agent_that_can_only_vote():
    words = " ".join(f"w{n}" for n in range(30))
    table = Table(3, novelty="strict")
    table.answer(1, words)
    for _ in range(3):
        table.answer(2, words)
    out = table.fails(3)
    assert started(out, 1).visible == ("agent1.1",)
    assert one(table.vote(1, "agent1"), AcceptVote)
