"""The course of a team: answers, votes, restarts, winner (section 2.3 of coordination.md)."""

from __future__ import annotations

import pytest

from massgen.coordination.ballots import all_voted, tally
from massgen.coordination.directives import (
    AbandonRound,
    AcceptAnswer,
    AcceptVote,
    EndRound,
    Evaluate,
    Finish,
    Inject,
    Present,
    Proceed,
    Refuse,
    Remind,
    RestartAttempt,
    StartRound,
    StopRounds,
    Summon,
    VoidVote,
)
from massgen.coordination.state import Answer
from tests.coordination.table import Table, of, one, started

LONG = " ".join(f"word{number}" for number in range(40))


@pytest.mark.spec("COORD-035", "COORD-037", "COORD-045")
def test_the_reference_trace_is_reproduced():
    table = Table(2)
    assert [(s.agent, s.round, s.visible) for s in of(table.first, StartRound)] == [(1, 0, ()), (2, 0, ())]

    out = table.answer(1)
    assert one(out, AcceptAnswer).label == "agent1.1"
    assert table[1].status == "answered" and not of(out, StartRound)
    assert one(table.safe(2), Proceed).agent == 2

    out = table.answer(2)
    assert one(out, AcceptAnswer).label == "agent2.1"
    assert [(s.agent, s.round, s.visible) for s in of(out, StartRound)] == [
        (1, 1, ("agent1.1", "agent2.1")),
        (2, 1, ("agent1.1", "agent2.1")),
    ]
    assert (table[1].restarted, table[2].restarted) == (1, 0)

    assert one(table.vote(1, "agent2"), AcceptVote).label == "agent2.1"
    out = table.answer(2)
    assert one(out, AcceptAnswer).label == "agent2.2"
    assert one(out, VoidVote) == VoidVote(agent=1, label="agent2.2")
    assert (table[1].restarted, table[2].restarted) == (2, 0)
    assert {s.agent for s in of(out, StartRound)} == {1, 2}

    table.vote(1, "agent2")
    out = table.vote(2, "agent2")
    assert one(out, Present) == Present(agent=2, label="agent2.2", how="consensus")
    assert tally(table.attempt).votes == {"agent1.1": 0, "agent2.1": 0, "agent2.2": 2}
    assert one(table.presented(), Finish).presented


@pytest.mark.spec("COORD-008")
def test_all_agents_are_summoned_together_and_see_nothing_at_first():
    table = Table(4)
    assert [s.agent for s in of(table.first, Summon)] == [1, 2, 3, 4]
    assert all(s.visible == () and s.kind == "initial" for s in of(table.first, StartRound))


@pytest.mark.spec("COORD-009", "COORD-014")
def test_an_answer_voids_the_standing_votes_of_all_others():
    table = Table(3)
    table.answers_all()
    table.vote(1, "agent1")
    table.vote(2, "agent1")
    out = table.answer(3)
    assert {v.agent for v in of(out, VoidVote)} == {1, 2}
    assert table[1].vote is None and table[2].vote is None
    assert started(out, 1).visible == ("agent1.1", "agent2.1", "agent3.2")


@pytest.mark.spec("COORD-011", "COORD-044")
def test_votes_for_ones_own_answer_count():
    table = Table(3)
    table.answers_all()
    for number in (1, 2, 3):
        table.vote(number, "agent3")
    assert tally(table.attempt).votes["agent3.1"] == 3
    assert table.attempt.winner == 3


@pytest.mark.spec("COORD-012")
def test_a_vote_before_the_newest_answer_was_seen_is_not_counted():
    table = Table(2)
    table.answers_all()
    table.answer(1)
    out = table.vote(2, "agent2")
    assert not of(out, AcceptVote)
    assert one(out, AbandonRound).labels == ("agent1.2",)
    assert started(out, 2).visible == ("agent1.2", "agent2.1")
    assert table[2].restarted == 1 and table[2].vote is None


@pytest.mark.spec("COORD-013")
@pytest.mark.parametrize("name", ["agent9", "agent0", "", "bob", "agent1.7", "agent²", "agent" + "9" * 30])
def test_a_vote_for_an_unknown_name_is_refused_with_the_valid_names(name: str):
    table = Table(2)
    table.answers_all()
    refusal = one(table.vote(1, name), Refuse)
    assert refusal.code == "bad_vote" and "agent1, agent2" in refusal.message
    assert table[1].status == "streaming"


