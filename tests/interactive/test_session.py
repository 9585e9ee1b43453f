"""A session in plain text, through the real program in a real terminal."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from massgen.events.codec import read_run
from massgen.events.types import Injection, SessionStart
from tests.interactive.teams import FINAL, agent_turns, write_held_team, write_team
from tests.interactive.terminal import Terminal

PROMPT = "User: "
SLOW = 300.0


def start(directory: Path, *more: str, **options) -> Terminal:
    return Terminal(directory, "--no-display", "--config", "team.yaml", *more, **options)


def run_of(directory: Path):
    (log,) = (directory / ".massgen" / "massgen_logs").glob("log_2*")
    return log


@pytest.mark.spec("SESS-001", "SESS-003", "SESS-004", "SESS-006", "SESS-026", "SESS-040")
@pytest.mark.spec("CLI-011", "TUI-004", "TUI-031", "TUI-032")
def test_two_questions_get_two_answers_in_one_session(tmp_path: Path):
    write_team(tmp_path)
    with start(tmp_path) as terminal:
        shown = terminal.expect(PROMPT)
        assert "collaborate → 🎯 winner" in shown
        assert "Mode: Multi-Agent (2 agents)" in shown
        assert "├─ amber: amber (Simulated)" in shown and "└─ birch: birch (Simulated)" in shown
        assert "Use: /help, /quit, /reset, /status, /config, /context, /inspect" in shown
        for question in ("Tabs or spaces?", "And in Go?"):
            terminal.line(question)
            terminal.expect("Winner: amber")
            terminal.expect(FINAL)
            terminal.expect(PROMPT)
        terminal.line("/quit")
        terminal.expect("Exiting MassGen. Goodbye!")
        assert terminal.wait() == 0
    starts = [event.body for event in read_run(run_of(tmp_path)) if isinstance(event.body, SessionStart)]
    assert [body.question for body in starts] == ["Tabs or spaces?", "And in Go?"]


@pytest.mark.spec("SESS-005", "TUI-034")
def test_a_block_of_lines_is_one_question(tmp_path: Path):
    write_team(tmp_path, questions=["Tabs\nor spaces?"])
    with start(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.line('"""')
        terminal.line("Tabs")
        terminal.line("or spaces?")
        terminal.line('"""')
        terminal.expect(FINAL)
        terminal.expect(PROMPT)
        terminal.line("/q")
        assert terminal.wait() == 0
    (first,) = [event.body for event in read_run(run_of(tmp_path)) if isinstance(event.body, SessionStart)]
    assert first.question == "Tabs\nor spaces?"


@pytest.mark.spec("SESS-020", "SESS-021", "SESS-022")
def test_help_lists_every_command_and_status_tells_about_the_session(tmp_path: Path):
    config = write_team(tmp_path)
    with start(tmp_path, environment={"PATH": str(tmp_path)}) as terminal:
        terminal.expect(PROMPT)
        terminal.line("/h")
        shown = terminal.expect(PROMPT)
        for name in ("/help", "/status", "/config", "/context", "/inspect", "/clear", "/reset", "/quit", "/exit"):
            assert name in shown
        terminal.line("Tabs or spaces?")
        terminal.expect(FINAL)
        terminal.expect(PROMPT)
        terminal.line("/status")
        shown = terminal.expect(PROMPT)
        assert "Conversation: 1 turn(s)" in shown and str(config) in shown.replace("\n", "")
        terminal.line("/config")
        assert str(config) in terminal.expect(PROMPT).replace("\n", "")
        terminal.line("/nonsense")
        terminal.expect("There is no command /nonsense")
        terminal.line("/exit")
        assert terminal.wait() == 0


