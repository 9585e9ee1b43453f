"""The application of a session: the screen here, the real engine in its own process."""

from __future__ import annotations

from pathlib import Path

import pytest

from massgen.tui.panel import AgentPanel
from massgen.tui.prompt import Prompt
from massgen.tui.screens import Change, ReviewScreen
from tests.interactive.teams import FINAL, agent_turns, write_held_team, write_team
from tests.interactive.terminal import Terminal
from tests.tui.scene import play, screen_text, until
from tests.tui.sessions import SLOW, application, leave


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)


@pytest.mark.spec("TUI-002", "TUI-010", "TUI-013", "TUI-014", "SESS-006")
def test_questions_are_asked_one_after_the_other(tmp_path: Path):
    write_team(tmp_path)
    app = application(tmp_path)

    async def story(pilot):
        await until(pilot, lambda: app.ready)
        assert "Multi-Agent (2 agents)" in screen_text(app)
        for turn, question in enumerate(("Tabs or spaces?", "And in Go?"), 1):
            await pilot.press(*({" ": "space", "?": "question_mark"}.get(key, key) for key in question), "enter")
            await until(pilot, lambda turn=turn: app.feed.state.turn == turn and app.feed.state.complete)
            await until(pilot, lambda: FINAL in screen_text(app) and not app.running)
        assert [turn.question for turn in app.feed.past] == ["Tabs or spaces?", "And in Go?"]
        await leave(app, pilot)

    play(app, story)
    assert app.return_code == 0 and app.last_answer == FINAL


@pytest.mark.spec("TUI-049")
def test_letters_in_the_input_are_text(tmp_path: Path):
    write_team(tmp_path)
    app = application(tmp_path)

    async def story(pilot):
        await until(pilot, lambda: app.ready)
        await pilot.press("r", "a", "question_mark")
        assert len(app.screen_stack) == 1 and app.query_one(Prompt).text == "ra?"
        await pilot.press("escape", "r")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("escape")
        await leave(app, pilot)

    play(app, story)


@pytest.mark.spec("TUI-023", "SESS-027", "TUI-012")
def test_ctrl_c_cancels_the_turn_and_the_session_goes_on(tmp_path: Path):
    write_team(tmp_path, turns={"birch": agent_turns("birch", delay=SLOW)})
    app = application(tmp_path, "Tabs or spaces?")

    async def story(pilot):
        await until(pilot, lambda: bool(app.feed.state.answers))
        assert "Initial answers" in screen_text(app)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        assert app.feed.state.end_reason == "cancelled"
        assert app.query_one(Prompt).has_focus
        await leave(app, pilot)

    play(app, story)


@pytest.mark.spec("SESS-045")
def test_words_for_one_agent_reach_the_engine(tmp_path: Path):
    gate = write_held_team(tmp_path)
    app = application(tmp_path, "Tabs or spaces?")

    async def story(pilot):
        await until(pilot, lambda: bool(app.feed.state.answers) and bool(app.panels))
        await pilot.press("escape", "2", "m")
        assert app.query_one(Prompt).text == "@birch "
        await pilot.press(*"be", "space", *"brief", "enter")
        await until(pilot, lambda: "→ birch, at the next safe point" in screen_text(app))
        gate.touch()
        await until(pilot, lambda: app.feed.state.complete)
        said = [
            piece.text
            for round in app.feed.rounds("birch")
            for piece in round.pieces
            if piece.kind == "note" and piece.text.startswith("human")
        ]
        assert len(said) == 1 and "be brief" in said[0]
        await leave(app, pilot)

    play(app, story)


@pytest.mark.spec("TUI-041", "SESS-009")
def test_ctrl_p_goes_through_the_permissions_of_the_directory(tmp_path: Path):
    write_team(tmp_path)
    app = application(tmp_path)

    async def story(pilot):
        await until(pilot, lambda: app.ready)
        seen = []
        for _ in range(3):
            await pilot.press("ctrl+p")
            seen.append(app.context)
        assert seen == ["read", "write", "off"]
        await leave(app, pilot)

    play(app, story)


