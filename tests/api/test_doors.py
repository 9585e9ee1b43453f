"""One script, several doors: the same answer and the same log tree."""

from __future__ import annotations

import asyncio
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


@pytest.mark.spec("LOG-020", "SRV-009")
def test_command_line_python_and_server_leave_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launches = {name: tmp_path / name for name in ("command", "python", "open", "server")}
    for launch in launches.values():
        launch.mkdir()
    models = {"model-a": answer_then_vote("First."), "model-b": answer_then_vote("Second.")}

    async def story() -> None:
        async with place(tmp_path, models) as here:
            monkeypatch.chdir(launches["command"])
            command = [sys.executable, "-m", "massgen", "--config", str(here.config), "--automation", "What is 2+2?"]
            done = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
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
    assert trees["python"] == trees["open"] == trees["server"] == trees["command"]