@pytest.mark.spec("SESS-023")
def test_a_context_path_that_does_not_exist_is_refused_before_its_permission_is_asked(tmp_path: Path):
    write_team(tmp_path)
    (tmp_path / "docs").mkdir()
    with start(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.line("/context")
        terminal.expect("Path (empty line to finish): ")
        terminal.line("dcos")
        refused = terminal.expect("Path (empty line to finish): ")
        assert "Error: " in refused and "dcos" in refused and "[R]ead" not in refused
        terminal.line("docs")
        terminal.expect("[R]ead (default) or [W]rite: ")
        terminal.line("w")
        terminal.expect("docs")
        terminal.expect("Path (empty line to finish): ")
        terminal.line("")
        terminal.expect(PROMPT)
        terminal.line("/context docs")
        terminal.expect("docs (write)")
        terminal.expect("[R]ead (default) or [W]rite: ")
        terminal.line("")
        terminal.expect(PROMPT)
        terminal.line("/quit")
        assert terminal.wait() == 0


@pytest.mark.spec("SESS-022")
def test_config_opens_the_file_with_the_program_of_the_platform(tmp_path: Path):
    config = write_team(tmp_path)
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    opener.chmod(0o755)
    os.mkfifo(tmp_path / "opened")
    with start(tmp_path, environment={"PATH": f"{tmp_path}:/usr/bin:/bin"}) as terminal:
        terminal.expect(PROMPT)
        terminal.line("/config")
        terminal.expect("Opened ")
        assert (tmp_path / "opened").read_text().strip() == str(config)
        terminal.line("/quit")
        assert terminal.wait() == 0


@pytest.mark.spec("SESS-024", "SESS-060", "SESS-061", "SESS-062", "SESS-063", "TUI-033")
def test_turns_are_inspected_one_by_one(tmp_path: Path):
    write_team(tmp_path)
    with start(tmp_path, environment={"PATH": str(tmp_path)}) as terminal:
        terminal.expect(PROMPT)
        terminal.line("Tabs or spaces?")
        terminal.expect(FINAL)
        terminal.expect(PROMPT)
        terminal.line("/inspect all")
        shown = terminal.expect(PROMPT)
        assert "Session: session_" in shown and "Tabs or spaces?" in shown and "/inspect <turn>" in shown
        terminal.line("/inspect 7")
        terminal.expect("Valid turns: 1 to 1")
        terminal.line("/i")
        shown = terminal.expect("Enter your choice:")
        assert "Turn 1 Inspection" in shown and "Turn Metadata" in shown and "Winner: amber" in shown
        assert "1: View amber output" in shown and "2: View birch output" in shown
        assert "w: List workspace files (0 files)" in shown
        for key, wanted in (("1", "amber says"), ("f", FINAL), ("r", "COORDINATION TABLE"), ("o", "no workspace")):
            terminal.line(key)
            assert wanted in terminal.expect("Enter your choice:")
        terminal.line("q")
        terminal.expect(PROMPT)
        terminal.line("/quit")
        assert terminal.wait() == 0


def requests_of(log: Path, turn: int) -> str:
    files = (log / f"turn_{turn}").glob("attempt_*/llm_calls/*.json")
    return "".join(json.dumps(json.loads(path.read_text())) for path in files)


@pytest.mark.spec("SESS-025")
def test_after_clear_the_next_turn_is_told_nothing_of_the_earlier_one(tmp_path: Path):
    write_team(tmp_path)
    with start(tmp_path) as terminal:
        terminal.expect(PROMPT)
        for line in ("Tabs or spaces?", "And in Go?"):
            terminal.line(line)
            terminal.expect(FINAL)
            terminal.expect(PROMPT)
        terminal.line("/clear")
        terminal.expect("starts afresh")
        terminal.line("And in Python?")
        terminal.expect(FINAL)
        terminal.expect(PROMPT)
        terminal.line("/inspect all")
        assert "Tabs or spaces?" in terminal.expect(PROMPT)
        terminal.line("/quit")
        assert terminal.wait() == 0
    log = run_of(tmp_path)
    assert "Tabs or spaces?" in requests_of(log, 2)
    assert "Tabs or spaces?" not in requests_of(log, 3) and "And in Go?" not in requests_of(log, 3)


@pytest.mark.spec("SESS-027", "TUI-023", "CLI-007")
def test_ctrl_c_at_the_prompt_leaves(tmp_path: Path):
    write_team(tmp_path)
    with start(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.interrupt_prompt()
        terminal.expect("Goodbye!")
        assert terminal.wait() == 0


@pytest.mark.spec("SESS-027")
def test_ctrl_c_in_a_turn_saves_and_comes_back_to_the_prompt(tmp_path: Path):
    write_team(tmp_path, turns={"birch": agent_turns("birch", delay=SLOW)})
    with start(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.line("Tabs or spaces?")
        terminal.expect("answer agent1.1")
        terminal.interrupt()
        terminal.expect("Cancellation requested - saving partial progress...")
        terminal.expect("Turn cancelled. Partial progress saved. Enter your next question or /quit to exit.")
        terminal.expect(PROMPT)
        terminal.line("/quit")
        assert terminal.wait() == 0
    (meta,) = tmp_path.glob(".massgen/sessions/*/turn_1/metadata.json")
    assert json.loads(meta.read_text())["status"] == "incomplete"


@pytest.mark.spec("SESS-027", "COORD-124")
def test_a_second_interruption_leaves_at_once(tmp_path: Path):
    write_team(tmp_path, delay=SLOW)
    with start(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.line("Tabs or spaces?")
        terminal.expect("works, on its own")
        # Two signals of one kind may arrive as one; a different first one cannot swallow the second.
        os.kill(terminal.pid, signal.SIGTERM)
        terminal.interrupt()
        assert terminal.wait() == 4


@pytest.mark.spec("SESS-045")
def test_what_is_typed_while_the_team_works_reaches_the_agents(tmp_path: Path):
    gate = write_held_team(tmp_path)
    with start(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.line("Tabs or spaces?")
        terminal.expect("works, on its own")
        terminal.line("@birch be brief")
        terminal.expect("→ birch, at the next safe point")
        gate.touch()
        terminal.expect(FINAL)
        terminal.expect(PROMPT)
        terminal.line("/quit")
        assert terminal.wait() == 0
    said = [event for event in read_run(run_of(tmp_path)) if isinstance(event.body, Injection)]
    assert [(event.agent_id, event.body.source) for event in said] == [("birch", "human")]
    assert "be brief" in said[0].body.text


@pytest.mark.spec("WS-059")
def test_the_launch_directory_is_offered_with_protected_paths(tmp_path: Path):
    write_team(tmp_path, backend={"cwd": "work"})
    (tmp_path / "keep.txt").write_text("as it is")
    with start(tmp_path) as terminal:
        shown = terminal.expect("[C]ustom path: ")
        assert "No context paths configured" in shown and str(tmp_path) in shown.replace("\n", "")
        terminal.line("P")
        terminal.expect("Enter protected paths")
        terminal.line("keep.txt")
        terminal.line("")
        assert "(write)" in terminal.expect("🔒 keep.txt")
        terminal.expect(PROMPT)
        terminal.line("/context")
        assert f"{tmp_path} (write)" in terminal.expect("Path (empty line to finish): ").replace("\n", "")
        terminal.line("")
        terminal.line("/quit")
        assert terminal.wait() == 0


@pytest.mark.spec("SESS-044", "WS-075", "WS-076", "TUI-048")
def test_paths_are_completed_and_announced(tmp_path: Path):
    write_team(tmp_path, questions=["Tabs or spaces?", "Tabs or spaces in it?"])
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("print()")
    with start(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.send("Tabs or spaces in @src/ma\t")
        terminal.expect("@src/main.py")
        terminal.line("?")
        terminal.expect("Context paths from prompt:")
        terminal.expect("src/main.py (read)")
        terminal.expect("Updating agents with new context paths...")
        terminal.expect(PROMPT)
        terminal.line("/quit")
        assert terminal.wait() == 0


@pytest.mark.spec("TUI-003", "TUI-010", "SESS-010", "TUI-030", "CLI-012", "CLI-028")
def test_the_rich_display_ends_with_a_menu_of_the_turn(tmp_path: Path):
    write_team(tmp_path)
    with Terminal(tmp_path, "--display", "rich_terminal", "--config", "team.yaml", "Tabs or spaces?") as terminal:
        terminal.expect(FINAL)
        terminal.expect("[Turn Inspection Menu]")
        terminal.expect("Enter your choice:")
        terminal.line("s")
        terminal.expect("Enter your choice:")
        terminal.line("q")
        assert terminal.wait() == 0


@pytest.mark.spec("TUI-005")
@pytest.mark.parametrize("kind", ["dumb", None])
def test_a_terminal_that_can_nothing_gets_plain_text(tmp_path: Path, kind: str | None):
    write_team(tmp_path)
    with Terminal(tmp_path, "--config", "team.yaml", "Tabs or spaces?", environment={"TERM": kind}) as terminal:
        terminal.expect(FINAL)
        assert terminal.wait() == 0
        assert b"\x1b[" not in terminal.raw


@pytest.mark.spec("SESS-003")
def test_what_a_simulated_team_knows_is_offered_with_up_and_kept_once(tmp_path: Path):
    write_team(tmp_path)
    for _ in range(2):
        with start(tmp_path) as terminal:
            terminal.expect("This team is simulated and knows what to say to this (Up, then Enter):")
            terminal.expect("Tabs or spaces?")
            terminal.expect(PROMPT)
            terminal.send("\x1b[A")
            terminal.expect("Tabs or spaces?")
            terminal.send("\r")
            terminal.expect(FINAL)
            terminal.expect(PROMPT)
            terminal.line("/quit")
            assert terminal.wait() == 0
    assert (tmp_path / ".massgen" / "history").read_text().count("Tabs or spaces?") <= 2


@pytest.mark.spec("SESS-003", "SESS-004")
def test_the_start_screen_fits_a_narrow_terminal(tmp_path: Path):
    write_team(tmp_path)
    with start(tmp_path, size=(60, 15)) as terminal:
        shown = terminal.expect("This team is simulated")
        frames = [line for line in shown.splitlines() if line[:1] in ("╭", "│", "╰")]
        assert {len(line) for line in frames if line[:1] != "│"} == {60}
        assert max(map(len, frames)) <= 60 and all("…" not in line for line in frames)
        assert "/context, /inspect" in shown


@pytest.mark.spec("SESS-005", "TUI-034")
def test_a_paste_of_several_lines_is_one_question_that_waits_for_enter(tmp_path: Path):
    write_team(tmp_path, questions=["Tabs\nor spaces?"])
    with start(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.send("\x1b[200~Tabs\ror spaces?\x1b[201~")
        terminal.expect("or spaces?")
        terminal.send("\r")
        terminal.expect(FINAL)
        terminal.expect(PROMPT)
        terminal.line("/quit")
        assert terminal.wait() == 0
    (first,) = [event.body for event in read_run(run_of(tmp_path)) if isinstance(event.body, SessionStart)]
    assert first.question == "Tabs\nor spaces?"


@pytest.mark.spec("SESS-005")
def test_ctrl_c_drops_a_block_and_ctrl_d_ends_it(tmp_path: Path):
    write_team(tmp_path)
    with start(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.line('"""')
        terminal.expect("... ")
        terminal.line("And in Go?")
        terminal.expect("... ")
        terminal.interrupt_prompt()
        terminal.expect(PROMPT)
        terminal.line('"""')
        terminal.expect("... ")
        terminal.line("Tabs or spaces?")
        terminal.expect("... ")
        terminal.send("\x04")
        terminal.expect(FINAL)
        terminal.expect(PROMPT)
        terminal.line("/quit")
        assert terminal.wait() == 0
    (first,) = [event.body for event in read_run(run_of(tmp_path)) if isinstance(event.body, SessionStart)]
    assert first.question == "Tabs or spaces?"


@pytest.mark.spec("SESS-023", "SESS-024", "SESS-027")
@pytest.mark.parametrize("key", ["ctrl-c", "ctrl-d"])
def test_who_leaves_the_questions_of_a_command_is_back_at_the_prompt(tmp_path: Path, key: str):
    def leave() -> None:
        terminal.interrupt_prompt() if key == "ctrl-c" else terminal.send("\x04")

    write_team(tmp_path)
    with start(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.line("/context")
        terminal.expect("Path (empty line to finish): ")
        leave()
        terminal.expect(PROMPT)
        terminal.line("Tabs or spaces?")
        terminal.expect(FINAL)
        terminal.expect(PROMPT)
        terminal.line("/inspect")
        terminal.expect("Enter your choice:")
        leave()
        terminal.expect(PROMPT)
        terminal.line("/quit")
        assert terminal.wait() == 0
