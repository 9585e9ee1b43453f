"""The command line, killed with SIGKILL while a model call is held, and gone on with by `massgen resume`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from massgen.events.codec import read_run
from massgen.events.types import NewAnswer
from massgen.testing import Hold, ReceivedRequest, ScriptedProvider, Turn, answer_then_vote
from tests.resume.course import config
from tests.resume.team import play_until

MASSGEN = str(Path(sys.executable).with_name("massgen"))
SECONDS = 250


def held(text: str, number: int):
    """The policy of an agent that answers and votes; its call `number` waits at the gate."""
    plain = answer_then_vote(text, "agent1")

    def decide(request: ReceivedRequest) -> Turn:
        reply = plain(request)
        assert isinstance(reply, Turn)
        return replace(reply, hold=Hold(gate="on")) if request.number == number else reply

    return decide


def massgen(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MASSGEN, *arguments],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def kill_at(cwd: Path, server: ScriptedProvider) -> Path:
    """Start a run, kill it at the gate; its log directory."""
    (cwd / "team.json").write_text(json.dumps(config(server, ["m1", "m2"])))
    command = [MASSGEN, "--automation", "--config", "team.json", "What is 2+2?"]
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run:
        assert run.stdout is not None
        log_dir = Path(run.stdout.readline().removeprefix("LOG_DIR: ").strip())
        server.block_for_hold("on", timeout=SECONDS)
        live = massgen(cwd, "resume", str(log_dir))
        assert live.returncode == 1 and "still running" in live.stderr
        run.kill()
    server.open("on")
    return log_dir


def answers(log_dir: Path) -> list[str]:
    return [event.body.label for event in read_run(log_dir) if isinstance(event.body, NewAnswer)]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "kept"), [(1, 0), (2, 2), (3, 2)], ids=["answering", "voting", "presenting"])
def test_a_killed_run_is_gone_on_with(tmp_path: Path, number: int, kept: int) -> None:
    scripts = {"m1": held("four", number), "m2": answer_then_vote("4", "agent1")}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with ScriptedProvider(scripts).in_thread() as server:
        log_dir = kill_at(tmp_path, server)
        before = answers(log_dir)
        assert len(before) >= kept
        done = massgen(elsewhere, "resume", str(log_dir))
        assert done.returncode == 0, done.stderr
        assert "WINNER: agent a/ü" in done.stdout and f"LOG_DIR: {log_dir}" in done.stdout
        after = answers(log_dir)
        assert after[: len(before)] == before and sorted(after) == ["agent1.1", "agent2.1"]
        sent = len(server.requests)
        again = massgen(elsewhere, "resume", str(log_dir))
        assert again.returncode == 0 and "nothing to resume" in again.stdout
        assert len(server.requests) == sent
        assert massgen(elsewhere, "replay", str(log_dir)).returncode == 0


@pytest.mark.slow
def test_a_run_without_a_file_needs_its_configuration_only_for_keys(tmp_path: Path) -> None:
    with ScriptedProvider({"m1": answer_then_vote("four", "agent1")}).in_thread() as server:
        team = config(server, ["m1"])
        log_dir = play_until(tmp_path, team, "RoundReady", 1)
        said = massgen(tmp_path, "resume", str(log_dir))
        assert said.returncode == 1 and "--config FILE" in said.stderr and not server.requests
        (tmp_path / "team.json").write_text(json.dumps(team))
        done = massgen(tmp_path, "resume", str(log_dir), "--config", "team.json")
        assert done.returncode == 0 and "WINNER: agent a/ü" in done.stdout, done.stderr
        assert "configuration has changed" not in done.stderr

        del team["agents"][0]["backend"]["api_key"]
        log_dir = play_until(tmp_path, team, "RoundReady", 1, OPENAI_API_KEY="sk-y")
        done = massgen(tmp_path, "resume", str(log_dir), OPENAI_API_KEY="sk-y")
        assert done.returncode == 0 and "WINNER: agent a/ü" in done.stdout, done.stderr


@pytest.mark.slow
def test_a_configuration_that_was_edited_is_named(tmp_path: Path) -> None:
    with ScriptedProvider({"m1": held("four", 1), "m2": answer_then_vote("4", "agent1")}).in_thread() as server:
        log_dir = kill_at(tmp_path, server)
        team = config(server, ["m1", "m2"], voting_sensitivity="strict")
        (tmp_path / "team.json").write_text(json.dumps(team))
        (log_dir / "execution_metadata.yaml").rename(tmp_path / "kept")
        lost = massgen(tmp_path, "resume", str(log_dir))
        assert lost.returncode == 1 and "it is not known what was run" in lost.stderr
        (tmp_path / "kept").rename(log_dir / "execution_metadata.yaml")
        done = massgen(tmp_path, "resume", str(log_dir))
        assert done.returncode == 0 and "configuration has changed" in done.stderr, done.stderr


@pytest.mark.slow
def test_continue_names_the_run_that_died(tmp_path: Path) -> None:
    with ScriptedProvider({"m1": held("four", 1), "m2": answer_then_vote("4", "agent1")}).in_thread() as server:
        log_dir = kill_at(tmp_path, server)
        said = massgen(tmp_path, "--automation", "--continue", "And 3+3?")
        assert f"massgen resume {log_dir}" in said.stderr
        assert said.returncode == 1