@pytest.mark.spec("COORD-011")
@pytest.mark.parametrize("name", ["agent2", "agent2.1", " Agent2 ", "'agent2'"])
def test_a_vote_names_an_agent_or_a_full_label(name: str):
    table = Table(2)
    table.answers_all()
    assert one(table.vote(1, name), AcceptVote).label == "agent2.1"


@pytest.mark.spec("COORD-013")
def test_an_agent_whose_only_answer_came_unseen_cannot_be_voted_for():
    table = Table(2, fairness=False)
    out = table.answer(1)
    assert started(out, 1).visible == ("agent1.1",)
    table.answer(2)
    assert "agent2" not in one(table.vote(1, "agent2"), Refuse).message


@pytest.mark.spec("COORD-014")
def test_a_first_round_is_never_disturbed_by_peers():
    table = Table(3)
    table.answer(1)
    table.answer(2)
    assert isinstance(one(table.safe(3), Proceed), Proceed)
    assert isinstance(one(table.says(3, "thinking"), Remind), Remind)
    assert table[3].round == 0
    out = table.answer(3)
    assert started(out, 3).visible == ("agent1.1", "agent2.1", "agent3.1")


@pytest.mark.spec("COORD-014")
def test_agents_that_abstained_failed_or_timed_out_are_not_brought_back_by_an_answer():
    table = Table(4)
    table.answers_all()
    for _ in range(4):
        table.says(1, "hm")
    table.fails(2)
    table.times_out(3)
    assert [table[n].status for n in (1, 2, 3)] == ["completed", "error", "timeout"]
    out = table.answer(4)
    assert {s.agent for s in of(out, Summon)} == {4}


@pytest.mark.spec("COORD-015", "COORD-056")
def test_an_answer_during_a_later_round_is_injected_at_the_next_safe_point():
    table = Table(2)
    table.answers_all()
    table.answer(1)
    assert one(table.safe(2), Inject).labels == ("agent1.2",)
    assert table[2].visible == ("agent1.2", "agent2.1")
    assert one(table.vote(2, "agent1"), AcceptVote).label == "agent1.2"


@pytest.mark.spec("COORD-015")
def test_the_end_of_a_response_is_a_safe_point_too():
    table = Table(2)
    table.answers_all()
    table.answer(1)
    assert one(table.says(2, "still thinking"), Inject).labels == ("agent1.2",)
    assert table[2].reminders == 0


@pytest.mark.spec("COORD-056")
def test_only_the_newest_revision_of_each_source_is_injected_and_only_once():
    table = Table(2)
    table.answers_all()
    table.answer(1)
    table.answer(1)
    assert one(table.safe(2), Inject).labels == ("agent1.3",)
    assert one(table.safe(2), Proceed)


@pytest.mark.spec("COORD-056")
def test_the_first_sight_of_peers_is_a_round_of_its_own():
    table = Table(2, fairness=False)
    table.answer(1)
    table.answer(2)
    out = table.safe(1)
    assert one(out, AbandonRound).labels == ("agent2.1",)
    assert started(out, 1).visible == ("agent1.1", "agent2.1")


@pytest.mark.spec("COORD-057")
@pytest.mark.parametrize("why", [{"seconds_left": 45.0}, {"can_inject": False}])
def test_a_round_short_of_time_or_without_hook_is_restarted_instead_of_injected(why: dict):
    table = Table(2)
    table.answers_all()
    table.answer(1)
    out = table.safe(2, **why)
    assert not of(out, Inject) and one(out, AbandonRound).agent == 2
    assert started(out, 2).visible == ("agent1.2", "agent2.1")


@pytest.mark.spec("COORD-057")
def test_a_vote_only_round_is_restarted_instead_of_injected():
    table = Table(3, max_answers=2)
    table.answers_all()
    table.answer(1)
    assert table[1].kind == "vote_only"
    table.answer(2)
    out = table.safe(1)
    assert one(out, AbandonRound) and started(out, 1).tools == ("vote",)


