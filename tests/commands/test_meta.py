"""MassGen run by an agent from its own command line, and by scripts: runs inside and beside runs."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from massgen.filesystem_manager.background_shell import (
    get_shell_output,
    get_shell_status,
    kill_shell,
    list_shells,
    start_shell,
)
from tests.commands.place import Agent, make_agent, within

TEAM = """
agents:
  - id: red
    backend: {type: simulated, script: play.yaml, pace: 0}
  - id: blue
    backend: {type: simulated, script: play.yaml, pace: 0}
"""
PLAY = """
rehearsals:
  - question: Which colour?
    also: ["And now?", "Once more?"]
    agents:
      red:
        - when: {presenting: true}
          say: Red, says the inner team.
        - when: {answers_below: 1}
          answer: Red, says the inner team.
        - vote: {for: Red, reason: First.}
      blue:
        - when: {answers_below: 1}
          answer: Blue, says the inner team.
        - vote: {for: Red, reason: It is warm.}
"""


@pytest.fixture
def program(monkeypatch, tmp_path: Path) -> None:
    """`massgen` on PATH, and a `uv` that runs what it is told to, as the guide's commands expect."""
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / "uv").write_text('#!/bin/sh\nshift\nexec "$@"\n')
    (shims / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{shims}:{os.environ['PATH']}")


def write_team(directory: Path) -> None:
    (directory / "team.yaml").write_text(TEAM)
    (directory / "play.yaml").write_text(PLAY)


async def ended(agent: Agent, shell_id: str) -> dict[str, Any]:
    async with asyncio.timeout(250):
        while True:
            if (await agent.ask("get_background_shell_status", shell_id=shell_id))["status"] != "running":
                return await agent.ask("get_background_shell_output", shell_id=shell_id)
            await asyncio.sleep(0.05)


def named(stdout: str, key: str) -> str:
    return next(line.removeprefix(f"{key}: ") for line in stdout.splitlines() if line.startswith(f"{key}: "))


@pytest.mark.spec("AUTO-084")
def test_an_agent_starts_runs_in_its_workspace_watches_them_and_reads_their_answers(program, tmp_path: Path) -> None:
    agent = make_agent(tmp_path)
    write_team(tmp_path / "ws1")

    async def use() -> list[tuple[str, dict[str, Any], str]]:
        start = "massgen --automation --config team.yaml 'Which colour?'"
        ids = [(await agent.ask("start_background_shell", command=start))["shell_id"] for _ in range(2)]
        found = []
        for shell_id in ids:
            output = await ended(agent, shell_id)
            assert output["exit_code"] == 0, output
            status = await agent.ask("execute_command", command=f"cat {named(output['stdout'], 'STATUS')}")
            answer = await agent.ask("execute_command", command=f"cat {named(output['stdout'], 'ANSWER_FILE')}")
            found.append((named(output["stdout"], "LOG_DIR"), json.loads(status["stdout"]), answer["stdout"]))
        return found

    first, second = within(agent, use=use)
    for log_directory, status, answer in (first, second):
        assert Path(log_directory).is_relative_to(tmp_path / "ws1")
        assert Path(log_directory).is_dir()
        assert status["results"]["winner"] == "red"
        assert "Red, says the inner team." in answer
    assert first[0] != second[0]


def guide() -> Callable[[list[tuple[str, str]]], list[dict[str, Any]]]:
    """The guide's function, word for word but for the missing import."""
    import time

    def run_experiments_in_parallel(configs_and_questions):
        experiments = []
        for config, question in configs_and_questions:
            shell_id = start_shell(f'uv run massgen --automation --config {config} "{question}"')
            experiments.append({"shell_id": shell_id, "config": config, "question": question})
            print(f"Started experiment {shell_id}: {question[:50]}...")
        while True:
            all_done = True
            for exp in experiments:
                status = get_shell_status(exp["shell_id"])
                if status["status"] == "running":
                    all_done = False
            if all_done:
                break
            time.sleep(2)
        results = []
        for exp in experiments:
            status = get_shell_status(exp["shell_id"])
            output = get_shell_output(exp["shell_id"])
            results.append(
                {
                    "config": exp["config"],
                    "question": exp["question"],
                    "exit_code": output["exit_code"],
                    "duration": status["duration_seconds"],
                    "status": status["status"],
                }
            )
        return results

    return run_experiments_in_parallel


@pytest.mark.spec("AUTO-049")
def test_the_guides_parallel_experiments_run_as_written(program, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_team(tmp_path)
    questions = ["Which colour?", "And now?", "Once more?"]
    try:
        results = guide()([("team.yaml", question) for question in questions])
    finally:
        for shell in list_shells():
            kill_shell(shell["shell_id"])
    assert [(result["exit_code"], result["status"]) for result in results] == [(0, "stopped")] * 3
    logs = (tmp_path / ".massgen" / "massgen_logs").glob("log_*")
    assert len([log for log in logs if not log.is_symlink()]) == 3


@pytest.mark.slow
@pytest.mark.spec("AUTO-084")
def test_ten_inner_runs_at_once_do_not_disturb_each_other(program, tmp_path: Path) -> None:
    agent = make_agent(tmp_path)
    write_team(tmp_path / "ws1")

    async def use() -> list[tuple[str, str]]:
        start = "massgen --automation --config team.yaml 'Which colour?'"
        ids = [(await agent.ask("start_background_shell", command=start))["shell_id"] for _ in range(10)]
        outputs = [await ended(agent, shell_id) for shell_id in ids]
        assert [output["exit_code"] for output in outputs] == [0] * 10, outputs
        return [(named(one["stdout"], "LOG_DIR"), named(one["stdout"], "WINNER")) for one in outputs]

    found = within(agent, use=use)
    assert len({log for log, _ in found}) == 10
    assert {winner for _, winner in found} == {"red"}
