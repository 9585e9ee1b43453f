"""An agent runs MassGen inside its own sandbox, against real HTTP, with a key that was granted by name."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from massgen.config import load_config
from massgen.runs.request import RunRequest
from massgen.runs.run import Run
from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, answer_then_vote, call, use
from tests.runs.place import KEY, Played, team

COMMAND = "mcp__command_line__execute_command"
CHILD = """
agents:
  - id: inner_one
    backend: {{type: chatcompletion, model: inner, base_url: "{url}", api_key: "${{CHILD_KEY}}"}}
  - id: inner_two
    backend: {{type: chatcompletion, model: inner, base_url: "{url}", api_key: "${{CHILD_KEY}}"}}
"""


def outer(url: list[str]) -> Any:
    """Writes the child's team, runs it, reads its status and answer, and answers with what it read."""
    finish = answer_then_vote("as the inner team says")

    def turn(request: ReceivedRequest) -> Turn | None:
        results = [result.text for result in request.view.results]
        match len(results):
            case 0:
                return use(call("mcp__filesystem__write_file", path="team.yaml", content=CHILD.format(url=url[0])))
            case 1:
                return use(call(COMMAND, command="massgen --automation --config team.yaml 'What is 6*7?'", timeout=250))
            case 2:
                return use(call(COMMAND, command="cat .massgen/massgen_logs/log_latest/status.json"))
            case _:
                return finish(request)

    return turn


@pytest.mark.spec("AUTO-080", "AUTO-084")
def test_an_agent_runs_a_team_over_http_in_its_sandbox_and_reads_its_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("CHILD_KEY", KEY)
    backend = {
        "cwd": "outer",
        "enable_mcp_command_line": True,
        "command_line_execution_mode": "local",
        "command_line_env_passthrough": ["CHILD_KEY"],
    }

    async def story() -> Played:
        url: list[str] = []
        async with ScriptedProvider({"outer": outer(url), "inner": answer_then_vote("42")}) as server:
            url.append(server.openai_url)
            loaded = load_config({"agents": team(url[0], ["outer"], **backend)}, launch=tmp_path)
            run = Run(RunRequest(loaded=loaded, question="Ask a team.", launch=tmp_path, automation=True))
            run.prepare()
            return Played(await run.execute(), server, tmp_path)

    played = asyncio.run(story())
    assert played.result.exit_code == 0, played.result.message
    ran, status = (json.loads(result.text) for result in played.asked("outer")[3].view.results[1:3])
    lines = ran["stdout"].splitlines()
    assert ran["exit_code"] == 0, ran
    assert lines[0].startswith("LOG_DIR: ") and any(line.startswith("WINNER: ") for line in lines)
    inner = json.loads(status["stdout"])
    assert inner["is_complete"] and inner["results"]["final_answer_preview"] == "42"
    assert inner["meta"]["log_dir"] != str(played.result.log_dir)
    assert len(played.asked("inner")) == 5
    assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in played.asked("inner"))
    assert KEY not in played.text_log
