"""Steering a turn from the application: skip an agent, stop after the turn, tell one agent; and the mode bar."""

from __future__ import annotations

from pathlib import Path

import pytest

from massgen.cli.ask import ask_command
from massgen.cli.modes import modes_of, prepared_again
from massgen.events.codec import read_run
from massgen.events.types import FactRecorded, Warned
from massgen.tui.modes import ModeToggle
from tests.interactive.teams import FINAL, agent_turns, write_team
from tests.tui.scene import play, screen_text, until
from tests.tui.sessions import SLOW, application, leave, say


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)


def stuck_team(directory: Path) -> None:
    """amber answers at once, birch never."""
    write_team(directory, turns={"birch": agent_turns("birch", delay=SLOW)})


@pytest.mark.spec("SESS-045", "TUI-011")
@pytest.mark.parametrize("way", ["key", "command"])
def test_a_skipped_agent_is_out_and_the_turn_ends_with_the_others(tmp_path: Path, way: str):
    stuck_team(tmp_path)
    app = application(tmp_path, "Tabs or spaces?")

    async def story(pilot):
        await until(pilot, lambda: bool(app.feed.state.answers) and bool(app.panels))
        if way == "command":
            await say(app, pilot, "/skip nobody")
            await until(pilot, lambda: "There is no agent nobody" in screen_text(app))
            await say(app, pilot, "/skip @birch")
        else:
            await pilot.press("escape", "2", "x")
            await until(pilot, lambda: "Skip which agent?" in screen_text(app))
            await pilot.press("enter")
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        assert app.feed.state.agents["birch"].shown == "skipped"
        await until(pilot, lambda: "⊘ skipped" in screen_text(app) and FINAL in screen_text(app))
        await leave(app, pilot)

    play(app, story)
    assert app.log_dir is not None
    facts = [event.body.fact for event in read_run(app.log_dir) if isinstance(event.body, FactRecorded)]
    assert facts.count("AgentSkipped") == 1


@pytest.mark.spec("SESS-046")
def test_what_waits_is_not_asked_after_the_turn_when_the_person_wants_it_to_be_the_last(tmp_path: Path):
    stuck_team(tmp_path)
    app = application(tmp_path, "Tabs or spaces?")

    async def story(pilot):
        await until(pilot, lambda: bool(app.feed.state.answers) and bool(app.panels))
        app.link.send({"do": "ask", "text": "And in Go?"})
        await say(app, pilot, "/cancel after")
        await until(pilot, lambda: "stops after this turn" in screen_text(app))
        await say(app, pilot, "/skip birch")
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        await until(pilot, lambda: "Not asked any more: And in Go?" in screen_text(app))
        assert app.feed.state.turn == 1 and app.feed.state.end_reason == "complete"
        await leave(app, pilot)

    play(app, story)
    assert app.log_dir is not None
    told = [event.body.text for event in read_run(app.log_dir) if isinstance(event.body, Warned)]
    assert sum("stop after this turn" in text for text in told) == 1


def test_stopping_after_the_turn_can_be_taken_back(tmp_path: Path):
    stuck_team(tmp_path)
    app = application(tmp_path, "Tabs or spaces?")

    async def story(pilot):
        await until(pilot, lambda: bool(app.feed.state.answers) and bool(app.panels))
        app.link.send({"do": "ask", "text": "And in Go?"})
        await pilot.press("escape", "s", "s")
        await until(pilot, lambda: "What waits is asked" in screen_text(app))
        await say(app, pilot, "/skip birch")
        await until(pilot, lambda: app.feed.state.turn == 2)
        await leave(app, pilot)

    play(app, story)


USUAL = {"agents": "all", "coordination": "parallel", "refine": "on", "personas": "off", "broadcast": "off"}


