"""Other shapes of a team: decomposition, ensemble, quick, one agent, debug switches (sections 9, 10 and 12)."""

from __future__ import annotations

import pytest

from massgen.coordination.ballots import all_voted
from massgen.coordination.directives import (
    AcceptAnswer,
    AcceptStop,
    AcceptVote,
    EndRound,
    Evaluate,
    Finish,
    Hold,
    Inject,
    Present,
    Proceed,
    Refuse,
    StartRound,
    VoidVote,
)
from tests.coordination.table import Table, of, one, started


def parts(agents: int = 2, **rules) -> Table:
    table = Table(agents, mode="decomposition", **rules)
    table.answers_all()
    return table


@pytest.mark.spec("COORD-086")
def test_decomposition_offers_new_answer_and_stop_but_no_vote():
    table = Table(2, mode="decomposition")
    assert {s.tools for s in of(table.first, StartRound)} == {("new_answer", "stop")}
    assert one(table.vote(1, "agent2"), Refuse).code == "not_offered"


@pytest.mark.spec("COORD-087")
def test_decomposition_ends_when_all_have_stopped_on_the_same_answers():
    table = parts()
    assert one(table.stop(1), AcceptStop)
    out = table.answer(2)
    assert started(out, 1).visible == ("agent1.1", "agent2.2")
    assert table[1].restarted == 2
    table.stop(1)
    assert one(table.stop(2), Present).how == "presenter"
    assert all_voted(table.attempt)


@pytest.mark.spec("COORD-087")
def test_a_stop_on_an_old_answer_set_is_not_counted():
    table = parts()
    table.answer(1)
    out = table.stop(2)
    assert not of(out, AcceptStop) and started(out, 2).visible == ("agent1.2", "agent2.1")


@pytest.mark.spec("COORD-088")
def test_an_agent_at_its_consecutive_cap_stops_without_another_round():
    table = Table(2, mode="decomposition", max_answers=2, fairness=False)
    table.answer(1)
    out = table.answer(1)
    assert table[1].status == "completed" and table[1].stopped
    assert not of(out, StartRound) and one(out, EndRound).reason == "no answers left"


@pytest.mark.spec("COORD-067", "COORD-088")
def test_unseen_answers_of_others_reset_the_consecutive_count():
    table = Table(2, mode="decomposition", max_answers=2, fairness=False)
    table.answer(1)
    table.answer(1)
    out = table.answer(2)
    assert started(out, 1).tools == ("new_answer", "stop")
    assert one(table.answer(1), AcceptAnswer).label == "agent1.3"


@pytest.mark.spec("COORD-068", "COORD-088")
def test_the_global_cap_stops_everyone():
    table = Table(3, mode="decomposition", max_answers_global=3, fairness=False)
    table.answer(1)
    table.answer(1)
    table.answer(2)
    out = [*table.safe(3), *table.safe(1)]
    assert not of(out, StartRound)
    assert all(table[n].status == "completed" for n in (1, 2, 3))
    assert table.attempt.phase == "presentation" and len(table.attempt.answers) == 3


@pytest.mark.spec("COORD-089")
@pytest.mark.parametrize(("presenter", "winner"), [(1, 1), (2, 2), (None, 3)])
def test_the_presenter_integrates_or_else_the_last_agent(presenter: int | None, winner: int):
    table = parts(3, presenter=presenter)
    for number in (1, 2, 3):
        out = table.stop(number)
    assert one(out, Present) == Present(agent=winner, label=f"agent{winner}.1", how="presenter")


@pytest.mark.spec("COORD-089")
def test_a_presenter_that_failed_is_replaced():
    table = parts(3, presenter=2)
    table.fails(2)
    table.stop(1)
    assert one(table.stop(3), Present).agent == 3


@pytest.mark.spec("COORD-089", "COORD-025")
def test_a_deadline_during_the_presentation_delivers_what_was_chosen():
    table = parts(2, presenter=1)
    table.stop(1)
    table.stop(2)
    finish = one(table.deadline(), Finish)
    assert (finish.outcome, finish.winner, finish.label) == ("timeout", 1, "agent1.1")


@pytest.mark.spec("COORD-091")
def test_fairness_holds_a_stop_until_first_answers_are_there():
    table = Table(2, mode="decomposition")
    assert one(table.stop(1), Hold)
    out = table.answer(2)
    assert not of(out, AcceptStop)
    assert started(out, 1).visible == ("agent2.1",)


@pytest.mark.spec("COORD-087")
def test_a_stop_in_the_first_round_counts_while_nobody_answered():
    table = Table(2, mode="decomposition", fairness=False)
    assert one(table.stop(1), AcceptStop)
    assert started(table.answer(2), 1).visible == ("agent2.1",)


@pytest.mark.spec("COORD-092")
def test_isolated_agents_see_nothing_of_peers_before_the_ballot():
    table = Table(2, isolated=True)
    out = table.answer(1)
    assert started(out, 1).visible == ("agent1.1",) and "vote" not in started(out, 1).tools
    table.answer(2)
    assert one(table.safe(1), Proceed)
    out = table.stop(1)
    assert started(out, 1).visible == ("agent1.1", "agent2.1")
    assert started(out, 1).tools == ("vote",)


@pytest.mark.spec("COORD-092")
def test_in_an_isolated_team_a_later_answer_voids_no_vote():
    table = Table(2, isolated=True)
    table.answers_all()
    table.stop(1)
    assert one(table.vote(1, "agent2"), AcceptVote).label == "agent2.1"
    out = table.answer(2)
    assert not of(out, VoidVote) and table[1].status == "voted"


