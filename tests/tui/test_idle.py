"""Where nothing changes nothing is drawn: an application that is left open costs next to nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from massgen.events.types import AttemptStart, SessionEnd, StartedStreaming
from massgen.tui.prompt import Prompt
from massgen.tui.session import SessionApp
from massgen.tui.viewer import ViewerApp, Watch
from tests.interactive.teams import write_team
from tests.tui.scene import finished, play, screen_text, until, write_log
from tests.tui.sessions import application, leave, say
from tests.tui.test_viewer import END, START

LOOK = 1.3
"""Longer than every interval of the application."""


class Counting:
    """Counts what is drawn."""

    drawn = 0

    def draw_header(self) -> None:
        self.drawn += 1
        super().draw_header()  # type: ignore[misc]

    def frame(self) -> None:
        self.drawn += 1
        super().frame()  # type: ignore[misc]


class CountingViewer(Counting, ViewerApp):
    pass


class CountingSession(Counting, SessionApp):
    pass


async def at_rest(app: Any, pilot: Any) -> None:
    """Come back once nothing was drawn for a while: what is still to be drawn may take its time."""
    for _ in range(20):
        before = app.drawn
        await pilot.pause(LOOK)
        if app.drawn == before:
            return
    raise AssertionError("the application draws on and on")


async def is_drawn(app: Any, pilot: Any, times: int) -> None:
    """Come back once it was drawn so often."""
    before = app.drawn
    await until(pilot, lambda: app.drawn >= before + times)


def counting(root: Path, alive: bool = True) -> CountingViewer:
    return CountingViewer(Watch(root=root), lambda pid, started: alive)


def test_a_finished_run_is_drawn_once(tmp_path: Path):
    app = counting(finished(tmp_path))

    async def story(pilot):
        await until(pilot, lambda: app.feed.state.complete and not app.feed.changed)
        await pilot.press("r")
        await until(pilot, lambda: "COORDINATION TABLE" in screen_text(app))
        await at_rest(app, pilot)

    play(app, story)


@pytest.mark.spec("TUI-068")
def test_a_dead_run_is_drawn_once(tmp_path: Path):
    app = counting(write_log(tmp_path, (None, START), (None, AttemptStart())), alive=False)

    async def story(pilot):
        await until(pilot, lambda: "interrupted" in screen_text(app))
        await at_rest(app, pilot)

    play(app, story)


@pytest.mark.spec("TUI-060", "TUI-063")
def test_a_run_that_goes_on_has_a_clock_and_the_next_turn_is_seen(tmp_path: Path):
    root = write_log(tmp_path, (None, START), (None, AttemptStart()))
    app = counting(root)

    async def story(pilot):
        await until(pilot, lambda: bool(app.panels))
        await is_drawn(app, pilot, 2)
        write_log(root, (None, END), first=3)
        await until(pilot, lambda: "done" in screen_text(app))
        await at_rest(app, pilot)
        write_log(root, (None, START), (None, AttemptStart()), ("amber", StartedStreaming()), turn=2, first=4)
        await until(pilot, lambda: "turn 2" in screen_text(app) and "first answer" in screen_text(app))
        await is_drawn(app, pilot, 2)
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: app.feed.state.turn == 1 and app.feed.state.complete)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: app.feed.state.turn == 2)

    play(app, story)


def test_a_viewer_that_came_before_the_first_event_shows_the_run(tmp_path: Path):
    app = counting(tmp_path)

    async def story(pilot):
        await until(pilot, lambda: "holds no events yet" in screen_text(app))
        write_log(tmp_path, (None, START), (None, AttemptStart()), (None, SessionEnd(exit_code=0, reason="complete")))
        await until(pilot, lambda: "done" in screen_text(app) and bool(app.panels))

    play(app, story)


def test_a_session_draws_nothing_between_its_turns_and_hears_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)
    write_team(tmp_path)
    app = CountingSession(application(tmp_path).start)

    async def story(pilot):
        await until(pilot, lambda: app.ready)
        await at_rest(app, pilot)
        for turn, question in enumerate(("Tabs or spaces?", "And in Go?"), 1):
            await say(app, pilot, question)
            await until(
                pilot, lambda turn=turn: app.feed.state.turn == turn and app.feed.state.complete and not app.running
            )
            await at_rest(app, pilot)
        app.query_one(Prompt).focus()
        await until(pilot, lambda: "Enter asks" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "i types" in screen_text(app))
        await leave(app, pilot)

    play(app, story)
