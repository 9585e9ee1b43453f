"""What is typed while a turn runs, in the plain and the rich display: real terminals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from massgen.events.codec import read_run
from massgen.events.types import SessionStart
from tests.interactive.teams import FINAL, agent_turns, write_team
from tests.interactive.terminal import Terminal

PROMPT = "User: "
SLOW = 300.0
RICH = ("--display", "rich_terminal")
DISPLAYS = (("--no-display",), RICH)
display = pytest.mark.parametrize("display", DISPLAYS, ids=lambda words: words[-1].removeprefix("--"))


def slow_birch(directory: Path) -> None:
    """Amber is done at once; birch thinks for longer than any test takes."""
    write_team(directory, turns={"birch": agent_turns("birch", delay=SLOW)})


def ask(terminal: Terminal, question: str = "Tabs or spaces?") -> None:
    terminal.expect(PROMPT)
    terminal.line(question)
    terminal.expect("answer agent1.1")


def questions_of(directory: Path) -> list[str]:
    (log,) = (directory / ".massgen" / "massgen_logs").glob("log_2*")
    return [event.body.question for event in read_run(log) if isinstance(event.body, SessionStart)]


@pytest.mark.spec("SESS-046", "SESS-045")
@display
def test_cancel_after_answers_this_turn_to_its_end_and_asks_nothing_that_waits(tmp_path: Path, display):
    slow_birch(tmp_path)
    with Terminal(tmp_path, *display, "--config", "team.yaml") as terminal:
        ask(terminal)
        terminal.line("@birch be brief")
        terminal.expect("→ birch, at the next safe point")
        terminal.line("/cancel after")
        terminal.expect("Nothing further is asked after this turn.")
        terminal.line("/skip birch")
        terminal.expect("⊘ birch stops and is out for this turn; its answers stay.")
        terminal.expect(FINAL)
        terminal.expect("Not asked any more: be brief")
        terminal.expect(PROMPT)
        terminal.line("/quit")
        assert terminal.wait() == 0
        assert "Warning" not in terminal.text
    assert questions_of(tmp_path) == ["Tabs or spaces?"]
    (log,) = tmp_path.glob(".massgen/massgen_logs/log_2*/turn_1/attempt_1/massgen.log")
    assert "A person wants the session to stop after this turn." in log.read_text()
    (meta,) = tmp_path.glob(".massgen/sessions/*/turn_1/metadata.json")
    assert json.loads(meta.read_text())["status"] == "complete"


@pytest.mark.spec("SESS-046")
@display
def test_cancel_after_said_again_is_taken_back(tmp_path: Path, display):
    slow_birch(tmp_path)
    with Terminal(tmp_path, *display, "--config", "team.yaml") as terminal:
        ask(terminal)
        terminal.line("@birch And in Go?")
        terminal.expect("→ birch")
        terminal.line("/cancel after")
        terminal.expect("Nothing further is asked after this turn.")
        terminal.line("/CANCEL after")
        terminal.expect("What waits is asked after this turn.")
        terminal.line("/skip @birch")
        terminal.expect(FINAL)
        terminal.expect(f"{PROMPT}And in Go?")
        terminal.expect("answer agent1.1")
        terminal.line("/quit")
        terminal.expect("Cancellation requested")
        assert terminal.wait() == 0
    assert questions_of(tmp_path) == ["Tabs or spaces?", "And in Go?"]


@pytest.mark.spec("COORD-123", "SESS-027")
@display
def test_cancel_is_ctrl_c(tmp_path: Path, display):
    slow_birch(tmp_path)
    with Terminal(tmp_path, *display, "--config", "team.yaml") as terminal:
        ask(terminal)
        terminal.line("/cancel now")
        terminal.expect("Use /cancel to stop now, or /cancel after")
        terminal.line("/cancel")
        terminal.expect("Cancellation requested - saving partial progress...")
        terminal.expect("Turn cancelled. Partial progress saved.")
        terminal.expect(PROMPT)
        terminal.line("/cancel after")
        terminal.expect("No turn runs.")
        terminal.line("/quit")
        assert terminal.wait() == 0


@pytest.mark.spec("COORD-123", "AUTO-034")
@display
def test_cancel_ends_a_single_question_with_the_code_of_an_interruption(tmp_path: Path, display):
    slow_birch(tmp_path)
    with Terminal(tmp_path, *display, "--config", "team.yaml", "Tabs or spaces?") as terminal:
        terminal.expect("answer agent1.1")
        terminal.line("/cancel")
        terminal.expect("Partial progress saved. Session can be resumed with --continue")
        assert terminal.wait() == 4


@pytest.mark.spec("SESS-020", "SESS-045")
@display
def test_slips_are_told_and_reach_nobody(tmp_path: Path, display):
    slow_birch(tmp_path)
    with Terminal(tmp_path, *display, "--config", "team.yaml", "Tabs or spaces?") as terminal:
        terminal.expect("answer agent1.1")
        for typed, said in (
            ("/skip", "Skip which agent? /skip AGENT. At work: amber, birch"),
            ("/skip cedar", "There is no agent cedar at work. At work: amber, birch"),
            ("@brich be brief", "Nobody was told: there is no agent brich. The agents: amber, birch"),
            ("/status", "/status does nothing while a turn runs. /help lists what does."),
            ("/help", "Finish this turn, do not ask what waits; again: do"),
            ("/quit", "Cancellation requested"),
        ):
            terminal.line(typed)
            terminal.expect(said)
        assert terminal.wait() == 4
    assert "→" not in terminal.text


@pytest.mark.spec("SESS-045", "TUI-034")
@display
def test_lines_that_are_pasted_are_one_message(tmp_path: Path, display):
    slow_birch(tmp_path)
    with Terminal(tmp_path, *display, "--config", "team.yaml") as terminal:
        ask(terminal)
        terminal.send("@birch Ünd in Go?\nAnd in Python?\n")
        terminal.expect("→ birch, at the next safe point")
        terminal.line("/skip birch")
        terminal.expect(FINAL)
        terminal.expect(PROMPT)
        terminal.expect("And in Python?")
        terminal.expect("works, on its own")
        terminal.line("/quit")
        assert terminal.wait() == 0
    assert questions_of(tmp_path) == ["Tabs or spaces?", "Ünd in Go?\nAnd in Python?"]


@pytest.mark.spec("TUI-003")
def test_the_rich_display_shows_what_is_typed_below_its_table_and_keeps_it_for_the_next_question(tmp_path: Path):
    slow_birch(tmp_path)
    with Terminal(tmp_path, *RICH, "--config", "team.yaml") as terminal:
        ask(terminal)
        terminal.expect("> type to tell the agents, /help shows more")
        terminal.send("And in Güxx\x7f\x7fx\x7fo?\x1b[D")
        terminal.expect("> And in Güo?█")
        terminal.send("\x17Gö \x17Go?")
        terminal.expect("> And in Go?█")
        terminal.interrupt()
        terminal.expect("Turn cancelled.")
        terminal.expect(f"{PROMPT}And in Go?")
        terminal.send("\r")
        terminal.expect("answer agent1.1")
        terminal.line("/quit")
        assert terminal.wait() == 0
    assert questions_of(tmp_path) == ["Tabs or spaces?", "And in Go?"]


@pytest.mark.spec("TUI-022", "TUI-003", "COORD-123")
def test_a_shell_gets_its_terminal_back_as_it_was_from_the_rich_display(tmp_path: Path):
    slow_birch(tmp_path)
    command = " ".join([sys.executable, "-m", "massgen", *RICH, "--config", "team.yaml", "'Tabs or spaces?'"])
    look = "stty -a | grep -qw -e -echo -e -icanon && echo raw$((40 + 2)) || echo cooked$((40 + 2))"
    with Terminal(tmp_path, program=("/bin/sh", "-i"), environment={"PS1": "shell> ", "ENV": None}) as terminal:
        terminal.expect("shell> ")
        terminal.line(command)
        terminal.expect("answer agent1.1")
        terminal.expect("> type to tell")
        terminal.send("\x1a")
        terminal.expect("Stopped")
        terminal.line(look)
        terminal.expect("cooked42")
        terminal.line("fg")
        terminal.expect("> type to tell")
        terminal.send("be brief")
        terminal.expect("> be brief█")
        terminal.interrupt()
        terminal.expect("Partial progress saved")
        terminal.expect("shell> ")
        terminal.line(look)
        terminal.expect("cooked42")
        terminal.line("exit")
        terminal.wait()


@pytest.mark.spec("SESS-045")
@display
def test_a_long_line_arrives_whole_or_is_said_to_be_cut(tmp_path: Path, display):
    slow_birch(tmp_path)
    with Terminal(tmp_path, *display, "--config", "team.yaml", "Tabs or spaces?") as terminal:
        terminal.expect("answer agent1.1")
        for _ in range(50):
            terminal.send("Be brief. " * 10)
            if display == RICH:
                terminal.expect("Be brief.")
        terminal.line("The end.")
        if display == RICH:
            terminal.expect("The end.")
        else:
            terminal.expect("The terminal took only 4095 bytes of that line")
        terminal.expect("→ all agents, at the next safe point")
        terminal.line("/cancel")
        assert terminal.wait() == 4
