"""What agents, tools and files say is shown; what it would do to the terminal never gets there. Real terminals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from massgen.events.types import (
    AgentStatus,
    AttemptStart,
    Body,
    Content,
    FactRecorded,
    FinalAnswer,
    NewAnswer,
    SessionEnd,
    SessionStart,
    StartedStreaming,
    ToolEnd,
    ToolStart,
    Vote,
    Warned,
)
from tests.interactive.teams import agent_turns, write_team
from tests.interactive.terminal import Terminal
from tests.tui.scene import write_log

ATTACKS = {
    "torn": "\x1b]0;ow",
    "title": "\x1b]0;owned\x07",
    "clipboard": "\x1b]52;c;b3duZWQ=\x07",
    "link": "\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "question": "\x1b[31337n",
    "clear": "\x1b[31337J",
    "device": "\x1bP+q31337\x1b\\",
    "c1": "\u009b31337m",
    "c1 title": "\u009d0;owned\u009c",
    "direction": "\u202eetadpu\u2066",
    "bell": "\x07\x08\x0e",
}
HOSTILE = "".join(ATTACKS.values()) + " seen"
FORBIDDEN = (
    *(b"\x1b]0;ow", b"\x1b]52", b"\x1b]8;;http://evil", b"\x1b[31337", b"\x1bP+q", b"\xc2\x9b", b"\xc2\x9d"),
    *("\u202e".encode(), "\u2066".encode(), b"\x0e"),
)
DISPLAYS = (("--no-display",), ("--display", "rich_terminal"), ("--display", "textual"))


def assert_harmless(terminal: Terminal) -> None:
    found = [attack for attack in FORBIDDEN if attack in terminal.raw]
    assert not found, found


@pytest.mark.spec("TUI-022", "TUI-010", "TUI-004")
@pytest.mark.parametrize("display", DISPLAYS, ids=lambda words: words[-1].removeprefix("--"))
def test_models_cannot_steer_the_terminal_of_a_run(tmp_path: Path, display: tuple[str, ...]):
    call = {"name": f"mcp__{HOSTILE}", "arguments": {"path": HOSTILE}}
    turns = [
        {"when": {"presenting": True}, "say": f"The end: {HOSTILE}", "delay": 0.0},
        {"when": {"after_tool": call["name"]}, "think": HOSTILE, "answer": f"An answer: {HOSTILE}", "delay": 0.0},
        {"when": {"answers_below": 1}, "calls": [call], "delay": 0.0},
        {"vote": {"for": "agent1", "reason": f"Because {HOSTILE}"}, "delay": 0.0},
    ]
    write_team(tmp_path, turns={"amber": turns, "birch": agent_turns("birch", think=HOSTILE)})
    with Terminal(tmp_path, *display, "--config", "team.yaml", "Tabs or spaces?") as terminal:
        terminal.expect("The end:")
        terminal.expect("seen")
        if "textual" in display:
            terminal.expect_ever("FINAL ANSWER amber")
            terminal.expect_ever(" done ")
            terminal.send("\x11")
        elif "rich_terminal" in display:
            terminal.expect("Enter your choice:")
            terminal.line("1")
            terminal.expect("Enter your choice:")
            terminal.line("q")
        assert terminal.wait() == 0
        assert_harmless(terminal)


def hostile_log(root: Path) -> Path:
    """Every text of a log is an attack, file names and contents too."""
    name = f"amber{HOSTILE}"
    told: list[tuple[str | None, Body]] = [
        (None, SessionStart(question=f"Why? {HOSTILE}", agents=(name,), models=(HOSTILE,), pid=1)),
        (None, AttemptStart(reason=HOSTILE, instructions=HOSTILE)),
        (name, AgentStatus(status="streaming")),
        (name, StartedStreaming(context=(HOSTILE,))),
        (name, Content(content_kind="reasoning", text=HOSTILE)),
        (name, Content(content_kind="text", text=HOSTILE)),
        (name, ToolStart(call_id="1", name=HOSTILE, arguments=json.dumps({HOSTILE: HOSTILE}))),
        (name, ToolEnd(call_id="1", name=HOSTILE, result=HOSTILE, is_error=True, milliseconds=1)),
        (name, Warned(text=HOSTILE)),
        (name, FactRecorded(fact="AnswerProposed", at=0.0, values={"text": HOSTILE})),
        (name, NewAnswer(label=f"agent1.1{HOSTILE}", preview=HOSTILE)),
        (name, Vote(agent=name, label=f"agent1.1{HOSTILE}", reason=HOSTILE)),
        (
            name,
            FinalAnswer(
                label="agent1.1", preview=HOSTILE, text=f"# {HOSTILE}\n\n[text](http://evil.example) {HOSTILE}"
            ),
        ),
        (None, SessionEnd(exit_code=0, reason="complete", message=HOSTILE)),
    ]
    write_log(root, *told)
    attempt = root / "turn_1" / "attempt_1"
    workspace = attempt / "amber" / "1" / "workspace"
    workspace.mkdir(parents=True)
    (workspace / HOSTILE.replace("/", "_")[:200]).write_text(HOSTILE)
    (attempt / "snapshot_mappings.json").write_text(json.dumps({f"agent1.1{HOSTILE}": {"path": "amber/1"}}))
    return root


@pytest.mark.spec("TUI-022", "TUI-060", "TUI-065")
def test_a_log_cannot_steer_the_terminal_of_the_viewer(tmp_path: Path):
    log = hostile_log(tmp_path / ".massgen" / "massgen_logs" / "log_20260101_000000_000000")
    with Terminal(tmp_path, "viewer", "--pick") as terminal:
        terminal.expect("Why?")
        terminal.send("\r")
        terminal.expect("FINAL ANSWER")
        for key, wanted in (("r", "Coordination"), ("a", "Answers"), ("t", "Timeline"), ("c", "Conversation"),
                            ("w", "Workspace"), ("f", "Final answer")):  # fmt: skip
            terminal.send(key)
            terminal.expect(wanted)
            terminal.send("q")
        terminal.send("1e")
        terminal.send("\x11")
        assert terminal.wait() == 0
        assert_harmless(terminal)
    for words in (("logs", "list"), ("logs", "show", str(log)), ("replay", str(log))):
        with Terminal(tmp_path, *words) as terminal:
            terminal.wait()
            assert_harmless(terminal)
