"""Background jobs on the screen: a ribbon while they run, and the list of all of the turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from massgen.events.codec import read_run
from massgen.events.types import BackgroundJob, SessionEnd
from massgen.tui.ribbon import JobRibbon
from tests.interactive.teams import agent_turns, write_team
from tests.tui.scene import play, screen_text, until, viewer, write_log
from tests.tui.sessions import application, leave
from tests.tui.test_viewer import START

FUNCTIONS = '''
import asyncio
from pathlib import Path


async def slow(gate: str) -> str:
    """Wait for a file."""
    while not Path(gate).exists():
        await asyncio.sleep(0.02)
    return "slow is done"
'''
BEGIN = "custom_tool__start_background_tool"
WAIT = "custom_tool__wait_for_background_tool"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)


def team_with_job(directory: Path, then: dict[str, Any]) -> Path:
    """amber starts a job that waits for the file that is returned, then does `then`."""
    (directory / "functions.py").write_text(FUNCTIONS)
    gate = directory / "gate"
    start = {"name": BEGIN, "arguments": {"tool_name": "custom_tool__slow", "arguments": {"gate": str(gate)}}}
    turns = [
        {"when": {"after_tool": WAIT, "answers_below": 1}, "answer": "A formatter.", "delay": 0.0},
        {"when": {"after_tool": BEGIN, "answers_below": 1}, "delay": 0.0, **then},
        {"when": {"answers_below": 1}, "calls": [start], "delay": 0.0},
        *agent_turns("amber")[1:],
    ]
    tools = {"custom_tools": [{"path": str(directory / "functions.py"), "function": "slow"}]}
    write_team(directory, ("amber",), turns={"amber": turns}, backend=tools)
    return gate


@pytest.mark.spec("TUI-019", "BG-017")
def test_a_job_stands_in_the_ribbon_while_it_runs_and_in_the_list_with_its_end(tmp_path: Path):
    gate = team_with_job(tmp_path, {"calls": [{"name": WAIT, "arguments": {"timeout_seconds": 250}}]})
    app = application(tmp_path, "Tabs or spaces?")

    async def story(pilot):
        await until(pilot, lambda: "1 background job (b)" in screen_text(app))
        assert "amber: slow" in screen_text(app)
        await pilot.press("escape", "b")
        await until(pilot, lambda: "● running" in screen_text(app))
        gate.touch()
        await until(pilot, lambda: "✓ completed" in screen_text(app))
        await pilot.press("b")
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        await until(pilot, lambda: not app.query_one(JobRibbon).display)
        await leave(app, pilot)

    play(app, story)
    assert app.log_dir is not None
    told = [event.body for event in read_run(app.log_dir) if isinstance(event.body, BackgroundJob)]
    assert [(body.tool, body.status) for body in told] == [
        ("custom_tool__slow", "running"),
        ("custom_tool__slow", "completed"),
    ]
    assert told[0].job_id == told[1].job_id and told[1].milliseconds > 0


@pytest.mark.spec("TUI-019", "BG-017", "BG-018")
def test_a_job_that_the_end_of_the_turn_stops_is_shown_as_cancelled(tmp_path: Path):
    team_with_job(tmp_path, {"answer": "A formatter."})
    app = application(tmp_path, "Tabs or spaces?")

    async def story(pilot):
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        await pilot.press("escape", "b")
        await until(pilot, lambda: "■ cancelled" in screen_text(app))
        await pilot.press("escape")
        await leave(app, pilot)

    play(app, story)
    assert app.log_dir is not None
    bodies = [event.body for event in read_run(app.log_dir)]
    end = next(position for position, body in enumerate(bodies) if isinstance(body, SessionEnd))
    assert not any(isinstance(body, BackgroundJob) for body in bodies[end:])


SHELL = "mcp__command_line__start_background_shell"
EXECUTE = "mcp__command_line__execute_command"


def until_there(name: str) -> str:
    return f"until [ -e {name} ]; do sleep 0.05; done"


def team_with_shells(directory: Path) -> None:
    """amber starts three shells: one ends with the file `first`, one fails then, one runs on; the answer waits for
    the file `second`."""
    commands = (until_there("first"), f"{until_there('first')}; exit 3", "sleep 600")
    starts = [{"name": SHELL, "arguments": {"command": command}} for command in commands]
    wait = {"name": EXECUTE, "arguments": {"command": until_there("second")}}
    turns = [
        {"when": {"after_tool": EXECUTE, "answers_below": 1}, "answer": "A formatter.", "delay": 0.0},
        {"when": {"after_tool": SHELL, "answers_below": 1}, "calls": [wait], "delay": 0.0},
        {"when": {"answers_below": 1}, "calls": starts, "delay": 0.0},
        *agent_turns("amber")[1:],
    ]
    write_team(
        directory, ("amber",), turns={"amber": turns}, backend={"cwd": "place", "enable_mcp_command_line": True}
    )


@pytest.mark.spec("TUI-019", "EXEC-076")
def test_background_shells_stand_there_too_with_their_command_and_their_end(tmp_path: Path):
    team_with_shells(tmp_path)
    app = application(tmp_path, "Tabs or spaces?")

    async def story(pilot):
        await until(pilot, lambda: "3 background jobs (b)" in screen_text(app))
        assert "amber: $ until [ -e first ]" in screen_text(app)
        place = next(path for path in tmp_path.rglob("place_*") if path.is_dir())
        await pilot.press("escape", "b")
        await until(pilot, lambda: screen_text(app).count("● running") == 3)
        (place / "first").touch()
        await until(pilot, lambda: "✓ completed" in screen_text(app) and "✗ error" in screen_text(app))
        (place / "second").touch()
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        await until(pilot, lambda: "■ cancelled" in screen_text(app))
        await pilot.press("b")
        await leave(app, pilot)

    play(app, story)
    assert app.log_dir is not None
    told = [event.body for event in read_run(app.log_dir) if isinstance(event.body, BackgroundJob)]
    assert sorted(body.status for body in told) == ["completed", "error", "running", "running", "running"]
    assert all(body.job_id.startswith("shell_") for body in told)


@pytest.mark.spec("TUI-019", "TUI-060")
@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_the_viewer_shows_jobs_too_and_says_where_there_are_none(tmp_path: Path, size: tuple[int, int]):
    jobs = [
        ("amber", BackgroundJob(job_id=f"job_{n}", tool="custom_tool__\x1b[31mtest 漢字" + "x" * 90, status="running"))
        for n in range(12)
    ]
    app = viewer(write_log(tmp_path, (None, START), *jobs))
    empty = viewer(write_log(tmp_path / "other", (None, START)))

    async def story(pilot):
        await until(pilot, lambda: "12 background jobs (b)" in screen_text(app))
        await pilot.press("b")
        await until(pilot, lambda: "● running" in screen_text(app))
        assert "\x1b" not in screen_text(app)

    async def nothing(pilot):
        await until(pilot, lambda: bool(empty.panels))
        await pilot.press("b")
        await until(pilot, lambda: "No background jobs" in screen_text(empty))

    play(app, story, size)
    play(empty, nothing, size)