@pytest.mark.spec("WS-033")
@pytest.mark.parametrize(("keys", "accepted"), [(("space", "enter"), ["/p/a"]), (("a", "enter"), ["/p/a", "/p/b"])])
def test_ticked_changes_are_accepted_and_impossible_ones_never(tmp_path: Path, keys, accepted: list[str]):
    write_team(tmp_path)
    app = application(tmp_path)
    changes = [
        Change("/p/a", "added", "+one\n", "", False),
        Change("/p/b", "modified", "-two\n+three\n", "", True),
        Change("/p/c", "added", "+four\n", "it lies behind a link", False),
    ]
    decided: list[list[str] | None] = []

    async def story(pilot):
        await until(pilot, lambda: app.ready)
        app.push_screen(ReviewScreen(changes), decided.append)
        await until(pilot, lambda: "+one" in screen_text(app))
        assert "3 changed file(s)" in screen_text(app) and "you changed it!" in screen_text(app)
        await pilot.press(*keys)
        await until(pilot, lambda: bool(decided))
        await leave(app, pilot)

    play(app, story)
    assert decided == [accepted]


@pytest.mark.spec("TUI-001", "TUI-002", "TUI-022", "TUI-013")
def test_the_program_opens_the_application_and_gives_the_terminal_back(tmp_path: Path):
    write_team(tmp_path)
    with Terminal(tmp_path, "--config", "team.yaml", "Tabs or spaces?", size=(80, 24)) as terminal:
        terminal.expect("FINAL ANSWER amber")
        terminal.resize(50, 12)
        terminal.resize(120, 40)
        terminal.send("\x11")
        assert terminal.wait() == 0
        assert b"\x1b[?1049h" in terminal.raw and b"\x1b[?1049l" in terminal.raw
        assert terminal.text.rstrip().endswith(FINAL)


@pytest.mark.spec("TUI-023", "COORD-124")
def test_two_ctrl_c_leave_the_application_at_once(tmp_path: Path):
    write_team(tmp_path, delay=SLOW)
    with Terminal(tmp_path, "--config", "team.yaml", "Tabs or spaces?") as terminal:
        terminal.expect("working")
        terminal.send("\x03\x03")
        assert terminal.wait() == 4
        assert b"\x1b[?1049l" in terminal.raw


@pytest.mark.spec("CFG-008")
def test_a_configuration_that_is_wrong_is_told_after_the_screen(tmp_path: Path):
    (tmp_path / "team.yaml").write_text("agents: 7\n")
    with Terminal(tmp_path, "--config", "team.yaml", "Why?") as terminal:
        terminal.expect("Error:")
        assert terminal.wait() == 1


@pytest.mark.spec("TUI-010")
def test_panels_are_shown_for_each_agent_while_they_work(tmp_path: Path):
    names = [f"agent-{letter}" for letter in "abcdefgh"]
    write_team(tmp_path, names, delay=1.0)
    app = application(tmp_path, "Tabs or spaces?")

    async def story(pilot):
        await until(pilot, lambda: len(app.query(AgentPanel)) == 8)
        await until(pilot, lambda: app.feed.state.complete)
        await leave(app, pilot)

    play(app, story, (80, 24))


@pytest.mark.spec("SESS-006")
def test_a_simulated_team_says_what_it_can_be_asked(tmp_path: Path):
    write_team(tmp_path)
    app = application(tmp_path)

    async def story(pilot):
        await until(pilot, lambda: app.ready and "Up, then Enter" in screen_text(app))
        await pilot.press("up", "enter")
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        assert app.feed.state.question == "Tabs or spaces?"
        await leave(app, pilot)

    play(app, story)


@pytest.mark.spec("LOG-110", "LOG-111", "CLI-037")
def test_logfire_is_asked_for_in_the_engine_and_what_is_missing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_team(tmp_path)
    (tmp_path / "logfire.py").write_text("raise ModuleNotFoundError('no logfire')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[2]}")
    app = application(tmp_path, "Tabs or spaces?", logfire=True)

    async def story(pilot):
        await until(pilot, lambda: "Logfire not installed" in screen_text(app))
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        await leave(app, pilot)

    play(app, story)