@pytest.mark.spec("COORD-058")
def test_injections_are_capped_in_each_round_and_the_surplus_comes_with_the_next():
    table = Table(4)
    table.answers_all()
    for number in (1, 2, 3):
        table.answer(number)
    assert one(table.safe(4), Inject).labels == ("agent1.2", "agent2.2")
    assert one(table.safe(4), Proceed)
    out = table.vote(4, "agent1")
    assert started(out, 4).visible == ("agent1.2", "agent2.2", "agent3.2", "agent4.1")


@pytest.mark.spec("COORD-058", "COORD-059")
@pytest.mark.parametrize("switch", [{"max_injections": 0}, {"defer_updates": True}])
def test_updates_can_be_kept_for_the_next_round_start(switch: dict):
    table = Table(2, **switch)
    table.answers_all()
    table.answer(1)
    assert one(table.safe(2), Proceed)
    out = table.vote(2, "agent2")
    assert started(out, 2).visible == ("agent1.2", "agent2.1")


@pytest.mark.spec("COORD-017")
def test_text_without_a_call_becomes_the_first_answer_after_three_reminders():
    table = Table(2)
    for _ in range(3):
        assert one(table.says(1, "My answer."), Remind).tools == ("new_answer",)
    out = table.says(1, "My answer.")
    assert one(out, AcceptAnswer).label == "agent1.1"
    assert table.attempt.answers[0].text == "My answer."


@pytest.mark.spec("COORD-017")
def test_an_agent_with_an_answer_that_calls_nothing_abstains():
    table = Table(2)
    table.answers_all()
    for _ in range(4):
        table.says(1, "I like it.")
    assert table[1].status == "completed"
    out = table.vote(2, "agent1")
    assert one(out, Present).how == "best_available"
    assert not all_voted(table.attempt)


@pytest.mark.spec("COORD-017")
def test_an_agent_that_never_says_anything_abstains_without_an_answer():
    table = Table(2)
    for _ in range(4):
        table.says(1, "  ")
    assert table[1].status == "completed" and table[1].count == 0


@pytest.mark.spec("COORD-019", "COORD-051")
def test_answers_of_a_failed_agent_can_still_win():
    table = Table(3)
    table.answers_all()
    table.fails(2)
    table.vote(1, "agent2")
    out = table.vote(3, "agent2")
    assert one(out, Present) == Present(agent=2, label="agent2.1", how="best_available")
    finish = one(table.presented(False), Finish)
    assert (finish.outcome, finish.label, finish.presented) == ("complete", "agent2.1", False)


@pytest.mark.spec("COORD-019")
def test_the_others_go_on_without_a_failed_agent():
    table = Table(2)
    table.answer(1)
    out = table.fails(2)
    assert started(out, 1).visible == ("agent1.1",)
    assert table[2].error_type == "api_error" and table[2].error_message == "boom"
    assert one(table.vote(1, "agent1"), Present).agent == 1


@pytest.mark.spec("COORD-020")
def test_a_team_that_fails_without_an_answer_is_failed():
    table = Table(2)
    table.fails(1)
    assert one(table.fails(2), Finish).outcome == "failed"


@pytest.mark.spec("COORD-020", "COORD-046")
def test_a_team_that_fails_with_answers_delivers_the_newest():
    table = Table(2)
    table.answers_all()
    table.fails(1)
    out = table.fails(2)
    assert one(out, Present).label == "agent2.1"


@pytest.mark.spec("COORD-021")
def test_coordination_ends_only_when_everybody_is_settled():
    table = Table(3)
    table.answers_all()
    assert not of(table.vote(1, "agent1"), Present)
    assert not of(table.vote(2, "agent1"), Present)
    assert one(table.vote(3, "agent2"), Present).label == "agent1.1"
    final = tuple(answer.label for answer in table.attempt.current())
    assert all(vote.context == final for vote in of(table.all, AcceptVote))


@pytest.mark.spec("COORD-023")
def test_phases_go_forward_only():
    table = Table(2)
    phases = [table.attempt.phase]
    for step in (
        lambda: table.answer(1),
        lambda: table.answer(2),
        lambda: table.vote(1, "agent1"),
        lambda: table.answer(2),
        lambda: table.vote(1, "agent1"),
        lambda: table.vote(2, "agent1"),
    ):
        step()
        phases.append(table.attempt.phase)
    assert phases == ["initial_answer"] * 2 + ["enforcement"] * 4 + ["presentation"]