@pytest.mark.spec("TUI-006")
@pytest.mark.parametrize(
    ("arguments", "changed"),
    [
        ([], {}),
        (["--single-agent", "birch"], {"agents": "birch"}),
        (["--single-agent"], {"agents": "amber"}),
        (["--coordination-mode", "decomposition"], {"coordination": "decomposition"}),
        (["--coordination-mode", "parallel", "--quick"], {"refine": "off"}),
        (["--personas", "methodology"], {"personas": "methodology"}),
        (["--broadcast", "human"], {"broadcast": "human"}),
    ],
)
def test_each_flag_of_the_command_line_sets_its_mode(tmp_path: Path, arguments: list[str], changed: dict[str, str]):
    config = write_team(tmp_path)
    flags = ask_command.make_context("massgen", ["--config", str(config), *arguments]).params
    assert modes_of(prepared_again(flags)) == {**USUAL, **changed}


@pytest.mark.spec("TUI-006")
def test_the_mode_bar_shows_what_the_flags_ask_for_and_what_is_not_as_usual_where_it_is_narrow(tmp_path: Path):
    write_team(tmp_path)
    arguments = ["--single-agent", "birch", "--quick", "--broadcast", "human", "--cwd-context", "ro"]
    given = ask_command.make_context("massgen", arguments).params
    app = application(tmp_path, **{name: given[name] for name in ("single_agent", "quick", "broadcast", "cwd_context")})
    wide = "agents birch  work parallel  refine off  personas off  questions human  folder read"
    narrow = "agents birch  refine off  questions human  folder read"

    async def story(pilot):
        await until(pilot, lambda: wide in screen_text(app))
        await pilot.resize_terminal(70, 24)
        await until(pilot, lambda: narrow in screen_text(app))
        await pilot.resize_terminal(70, 12)
        await until(pilot, lambda: "agents birch" not in screen_text(app))
        await leave(app, pilot)

    play(app, story)


@pytest.mark.spec("TUI-006", "TUI-041")
def test_a_toggle_acts_on_the_next_turn(tmp_path: Path):
    write_team(tmp_path)
    app = application(tmp_path)

    async def story(pilot):
        await until(pilot, lambda: app.ready and "refine on" in screen_text(app))
        await say(app, pilot, "Tabs or spaces?")
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        assert any(round.kind == "presentation" for round in app.feed.rounds("amber"))
        await say(app, pilot, "/mode refine off")
        await until(pilot, lambda: "refine off" in screen_text(app))
        await say(app, pilot, "/mode agents birch")
        await until(pilot, lambda: "agents birch" in screen_text(app))
        await say(app, pilot, "And in Go?")
        await until(pilot, lambda: app.feed.state.turn == 2 and app.feed.state.complete and not app.running)
        assert list(app.feed.state.agents) == ["birch"] and list(app.panels) == ["birch"]
        assert not any(round.kind == "presentation" for round in app.feed.rounds("birch"))
        await leave(app, pilot)

    play(app, story)


@pytest.mark.spec("TUI-006", "TUI-041")
def test_toggles_turn_by_click_and_in_a_list_and_what_does_not_go_together_is_refused(tmp_path: Path):
    write_team(tmp_path)
    app = application(tmp_path)

    async def story(pilot):
        await until(pilot, lambda: app.ready and "work parallel" in screen_text(app))
        toggles = {toggle.mode.name: toggle for toggle in app.query(ModeToggle)}
        await pilot.click(toggles["personas"])
        await until(pilot, lambda: "personas perspective" in screen_text(app))
        await pilot.press("f5")
        await until(pilot, lambda: "from the next turn on" in screen_text(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.mode_bar.values["coordination"] == "decomposition")
        await until(pilot, lambda: app.mode_bar.values["personas"] == "off")
        assert "from the next turn on" in screen_text(app)
        await pilot.press("escape")
        await say(app, pilot, "/mode personas methodology")
        await until(pilot, lambda: "cannot be used in decomposition" in screen_text(app))
        assert app.mode_bar.values["personas"] == "off"
        await say(app, pilot, "/mode colour blue")
        await until(pilot, lambda: "Modes: agents all|amber|birch" in screen_text(app))
        await leave(app, pilot)

    play(app, story)
