"""The viewer over finished, growing, dead and damaged logs."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from massgen.events.types import (
    AgentStatus,
    AttemptStart,
    Content,
    NewAnswer,
    OrchestrationRestart,
    SessionEnd,
    SessionStart,
    StartedStreaming,
    ToolEnd,
    ToolStart,
)
from massgen.tui.final import FinalPanel
from massgen.tui.panel import AgentPanel
from massgen.tui.prompt import Prompt
from tests.interactive.teams import FINAL
from tests.tui.scene import SIZES, finished, play, screen_text, until, viewer, write_log

AGENTS = ("amber", "birch", "cedar")
START = SessionStart(question="Why?", agents=AGENTS, models=("m1", "m2", "m3"), pid=4_000_000, process_started=1.0)
END = SessionEnd(exit_code=0, reason="complete")


def checksum(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
        digest.update(str(path.lstat().st_mtime_ns).encode())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished(tmp_path_factory.mktemp("run"), AGENTS)


@pytest.mark.spec("TUI-010", "TUI-011", "TUI-013", "TUI-022", "TUI-060")
@pytest.mark.parametrize("size", SIZES)
def test_all_agents_and_the_result_are_on_one_screen(log: Path, size: tuple[int, int]):
    app = viewer(log)

    async def story(pilot):
        await until(pilot, lambda: app.feed.state.complete and FINAL in screen_text(app))
        panels = list(app.query(AgentPanel))
        assert [panel.agent_id for panel in panels] == list(AGENTS)
        assert all(panel.display and panel.size.width > 20 and panel.size.height >= 3 for panel in panels)
        shown = screen_text(app)
        assert "voted" in shown and "FINAL ANSWER amber" in shown and "amber" in shown and "done" in shown
        assert not app.query(Prompt)
        assert app.query_one(FinalPanel).region.bottom <= size[1]

    play(app, story, size)


@pytest.mark.spec("TUI-022")
def test_a_resize_from_wide_to_tiny_and_back_keeps_the_screen(log: Path):
    app = viewer(log)

    async def story(pilot):
        await until(pilot, lambda: app.feed.state.complete)
        for size in ((20, 8), (200, 60), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert all(panel.display for panel in app.query(AgentPanel))
        assert "amber" in screen_text(app)

    play(app, story, (120, 40))


@pytest.mark.spec("TUI-017", "TUI-021", "TUI-014", "TUI-049")
@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("r", "COORDINATION TABLE"),
        ("a", "agent1.1"),
        ("t", "votes for agent1.1"),
        ("c", "Tabs or spaces?"),
        ("f", FINAL),
        ("w", "No answer has files."),
        ("question_mark", "coordination table"),
    ],
)
def test_every_key_opens_its_screen_and_escape_closes_it(log: Path, key: str, wanted: str):
    app = viewer(log)

    async def story(pilot):
        await until(pilot, lambda: app.feed.state.complete)
        await pilot.press(key)
        await until(pilot, lambda: wanted in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)

    play(app, story, (100, 40))


@pytest.mark.spec("TUI-021")
def test_the_table_names_states_and_votes(log: Path):
    app = viewer(log)

    async def story(pilot):
        await until(pilot, lambda: app.feed.state.complete)
        await pilot.press("r")
        await until(pilot, lambda: "Votes" in screen_text(app))
        lines = [line.split() for line in screen_text(app).splitlines()]
        assert ["amber", "Converged", "Self"] in [[w for w in line if w not in "│║╭╰┃"][:3] for line in lines]
        assert ["birch", "Converged", "amber"] in [[w for w in line if w not in "│║╭╰┃"][:3] for line in lines]

    play(app, story)


@pytest.mark.spec("TUI-067")
def test_the_directory_is_as_before(log: Path):
    before = checksum(log)
    app = viewer(log)

    async def story(pilot):
        await until(pilot, lambda: app.feed.state.complete)
        for key in ("r", "escape", "a", "escape", "w", "escape", "z", "z"):
            await pilot.press(key)
            await pilot.pause()

    play(app, story)
    assert checksum(log) == before


@pytest.mark.spec("TUI-063")
def test_a_growing_log_is_followed(tmp_path: Path):
    root = write_log(tmp_path / "log", (None, START), ("amber", StartedStreaming()))
    app = viewer(root)

    async def story(pilot):
        await until(pilot, lambda: len(app.query(AgentPanel)) == 3)
        write_log(root, ("amber", Content(content_kind="text", text="Something new.")), first=3)
        await until(pilot, lambda: "Something new." in screen_text(app))
        write_log(root, (None, END), first=4)
        await until(pilot, lambda: app.feed.state.complete)

    play(app, story)


@pytest.mark.spec("TUI-068")
def test_a_run_whose_process_is_gone_is_shown_as_interrupted(tmp_path: Path):
    app = viewer(write_log(tmp_path / "log", (None, START), ("amber", StartedStreaming())), alive=False)

    async def story(pilot):
        await until(pilot, lambda: "interrupted" in screen_text(app))

    play(app, story)


@pytest.mark.spec("TUI-062", "TUI-061")
def test_an_earlier_attempt_is_opened_and_left_with_brackets(tmp_path: Path):
    root = tmp_path / "log"
    write_log(root, (None, START), (None, AttemptStart()), ("amber", StartedStreaming()))
    write_log(root, ("amber", Content(content_kind="text", text="first attempt")), first=4)
    again = OrchestrationRestart(next_attempt=2, max_attempts=2, reason="weak", instructions="better")
    write_log(root, (None, again), first=5)
    write_log(root, (None, AttemptStart()), ("amber", StartedStreaming()), attempt=2, first=6)
    write_log(root, ("amber", Content(content_kind="text", text="second attempt")), (None, END), attempt=2, first=8)
    app = viewer(root, place=(1, 1))

    async def story(pilot):
        await until(pilot, lambda: "first attempt" in screen_text(app))
        assert "second attempt" not in screen_text(app)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "second attempt" in screen_text(app))
        assert "first attempt" not in screen_text(app)

    play(app, story)


@pytest.mark.spec("TUI-064")
def test_replay_takes_the_time_of_the_run_divided_by_the_speed(tmp_path: Path):
    root = write_log(tmp_path / "log", (None, START), ("amber", StartedStreaming()))
    for number in range(1, 6):
        write_log(root, ("amber", Content(content_kind="text", text=f"word{number} ")), first=number * 200)
    write_log(root, (None, END), first=1001)
    app = viewer(root, speed=1000.0)

    async def story(pilot):
        await until(pilot, lambda: app.feed.state.complete)  # in real time that is a quarter of an hour

    began = time.monotonic()
    play(app, story)
    assert time.monotonic() - began > 0.9


@pytest.mark.spec("TUI-015")
def test_tool_calls_are_folded_and_failures_are_seen(tmp_path: Path):
    root = write_log(
        tmp_path / "log",
        (None, START),
        ("amber", StartedStreaming()),
        ("amber", ToolStart(call_id="1", name="read_file", arguments='{"path": "a.txt"}')),
        ("amber", ToolEnd(call_id="1", name="read_file", result="CONTENT OF A", is_error=False, milliseconds=20)),
        ("amber", ToolStart(call_id="2", name="search", arguments="{}")),
        ("amber", ToolEnd(call_id="2", name="search", result="no such index", is_error=True, milliseconds=20)),
        (None, END),
    )
    app = viewer(root)

    async def story(pilot):
        await until(pilot, lambda: "search" in screen_text(app))
        assert "read_file" in screen_text(app) and "CONTENT OF A" not in screen_text(app)
        assert "no such index" in screen_text(app)
        await pilot.press("1", "e")
        await until(pilot, lambda: "CONTENT OF A" in screen_text(app))

    play(app, story)


@pytest.mark.spec("TUI-011")
@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("waiting", "waiting"),
        ("streaming", "working"),
        ("answered", "answered"),
        ("voted", "voted"),
        ("restarting", "restarting"),
        ("error", "error"),
        ("timeout", "timeout"),
        ("completed", "completed"),
    ],
)
def test_each_state_has_a_symbol_and_a_word(tmp_path: Path, status, word: str):
    app = viewer(write_log(tmp_path / "log", (None, START), ("birch", AgentStatus(status=status)), (None, END)))

    async def story(pilot):
        await until(pilot, lambda: app.feed.state.complete and f" {word} ─" in screen_text(app))
        line = next(line for line in screen_text(app).splitlines() if f" {word} ─" in line)
        assert line.partition(f" {word} ")[0][-1] not in "─ "

    play(app, story)


@pytest.mark.spec("TUI-022", "TUI-010")
def test_ten_agents_fit_or_stand_behind_tabs(tmp_path: Path):
    names = tuple(f"agent-{n}" for n in range(10))
    start = SessionStart(question="Why?", agents=names, pid=1)
    talk = [(name, Content(content_kind="text", text=f"I am {name}.")) for name in names]
    app = viewer(write_log(tmp_path / "log", (None, start), *talk, (None, END)))

    async def story(pilot):
        await until(pilot, lambda: app.feed.state.complete and len(app.query(AgentPanel)) == 10)
        assert all(panel.display for panel in app.query(AgentPanel))
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: sum(panel.display for panel in app.query(AgentPanel)) == 1)
        await pilot.press("0")
        await until(pilot, lambda: "I am agent-9." in screen_text(app))

    play(app, story, (200, 60))


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m [bold]not markup[/bold] \u202eabc 漢字 👩‍👩‍👧 \x9b1m"


@pytest.mark.spec("TUI-022")
def test_control_sequences_of_agents_never_reach_the_terminal(tmp_path: Path):
    name = "am\x1b[31mber"
    start = SessionStart(question=HOSTILE, agents=(name,), models=(HOSTILE,), pid=1)
    root = write_log(
        tmp_path / "log",
        (None, start),
        (name, StartedStreaming()),
        (name, Content(content_kind="text", text=HOSTILE)),
        (name, ToolStart(call_id="1", name=HOSTILE, arguments=HOSTILE)),
        (name, NewAnswer(label=HOSTILE, preview=HOSTILE)),
        (None, END),
    )
    app = viewer(root)

    async def story(pilot):
        await until(pilot, lambda: "not markup" in screen_text(app))
        for key in ("", "r", "escape", "t", "escape", "a", "escape", "c"):
            if key:
                await pilot.press(key)
                await pilot.pause()
            shown = screen_text(app)
            assert not set("\x1b\x9b\x07\u202e") & set(shown)
        assert "[bold]not markup[/bold]" in screen_text(app)

    play(app, story)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(
    (
        *("session_start", "agent_status", "content", "new_answer", "vote", "tool_start", "tool_end", "final_answer"),
        *("started_streaming", "final_chunk", "winner_selected", "restart", "model_call", "session_end", "odd"),
    )
)
FIELDS = ("question", "agents", "status", "kind", "text", "label", "agent", "reason", "call_id", "name", "arguments")
LINE = st.fixed_dictionaries(
    {
        "seq": st.integers(1, 99),
        "event_type": KINDS,
        "timestamp": st.floats() | st.integers(),
        "agent_id": st.sampled_from(["amber", "birch", None, 7]),
        "turn": st.sampled_from([1, 2, -1, "x"]),
        "attempt": st.sampled_from([1, 0, 10**9]),
        "data": st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6),
    }
)


@pytest.mark.spec("TUI-022", "TUI-060")
@settings(max_examples=8)
@given(lines=st.lists(LINE | st.text(max_size=30), max_size=25))
def test_no_log_however_damaged_breaks_the_viewer(tmp_path_factory: pytest.TempPathFactory, lines: list):
    root = write_log(tmp_path_factory.mktemp("fuzz") / "log", (None, START), ("amber", StartedStreaming()))
    with (root / "turn_1" / "attempt_1" / "events.jsonl").open("ab") as file:
        for line in lines:
            file.write((line if isinstance(line, str) else json.dumps(line)).encode("utf-8", "replace") + b"\n")
    write_log(root, (None, END), first=200)
    app = viewer(root)

    async def story(pilot):
        await until(pilot, lambda: app.feed.state.complete)
        for key in ("r", "escape", "a", "escape", "t", "escape", "c", "escape"):
            await pilot.press(key)

    play(app, story, (80, 24))