@pytest.mark.spec("COORD-023")
def test_a_failed_agent_does_not_keep_the_team_in_its_first_phase():
    table = Table(3)
    table.answer(1)
    table.answer(2)
    assert table.attempt.phase == "initial_answer"
    table.fails(3)
    assert table.attempt.phase == "enforcement"


@pytest.mark.spec("COORD-025", "COORD-046")
def test_the_deadline_stops_rounds_and_takes_the_newest_answer_without_votes():
    table = Table(3)
    table.answer(2)
    table.answer(1)
    out = table.deadline()
    assert one(out, StopRounds).reason == "timeout"
    finish = one(out, Finish)
    assert (finish.outcome, finish.winner, finish.label) == ("timeout", 1, "agent1.1")
    assert table[3].status == "timeout" and table[3].error_type == "timeout"


@pytest.mark.spec("COORD-046")
def test_the_deadline_takes_the_answer_with_most_standing_votes():
    table = Table(3)
    table.answers_all()
    table.vote(1, "agent2")
    assert one(table.deadline(), Finish).label == "agent2.1"


@pytest.mark.spec("COORD-025")
def test_a_deadline_without_answers_has_no_winner():
    finish = one(Table(2).deadline(), Finish)
    assert (finish.outcome, finish.winner, finish.label) == ("timeout", None, "")


@pytest.mark.spec("COORD-025")
def test_a_cancellation_keeps_the_best_answer_and_blames_nobody():
    table = Table(2)
    table.answer(1)
    finish = one(table.cancel(), Finish)
    assert (finish.outcome, finish.label) == ("cancelled", "agent1.1")
    assert table[2].status == "waiting" and not table[2].error_message


@pytest.mark.spec("COORD-025")
def test_after_the_end_nothing_is_accepted():
    table = Table(2)
    table.cancel()
    assert table.answer(1) == [EndRound(agent=1, reason="the coordination is over")]
    assert table.attempt.answers == ()


@pytest.mark.spec("COORD-045")
def test_ties_go_to_the_lowest_agent_number():
    table = Table(2)
    table.answers_all()
    table.vote(1, "agent2")
    table.vote(2, "agent1")
    assert table.attempt.winner == 1 and tally(table.attempt).is_tie


@pytest.mark.spec("COORD-044")
def test_a_vote_counts_for_the_newest_answer_of_its_target():
    table = Table(2)
    table.answer(1)
    table.answer(2)
    table.answer(2)
    table.safe(1)
    assert one(table.vote(1, "agent2.1"), AcceptVote).label == "agent2.2"


@pytest.mark.spec("COORD-037", "COORD-043")
def test_every_answer_stays_with_its_label_in_order_of_arrival():
    table = Table(2)
    table.answer(2, "b")
    table.answer(1, "a")
    table.answer(2, "b2")
    assert [(a.label, a.text, a.order) for a in table.attempt.answers] == [
        ("agent2.1", "b", 1),
        ("agent1.1", "a", 2),
        ("agent2.2", "b2", 3),
    ]
    assert isinstance(table.attempt.find("agent2.1"), Answer)


@pytest.mark.spec("COORD-037")
def test_labels_begin_anew_in_another_attempt():
    assert one(Table(1, number=2, max_restarts=1).answer(1), AcceptAnswer).label == "agent1.1"


@pytest.mark.spec("COORD-010")
def test_an_empty_answer_is_refused_and_takes_no_label():
    table = Table(2)
    refusal = one(table.answer(1, " \n"), Refuse)
    assert refusal.code == "empty" and table[1].count == 0 and table[1].status == "streaming"
    assert one(table.answer(1, "real"), AcceptAnswer).label == "agent1.1"


