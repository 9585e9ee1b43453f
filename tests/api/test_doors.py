"""One script, several doors: the same answer and the same log tree."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from asyncio.subprocess import DEVNULL
from pathlib import Path

import pytest

import massgen
from massgen.testing import answer_then_vote
from tests.api.place import place, play
from tests.server.place import serving


def tree(log: Path) -> set[str]:
    """Paths below a log directory, times replaced; model call files as one (their order is free)."""
    found = set()
    for path in log.rglob("*"):
        name = re.sub(r"\d{8}_\d{6}_\d{6}", "TIME", path.relative_to(log).as_posix())
        found.add(re.sub(r"llm_calls/.*", "llm_calls/CALL", name))
    return found


def only_log(launch: Path) -> Path:
    logs = [path for path in (launch / ".massgen" / "massgen_logs").glob("log_2*") if path.is_dir()]
    assert len(logs) == 1
    return logs[0]


def result(log: Path) -> tuple[str, dict[str, str]]:
    """The delivered text, and for whom each agent voted."""
    (answer,) = log.glob("turn_1/attempt_1/final/*/answer.txt")
    status = json.loads((log / "turn_1" / "attempt_1" / "status.json").read_text(encoding="utf-8"))
    votes = {name: agent["vote_cast"]["voted_for_label"] for name, agent in status["agents"].items()}
    return f"{answer.parent.name}: {answer.read_text(encoding='utf-8')}", votes


@pytest.mark.spec("LOG-020", "SRV-009")
def test_command_line_python_and_server_leave_the_same_files_and_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launches = {name: tmp_path / name for name in ("plain", "command", "python", "open", "server")}
    for launch in launches.values():
        launch.mkdir()
    models = {"model-a": answer_then_vote("First."), "model-b": answer_then_vote("Second.")}

    async def story() -> None:
        async with place(tmp_path, models) as here:
            for name, flags in (("plain", ()), ("command", ("--automation",))):
                command = [sys.executable, "-m", "massgen", "--config", str(here.config), *flags, "What is 2+2?"]
                done = await asyncio.create_subprocess_exec(
                    *command, cwd=launches[name], stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
                )
                assert await done.wait() == 0
            monkeypatch.chdir(launches["python"])
            await massgen.run("What is 2+2?", config=str(here.config), enable_logging=True)
            monkeypatch.chdir(launches["open"])
            async with massgen.open(here.config) as team:
                await team.ask("What is 2+2?")
        async with serving(launches["server"], models) as served:
            values = served.config.read_text()
            for old, new in (("research-agent", "openrouter-fast1"), ("analysis-agent", "openrouter-fast2")):
                values = values.replace(old, new)
            served.config.write_text(values)
            assert (await served.chat()).status_code == 200

    play(story)
    trees = {name: tree(only_log(launch)) for name, launch in launches.items()}
    assert {"metrics_summary.json", "execution_metadata.yaml", "coordination_events.json"} <= {
        name.rpartition("/")[2] for name in trees["python"]
    }
    assert trees["python"] == trees["open"] == trees["server"] == trees["command"] == trees["plain"]
    results = {name: result(only_log(launch)) for name, launch in launches.items()}
    assert results["python"][0] == "openrouter-fast1: First."
    assert all(found == results["python"] for found in results.values()), results
