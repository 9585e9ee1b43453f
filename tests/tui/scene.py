"""Finished runs to look at, and the screens as text."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from massgen.config import load_config
from massgen.events.codec import encode
from massgen.events.types import Body, Event
from massgen.runs.request import RunRequest
from massgen.runs.run import Run
from massgen.tui.viewer import ViewerApp, Watch
from tests.interactive.teams import write_team

SIZES = ((80, 24), (120, 40), (200, 60))


def finished(directory: Path, names: Sequence[str] = ("amber", "birch"), **team: Any) -> Path:
    """The log of a run of a simulated team."""
    config = write_team(directory, names, **team)
    run = Run(RunRequest(loaded=load_config(config), question="Tabs or spaces?", launch=directory))
    run.prepare()
    assert asyncio.run(run.execute()).exit_code == 0
    return run.log_dir


def write_log(root: Path, *bodies: tuple[str | None, Body], turn: int = 1, attempt: int = 1, first: int = 1) -> Path:
    """Append events to the log of one attempt; each is (agent, body)."""
    directory = root / f"turn_{turn}" / f"attempt_{attempt}"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "events.jsonl").open("ab") as file:
        for number, (agent, body) in enumerate(bodies, first):
            event = Event(
                seq=number,
                timestamp=1_700_000_000.0 + number,
                turn=turn,
                attempt=attempt,
                agent_id=agent,
                round=0,
                body=body,
            )
            file.write(encode(event))
    return root


def viewer(root: Path, *, place: tuple[int, int] | None = None, speed: float = 0.0, alive: bool = True) -> ViewerApp:
    return ViewerApp(Watch(root=root, place=place, speed=speed), lambda pid, started: alive)


def screen_text(app: App[Any]) -> str:
    """What the screen shows, line by line."""
    return "\n".join("".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips())


async def until(pilot: Pilot[Any], condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Let the application work until `condition` holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            assert pilot.app._exception is None, pilot.app._exception
            await pilot.pause(0.02)
    await pilot.pause()


def play(app: App[Any], story: Callable[[Pilot[Any]], Awaitable[None]], size: tuple[int, int] = (120, 40)) -> None:
    """Run `story` against the application without a terminal."""

    async def bounded() -> None:
        async with asyncio.timeout(280), app.run_test(size=size, notifications=True) as pilot:
            await story(pilot)

    asyncio.run(bounded())