@pytest.mark.spec("COORD-093")
def test_a_deferred_ballot_opens_when_all_have_used_their_answers_or_stopped():
    table = Table(3, defer_voting=True, max_answers=2)
    table.answers_all()
    assert table[1].tools == ("new_answer", "stop")
    table.stop(1)
    table.answer(2)
    assert one(table.safe(3), Inject)
    assert not any(table[n].ballot for n in (1, 2, 3))
    out = table.stop(3)
    assert {s.agent: s.tools for s in of(out, StartRound)} == dict.fromkeys((1, 2, 3), ("vote",))
    assert all(s.visible == ("agent1.1", "agent2.2", "agent3.1") for s in of(out, StartRound))


@pytest.mark.spec("COORD-093", "COORD-065")
def test_a_deferred_ballot_does_not_wait_for_an_agent_that_is_gone():
    table = Table(3, defer_voting=True, isolated=True, max_answers=1)
    table.answer(1)
    table.answer(2)
    out = table.fails(3)
    assert {s.agent for s in of(out, StartRound)} == {1, 2}


@pytest.mark.spec("COORD-095")
def test_an_ensemble_of_three_needs_seven_rounds():
    table = Table(3, isolated=True, defer_voting=True, max_answers=1, delivery="synthesize")
    table.answers_all()
    for number in (1, 2, 3):
        table.vote(number, "agent2")
    assert len(of(table.all, StartRound)) == 6
    assert len(of(table.all, Present)) == 1


@pytest.mark.spec("COORD-094")
def test_a_reused_winner_is_delivered_without_a_presentation():
    table = Table(2, delivery="reuse")
    table.answers_all()
    table.vote(1, "agent2")
    finish = one(table.vote(2, "agent2"), Finish)
    assert (finish.outcome, finish.label, finish.presented) == ("complete", "agent2.1", False)
    assert not of(table.all, Present)


@pytest.mark.spec("COORD-094", "COORD-106")
def test_a_reused_winner_is_judged_where_restarts_are_allowed():
    table = Table(2, delivery="reuse", max_restarts=1)
    table.answers_all()
    table.vote(1, "agent2")
    assert one(table.vote(2, "agent2"), Evaluate).agent == 2


QUICK = {"quick": True, "isolated": True, "defer_voting": True, "max_answers": 1, "delivery": "reuse"}


@pytest.mark.spec("COORD-097")
def test_a_quick_team_gives_one_answer_each_one_ballot_and_no_presentation():
    table = Table(3, **QUICK)
    table.answers_all()
    assert {m.kind for m in table.attempt.members} == {"vote_only"}
    for number in (1, 2, 3):
        table.vote(number, "agent3")
    assert not of(table.all, Present) and len(of(table.all, StartRound)) == 6
    assert one(table.all, Finish).label == "agent3.1"


@pytest.mark.spec("COORD-097")
def test_a_quick_agent_alone_is_done_with_its_first_answer():
    table = Table(1, **QUICK)
    finish = one(table.answer(1), Finish)
    assert finish.label == "agent1.1" and not of(table.all, AcceptVote)


@pytest.mark.spec("COORD-029", "COORD-105")
def test_the_answer_of_a_lone_agent_is_its_vote_and_the_result():
    table = Table(1)
    out = table.answer(1)
    assert one(out, AcceptVote).reason == "only agent"
    finish = one(out, Finish)
    assert (finish.winner, finish.label, finish.how) == (1, "agent1.1", "only_agent")
    assert not of(out, Present)


@pytest.mark.spec("COORD-105")
def test_a_lone_agent_presents_where_the_presentation_has_something_to_do():
    assert one(Table(1, direct_single=False).answer(1), Present).agent == 1


@pytest.mark.spec("COORD-029")
def test_a_plain_models_text_is_its_answer_without_a_reminder():
    table = Table(1, plain=True)
    assert started(table.first, 1).tools == ()
    assert one(table.says(1, "Paris."), Finish).label == "agent1.1"
    assert table.attempt.answers[0].text == "Paris."


@pytest.mark.spec("COORD-099")
@pytest.mark.parametrize(("presenter", "expected"), [(None, 1), (2, 2)])
def test_skipping_coordination_goes_straight_to_the_presentation(presenter: int | None, expected: int):
    table = Table(3, skip_coordination=True, presenter=presenter)
    assert one(table.first, Present) == Present(agent=expected, label="", how="presenter")
    assert not of(table.all, StartRound)
    assert one(table.presented(), Finish).presented


@pytest.mark.spec("COORD-099")
def test_a_direct_presentation_that_gives_nothing_is_a_failure():
    table = Table(2, skip_coordination=True)
    assert one(table.presented(False), Finish).outcome == "failed"


@pytest.mark.spec("COORD-118")
def test_the_text_of_a_closed_first_round_is_its_answer():
    table = Table(2)
    assert one(table.closes(1, "half an answer"), AcceptAnswer).label == "agent1.1"


@pytest.mark.spec("COORD-118")
def test_a_closed_round_without_text_times_out():
    table = Table(2)
    table.closes(1)
    assert (table[1].status, table[1].error_type) == ("timeout", "timeout")


@pytest.mark.spec("COORD-118")
def test_an_agent_with_an_answer_abstains_when_its_round_is_closed():
    table = Table(2)
    table.answers_all()
    table.closes(1, "some words")
    assert table[1].status == "completed" and table[1].count == 1


@pytest.mark.spec("COORD-119")
def test_answers_of_an_agent_out_of_time_stay_eligible():
    table = Table(2)
    table.answers_all()
    table.times_out(1)
    assert table[1].status == "timeout"
    assert one(table.vote(2, "agent1"), Present).label == "agent1.1"
