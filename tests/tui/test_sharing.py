"""Ctrl+P decides what the agents of the next turn may do with the directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from massgen.events.codec import read_run
from massgen.events.continuing import Requested
from tests.interactive.teams import write_team
from tests.tui.scene import play, until
from tests.tui.sessions import application, leave, say


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)


@pytest.mark.spec("TUI-041", "WS-065", "SESS-009")
def test_the_turns_after_ctrl_p_get_what_it_says(tmp_path: Path):
    write_team(tmp_path)
    app = application(tmp_path)

    async def story(pilot):
        await until(pilot, lambda: app.ready)
        for turn in (1, 2, 3):
            await pilot.press("ctrl+p")
            await say(app, pilot, ("Tabs or spaces?", "And in Go?", "And in Python?")[turn - 1])
            await until(pilot, lambda turn=turn: app.feed.state.turn == turn and app.feed.state.complete)
            await until(pilot, lambda: not app.running)
        await leave(app, pilot)

    play(app, story)
    assert app.log_dir is not None
    asked = [json.dumps(event.body.values) for event in read_run(app.log_dir) if isinstance(event.body, Requested)]
    granted = [
        next((p for p in ("write", "read") if str(tmp_path) in text and f'"{p}"' in text), None)
        for text in (json.dumps(json.loads(value).get("context_paths", [])) for value in asked)
    ]
    assert granted == ["read", "write", None]
