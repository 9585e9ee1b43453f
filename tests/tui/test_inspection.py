"""`/inspect` in the application: the turns of the session, and each from the inside."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from massgen.config import load_config
from massgen.runs.request import RunRequest
from massgen.runs.run import Run
from massgen.tui.prompt import Prompt
from massgen.tui.screens import BrowseScreen
from tests.interactive.teams import FINAL, write_team
from tests.tui.scene import play, screen_text, until
from tests.tui.sessions import application, leave, say


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)


async def closed(app, pilot) -> None:
    """Close what is open, back to the input."""
    await pilot.press("escape")
    await until(pilot, lambda: len(app.screen_stack) == 1)
    app.query_one(Prompt).focus()


def asked_on_tuesday(directory: Path) -> None:
    """A turn of the session `tuesday` that is over."""
    request = RunRequest(
        loaded=load_config(directory / "team.yaml"), question="Tabs or spaces?", launch=directory, session_id="tuesday"
    )
    run = Run(request)
    run.prepare()
    assert asyncio.run(run.execute()).exit_code == 0


@pytest.mark.spec("SESS-024")
def test_before_the_first_turn_there_is_nothing_to_look_into(tmp_path: Path):
    write_team(tmp_path)
    app = application(tmp_path)

    async def story(pilot):
        await until(pilot, lambda: app.ready)
        await say(app, pilot, "/inspect")
        await until(pilot, lambda: "No turns yet" in screen_text(app))
        await leave(app, pilot)

    play(app, story)


@pytest.mark.spec("SESS-024", "SESS-060", "SESS-061", "SESS-062", "SESS-063", "TUI-033")
def test_turns_are_looked_into_also_those_of_an_earlier_day(tmp_path: Path):
    write_team(tmp_path)
    asked_on_tuesday(tmp_path)
    app = application(tmp_path, session_id="tuesday")

    async def story(pilot):
        await until(pilot, lambda: app.ready and "1 earlier turn(s)" in screen_text(app))
        await pilot.press("up")
        assert app.query_one(Prompt).text == "Tabs or spaces?"
        await say(app, pilot, "And in Go?")
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        await say(app, pilot, "/inspect")
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen) and "And in Go?" in screen_text(app))
        text = screen_text(app)
        assert FINAL in text and "Output of amber" in text and "Turn 2" in text
        await pilot.press("down")
        await until(pilot, lambda: "amber says: a formatter." in screen_text(app))
        await pilot.press("down", "down")
        await until(pilot, lambda: "COORDINATION TABLE" in screen_text(app))
        await closed(app, pilot)
        await say(app, pilot, "/inspect 9")
        await until(pilot, lambda: "There is no turn 9. Valid turns: 1 to 2." in screen_text(app))
        await say(app, pilot, "/inspect all")
        await until(pilot, lambda: "Turns of this session" in screen_text(app))
        await pilot.press("up", "enter")
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen) and "Tabs or spaces?" in screen_text(app))
        await closed(app, pilot)
        await leave(app, pilot)

    play(app, story)
