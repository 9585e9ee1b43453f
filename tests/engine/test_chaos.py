"""Providers that misbehave at random: every run ends well, within its rules, and its log follows from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from massgen.coordination.replay import replay
from massgen.testing import answer_then_vote
from massgen.testing.replies import Chaos
from tests.engine.scene import IDS, MODELS, play, scene


@pytest.mark.spec("COORD-019", "COORD-022", "COORD-045", "COORD-052")
@pytest.mark.parametrize("seed", range(4))
def test_a_team_among_faults_ends_and_its_log_follows_from_the_rules(tmp_path: Path, seed: int):
    async def story():
        scripts = [answer_then_vote(f"answer {n}", "agent1") for n in range(3)]
        async with scene(tmp_path, *scripts, limits={"orchestrator_timeout_seconds": 40}) as team:
            team.server.chaos = Chaos(rate=0.3, seed=seed)
            result = await team.ask()
            assert result.exit_code in (0, 2, 3)
            assert (result.exit_code == 0) == bool(result.answer and result.outcome == "complete")
            run = replay(team.events())
            assert run.follows, run.attempts[0].problems
            assert run.attempts[0].state.winner == (IDS.index(result.winner) + 1 if result.winner else None)
            for request in team.server.requests:
                text = json.dumps({**request.json, "model": ""})
                others = [name for name, own in zip(IDS, MODELS, strict=True) if own != request.model]
                assert not any(name in text for name in others)

    play(story)
