"""Thousands of random teams with random switches, failures and races."""

from __future__ import annotations

import pytest

from massgen.coordination.directives import Finish, RestartAttempt
from tests.coordination.teams import MAX_FACTS, play, random_rules, replayed


def play_all(seeds: range) -> int:
    """How many of the teams had to be stopped because they never tired of answering."""
    tireless = 0
    for seed in seeds:
        game = play(seed)
        assert isinstance(game.finish, Finish | RestartAttempt), seed
        tireless += len(game.facts) >= MAX_FACTS
    return tireless


@pytest.mark.spec("COORD-022", "COORD-021", "COORD-068", "COORD-045", "COORD-065")
def test_every_random_team_ends_as_it_must():
    assert play_all(range(700)) < 14


@pytest.mark.slow
@pytest.mark.spec("COORD-022")
def test_ten_thousand_random_teams_end_as_they_must():
    assert play_all(range(10_000)) < 150


@pytest.mark.spec("COORD-045")
def test_the_same_facts_give_the_same_directives():
    for seed in range(200):
        assert replayed(play(seed)), seed


@pytest.mark.spec("COORD-022")
def test_teams_with_a_cap_on_answers_end_by_themselves():
    """With a global cap nobody can go on for ever, so the deadline is never needed."""
    import random

    for seed in range(400):
        rules = random_rules(random.Random(seed))
        if rules.max_answers_global is not None:
            assert len(play(seed, rules, deadline=False).facts) < MAX_FACTS, seed
