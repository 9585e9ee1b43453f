"""`massgen explain CONFIG`: what a configuration will do, before a model is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from massgen.cli.entry import run
from massgen.testing import answer_then_vote
from tests.engine.scene import play, scene

TEAM = """\
agents:
  - id: one
    backend: {type: openai, model: gpt-4o-mini, api_key: unused}
  - id: two
    backend: {type: claude, model: claude-sonnet-4-5, api_key: unused}
"""


def explained(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, *flags: str) -> str:
    path = tmp_path / "team.yaml"
    path.write_text(text)
    assert run(["explain", str(path), *flags]) == 0
    return capsys.readouterr().out


def test_the_numbers_of_a_plain_team(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = explained(tmp_path, capsys, TEAM)
    assert "Team: 2 agents (one, two)" in out
    assert "Model calls: at least 5, no upper limit but time" in out
    assert "1800 s for everything" in out
    assert "fairness_lead_cap_answers" in out


@pytest.mark.spec("COORD-095", "COORD-097")
def test_a_quick_team_is_counted_exactly(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    told = json.loads(explained(tmp_path, capsys, TEAM, "--quick", "--json"))
    assert told["answers"] == told["ballots"] == {"least": 2, "most": 2}
    assert told["model_calls"] == {"least": 4, "most": 4}
    assert told["cost_usd"]["least"] > 0 and told["cost_usd"]["most"] >= told["cost_usd"]["least"]


def test_gates_and_limits_are_named_with_their_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    more = """\
orchestrator:
  max_new_answers_per_agent: 2
  max_new_answers_global: 3
  answer_novelty_requirement: strict
  voting_sensitivity: checklist_gated
  coordination: {max_orchestration_restarts: 2}
timeout_settings: {initial_round_timeout_seconds: 60, agent_timeout_seconds: 300}
"""
    out = explained(tmp_path, capsys, TEAM + more)
    for key in ("max_new_answers_per_agent", "max_new_answers_global", "answer_novelty_requirement",
                "voting_sensitivity", "max_orchestration_restarts", "initial_round_timeout_seconds",
                "round_timeout_grace_seconds", "agent_timeout_seconds"):  # fmt: skip
        assert key in out, key
    assert "at most 3" in out and "Attempts: up to 3" in out and "E1, E2, E3, E4" in out


def test_an_unknown_price_is_unknown_and_not_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    team = "agents: [{id: a, backend: {type: chatcompletion, model: home-made, base_url: 'http://127.0.0.1:9/v1'}}]"
    out = explained(tmp_path, capsys, team)
    assert "Cost: unknown" in out and "home-made" in out
    assert "Model calls: exactly 1" in out


def test_a_bad_configuration_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "bad.yaml"
    path.write_text("agents: 7\n")
    assert run(["explain", str(path)]) == 1
    assert "agents" in capsys.readouterr().err


@pytest.mark.parametrize(("orchestrator", "quick"), [
    ({}, False),
    ({"max_new_answers_per_agent": 1}, False),
    ({"disable_injection": True, "defer_voting_until_all_answered": True, "max_new_answers_per_agent": 1,
      "final_answer_strategy": "synthesize"}, False),
    ({"coordination_mode": "decomposition", "max_new_answers_per_agent": 1}, False),
    ({"skip_coordination_rounds": True}, False),
    ({}, True),
])  # fmt: skip
def test_the_least_number_of_calls_is_what_an_agreeing_team_makes(
    tmp_path: Path, orchestrator: dict[str, Any], quick: bool
):
    from massgen.config import load_config
    from massgen.runs.explaining import explain

    async def story():
        agents = {"amber": {"subtask": "left"}, "birch": {"subtask": "right"}}
        scripts = [answer_then_vote(text) for text in ("a", "b")]
        async with scene(tmp_path, *scripts, orchestrator=orchestrator, agents=agents) as team:
            team.quick = quick
            assert (await team.ask()).exit_code == 0
            expected = explain(load_config(team.config).require(), quick=quick)
            assert len(team.server.requests) == expected.numbers.calls.least

    play(story)
