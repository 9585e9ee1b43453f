"""`massgen replay LOG_DIR`: the story of a run, and whether its log follows from the rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from massgen.cli.entry import run
from massgen.testing import answer_then_vote
from tests.engine.scene import play, scene


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The log directory of a real run that agent 2 won."""
    found: list[Path] = []

    async def story():
        async with scene(tmp_path, answer_then_vote("a", "agent2"), answer_then_vote("b", "agent2")) as team:
            assert (await team.ask()).exit_code == 0
            found.append(team.log)

    play(story)
    return found[0]


def events_file(log: Path) -> Path:
    return log / "turn_1" / "attempt_1" / "events.jsonl"


def test_a_run_is_told_step_by_step_with_the_reason_of_its_winner(log: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["replay", str(log)]) == 0
    out = capsys.readouterr().out
    assert "Turn 1, attempt 1" in out
    assert "amber answers: agent1.1." in out and "birch votes for birch (agent2.1)" in out
    assert "agent2.1 of birch has most votes: 2 of 2." in out
    assert out.rstrip().endswith("Everything the log reports follows from the rules.")


def test_json_holds_steps_winner_and_verdict(log: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["replay", "--json", str(log)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["follows"] is True
    (attempt,) = told["attempts"]
    assert (attempt["winner"], attempt["label"], attempt["ended"]) == ("birch", "agent2.1", True)
    assert attempt["steps"][0]["fact"] == "AttemptBegan"


def test_a_log_that_names_another_winner_ends_with_1(log: Path, capsys: pytest.CaptureFixture[str]):
    lines = events_file(log).read_text().splitlines(keepends=True)
    changed = [
        line.replace('"label":"agent2.1"', '"label":"agent1.1"') if '"winner_selected"' in line else line
        for line in lines
    ]
    assert changed != lines
    events_file(log).write_text("".join(changed))
    assert run(["replay", str(log)]) == 1
    out = capsys.readouterr().out
    assert "does NOT follow" in out and "winner_selected birch agent1.1" in out


def test_a_crashed_log_with_a_torn_last_line_is_told_as_far_as_it_goes(log: Path, capsys: pytest.CaptureFixture[str]):
    lines = events_file(log).read_text().splitlines(keepends=True)
    cut = next(index for index, line in enumerate(lines) if '"event_type":"vote"' in line)
    events_file(log).write_text("".join(lines[: cut + 1]) + lines[cut + 1][:30])
    assert run(["replay", str(log)]) == 0
    out = capsys.readouterr().out
    assert "the run was cut off" in out and "There is no winner." in out


def test_a_directory_without_a_log_ends_with_1_and_a_hint(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["replay", str(tmp_path / "nothing")]) == 1
    err = capsys.readouterr().err
    assert "no log of a run" in err and "Traceback" not in err
