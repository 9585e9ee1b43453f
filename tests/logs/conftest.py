from __future__ import annotations

from pathlib import Path

import pytest

from massgen.testing import answer_then_vote
from tests.logs.place import Massgen, command, played
from tests.views.scene import Scene


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log directory of one real run of two agents; nobody changes it."""
    launch = tmp_path_factory.mktemp("finished")
    scripts = {"m1": answer_then_vote("Four.", "agent1"), "m2": answer_then_vote("It is 4.", "agent1")}
    return played(launch, scripts).log_dir


@pytest.fixture
def massgen(capsys: pytest.CaptureFixture[str]) -> Massgen:
    return command(capsys)


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory of logs below the current directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ".massgen" / "massgen_logs"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def told(logs: Path) -> Scene:
    """A small run in `logs`, with its status on disk."""
    import json

    scene = Scene(logs / "log_20251218_134125_867383")
    scene.begin("Create a website about Bob Dylan")
    scene.round("ann")
    scene.call("ann", (6_035_629, 21_279), 0.54)
    for _ in range(3):
        scene.tool("ann", "mcp__files__read", "text")
    scene.tool("ann", "slow_tool", "boom" * 100, failed=True)
    scene.answer("ann", "agent1.1", "Four.")
    scene.vote("ann", "ann", "agent1.1")
    scene.present("ann", "agent1.1", "Four.")
    scene.end()
    (scene.here / "status.json").write_text(json.dumps(scene.snapshot()), encoding="utf-8")
    return scene