@pytest.mark.spec("COORD-010")
def test_the_first_gate_that_is_shut_gives_the_reason():
    table = Table(2, max_answers_global=2, max_answers=1, novelty="strict")
    table.answer(1, LONG)
    table.answer(2, f"other {LONG[::-1]}")
    assert one(table.answer(1, ""), Refuse).code == "empty"
    assert one(table.answer(1, LONG), Refuse).code == "global_cap"
    capped = Table(2, max_answers=1, novelty="strict")
    capped.answer(1, LONG)
    capped.answer(2, f"other {LONG[::-1]}")
    refusal = one(capped.answer(1, LONG), Refuse)
    assert refusal.code == "agent_cap" and "vote" in refusal.message
    assert [capped[n].status for n in (1, 2)] == ["streaming", "streaming"]


@pytest.mark.spec("COORD-009")
def test_an_answer_given_while_a_peers_is_unseen_is_accepted_and_shown_that_next():
    table = Table(2)
    table.answers_all()
    table.answer(1)
    out = table.answer(2)
    assert one(out, AcceptAnswer).label == "agent2.2"
    assert started(out, 2).visible == ("agent1.2", "agent2.2")


@pytest.mark.spec("COORD-024", "COORD-106")
def test_the_presenter_may_judge_its_answer_and_let_the_team_start_over():
    table = Table(2, max_restarts=1)
    table.answers_all()
    table.vote(1, "agent1")
    table.vote(2, "agent1")
    assert one(table.presented(), Evaluate).agent == 1
    assert one(table.evaluated(True, "too short", "say more"), RestartAttempt) == RestartAttempt(
        reason="too short", instructions="say more"
    )


@pytest.mark.spec("COORD-107", "COORD-112")
def test_the_last_attempt_is_not_judged():
    table = Table(2, number=2, max_restarts=1)
    table.answers_all()
    table.vote(1, "agent1")
    table.vote(2, "agent1")
    assert one(table.presented(), Finish).outcome == "complete"


@pytest.mark.spec("COORD-107")
def test_a_confirmed_answer_ends_the_turn():
    table = Table(2, max_restarts=3)
    table.answers_all()
    table.vote(1, "agent1")
    table.vote(2, "agent1")
    table.presented()
    assert one(table.evaluated(False), Finish).presented


@pytest.mark.spec("COORD-108")
def test_agents_that_timed_out_stay_out_of_later_attempts():
    table = Table(2, number=2, max_restarts=2, excluded=(2,))
    assert table[2].status == "timeout" and not of(table.first, StartRound, 2)
    out = table.answer(1)
    assert started(out, 1).tools == ("new_answer", "vote")


@pytest.mark.spec("COORD-104")
def test_an_empty_presentation_delivers_the_chosen_answer():
    table = Table(2)
    table.answers_all()
    table.vote(1, "agent2")
    table.vote(2, "agent2")
    finish = one(table.presented(False), Finish)
    assert (finish.outcome, finish.label, finish.presented) == ("complete", "agent2.1", False)


@pytest.mark.spec("COORD-019", "COORD-045")
def test_a_skipped_agent_is_out_and_its_answers_stay():
    table = Table(3)
    table.answers_all()
    table.vote(1, "agent2")
    table.vote(3, "agent2")
    out = table.skips(2)
    assert one(out, EndRound, 2).reason == "a person skipped the agent"
    assert table[2].skipped and table.attempt.winning_label == "agent2.1"
    finish = one(out, Finish)
    assert (finish.outcome, finish.label, finish.presented) == ("complete", "agent2.1", False)
    assert not of(out, Present)


def test_nobody_waits_for_a_skipped_agent():
    table = Table(2)
    table.answer(1)
    assert table[1].parked
    out = table.skips(2)
    assert one(out, StartRound, 1).visible == ("agent1.1",)
    assert one(table.vote(1, "agent1"), Present).label == "agent1.1"


def test_a_skipped_agents_vote_stands_until_a_newer_answer():
    table = Table(3)
    table.answers_all()
    table.vote(1, "agent2")
    table.skips(1)
    assert table[1].vote is not None
    out = table.answer(3)
    assert one(out, VoidVote, 1) and table[1].vote is None and not of(out, Summon, 1)


def test_a_skipped_agent_stays_out_of_the_next_attempt_and_skipping_all_ends_the_turn():
    table = Table(2, number=2, skipped=(2,))
    assert table[2].skipped and not of(table.all, StartRound, 2)
    assert one(table.skips(1), Finish).outcome == "failed"
