"""What `explain` promises is what teams do."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from massgen.coordination.directives import AcceptAnswer, AcceptVote, StartRound
from massgen.coordination.forecast import Span, forecast
from massgen.coordination.rules import Rules
from tests.coordination.teams import play, random_rules

ENSEMBLE = Rules(agents=3, isolated=True, defer_voting=True, max_answers=1, delivery="synthesize")


@pytest.mark.spec("COORD-095", "COORD-016", "COORD-097", "COORD-105")
@pytest.mark.parametrize(("rules", "answers", "ballots", "calls"), [
    (Rules(agents=2), (2, None), (2, None), (5, None)),
    (Rules(agents=3, max_answers=1), (3, 3), (3, 3), (7, 7)),
    (ENSEMBLE, (3, 3), (3, 3), (7, 7)),
    (Rules(agents=1), (1, 1), (0, 0), (1, 1)),
    (Rules(agents=1, direct_single=False), (1, 1), (0, 0), (2, 2)),
    (Rules(agents=3, skip_coordination=True), (0, 0), (0, 0), (1, 1)),
    (Rules(agents=2, max_answers_global=3), (2, 3), (2, 3), (5, 7)),
    (Rules(agents=2, mode="decomposition"), (2, None), (0, 0), (5, None)),
])  # fmt: skip
def test_the_numbers_of_known_shapes(rules: Rules, answers, ballots, calls):
    found = forecast(rules)
    assert found.answers == Span(least=answers[0], most=answers[1])
    assert found.ballots == Span(least=ballots[0], most=ballots[1])
    assert found.calls == Span(least=calls[0], most=calls[1])


def test_no_random_team_exceeds_its_forecast():
    for seed in range(1500):
        rules = replace(random_rules(random.Random(seed)), max_restarts=0, checklist=False, criteria=())
        game = play(seed, rules, deaths=False)
        told = [directive for directives in game.directives for directive in directives]
        expected = forecast(rules)
        for kind, most in (
            (AcceptAnswer, expected.answers.most),
            (AcceptVote, expected.ballots.most),
            (StartRound, expected.calls.most),
        ):
            found = [each for each in told if isinstance(each, kind)]
            count = sum(getattr(each, "reason", "") != "only agent" for each in found)
            assert most is None or count <= most, (seed, kind, count, expected, rules)
