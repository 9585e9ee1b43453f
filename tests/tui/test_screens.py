"""Every screen in three sizes beside the picture that was taken of it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from massgen.engine.person import Choices
from massgen.events.types import (
    AgentStatus,
    AttemptStart,
    Body,
    Content,
    ErrorOccurred,
    FactRecorded,
    FinalAnswer,
    FinalChunk,
    ModelCall,
    NewAnswer,
    PhaseChange,
    SessionEnd,
    SessionStart,
    StartedStreaming,
    ToolEnd,
    ToolStart,
    Vote,
    WinnerSelected,
)
from massgen.tui.prompt import Prompt
from massgen.tui.questions import Question, QuestionScreen
from massgen.tui.screens import Change, ReviewScreen
from massgen.tui.session import SessionApp, Start
from massgen.tui.viewer import PickerApp, ViewerApp, Watch
from tests.tui.picture import check_picture
from tests.tui.scene import SIZES, play, until, write_log

NAMES = ("amber", "birch", "cedar", "dogwood", "elm", "fir", "ginkgo", "hazel")
SECONDS = 1_700_000_075.0
ANSWER = """\
## Switch only if the host knew

- A host who **knows** opens an empty door on purpose: switching wins 2 of 3.
- A host who opened it *by chance* tells you nothing: 1 of 2.

```python
chance = 2 / 3 if host_knows else 1 / 2
```
"""
Told = tuple[str | None, Body]


@pytest.fixture(autouse=True)
def one_time_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class StillViewer(ViewerApp):
    """Its clock stands."""

    def now(self) -> float:
        return SECONDS


def begin(agents: int) -> list[Told]:
    names = NAMES[:agents]
    models = ("claude-sonnet-4-5", "gpt-5", "gemini-3-pro", "grok-4")
    start = SessionStart(
        question="A game show host opens one of three doors. Should I switch? 漢字",
        agents=names,
        models=tuple(models[n % 4] for n in range(agents)),
        pid=1,
    )
    told: list[Told] = [(None, start), (None, AttemptStart())]
    for name in names:
        told += [(name, AgentStatus(status="streaming")), (name, StartedStreaming())]
    return told


def at_work(agents: int) -> list[Told]:
    """Everybody does something else."""
    think = "The host did not know where the prize is, so the opened door says less than it seems. " * 3
    search = "mcp__search__web_search"
    long = "x" * 90 + " and then 漢字かな交じり文 in one line, with a tab\there. " * 2
    jobs: list[list[Body]] = [
        [Content(content_kind="reasoning", text=think), Content(content_kind="text", text="Let me count the cases.")],
        [ToolStart(call_id="1", name=search, arguments='{"query": "Monty Hall"}')],
        [
            ToolStart(call_id="1", name=search, arguments='{"query": "Monty Hall"}'),
            ToolEnd(call_id="1", name=search, result="12 results", is_error=False, milliseconds=420),
            Content(content_kind="text", text=long),
        ],
        [
            FactRecorded(fact="AnswerProposed", at=0.0, values={"text": ANSWER}),
            NewAnswer(label="agent4.1", preview="Switch only if"),
            AgentStatus(status="answered"),
        ],
        [
            ToolStart(arguments='{"path": "a.txt"}', call_id="2", name="read_file"),
            ToolEnd(call_id="2", name="read_file", result="There is no a.txt.", is_error=True, milliseconds=3),
        ],
        [AgentStatus(status="error", error_type="RateLimited", error_message="429: try again in 20 s")],
        [ErrorOccurred(error_type="ModelError", message="The connection was closed.")],
        [AgentStatus(status="timeout")],
    ]
    told = begin(agents)
    for name, bodies in zip(NAMES[:agents], jobs, strict=False):
        told += [(name, body) for body in bodies]
    return told


def decided(agents: int) -> list[Told]:
    told = begin(agents)
    for number, name in enumerate(NAMES[:agents], 1):
        usage = ModelCall(
            call=number,
            round_kind="initial",
            model="m",
            provider="p",
            milliseconds=900,
            input_tokens=1200,
            output_tokens=340,
            cost=0.0021,
        )
        told += [
            (name, Content(content_kind="text", text=f"Option {number}: it depends on what the host knew.")),
            (name, usage),
            (name, FactRecorded(fact="AnswerProposed", at=0.0, values={"text": ANSWER})),
            (name, NewAnswer(label=f"agent{number}.1", preview="It depends.")),
            (name, AgentStatus(status="answered")),
        ]
    told.append((None, PhaseChange(phase="enforcement")))
    for name in NAMES[:agents]:
        told.append((name, StartedStreaming(context=("agent1.1",), round_kind="vote_only")))
        told.append((name, Vote(agent="amber", label="agent1.1", reason="It tells the two hosts apart.")))
        told.append((name, AgentStatus(status="voted")))
    winner = WinnerSelected(agent="amber", label="agent1.1", votes={"agent1.1": agents}, is_tie=False, how="consensus")
    return [*told, (None, winner)]


def presenting(agents: int) -> list[Told]:
    return [
        *decided(agents),
        (None, PhaseChange(phase="presentation")),
        ("amber", StartedStreaming(context=("agent1.1",), round_kind="presentation")),
        ("amber", FinalChunk(text=ANSWER[:120])),
    ]


def finished(agents: int) -> list[Told]:
    return [
        *presenting(agents),
        ("amber", FinalAnswer(label="agent1.1", preview="It depends", text=ANSWER)),
        (None, SessionEnd(exit_code=0, reason="complete")),
    ]


STORIES = {
    "one-agent-at-work": (at_work(1), ()),
    "three-agents-at-work": (at_work(3), ()),
    "eight-agents-at-work": (at_work(8), ()),
    "unfolded": (at_work(3), ("1", "e")),
    "zoomed": (at_work(3), ("3", "z")),
    "presenting": (presenting(3), ()),
    "one-agent-done": (finished(1), ()),
    "three-agents-done": (finished(3), ()),
    "eight-agents-done": (finished(8), ()),
    "light": (finished(3), ("l",)),
    "table": (finished(3), ("r",)),
    "answers": (finished(3), ("a",)),
    "timeline": (finished(3), ("t",)),
    "conversation": (finished(3), ("c",)),
    "files": (finished(3), ("w",)),
    "result": (finished(3), ("f",)),
    "keys": (finished(3), ("question_mark",)),
}


def named(name: str, size: tuple[int, int]) -> str:
    return f"{name}-{size[0]}x{size[1]}"


@pytest.mark.spec("TUI-010", "TUI-011", "TUI-013", "TUI-014", "TUI-015", "TUI-021", "TUI-022")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", STORIES)
def test_the_viewer_looks_as_in_its_picture(tmp_path: Path, name: str, size: tuple[int, int]):
    told, keys = STORIES[name]
    app = StillViewer(Watch(root=write_log(tmp_path / "log", *told)), lambda pid, started: True)

    async def story(pilot):
        await until(pilot, lambda: app.feed.last_seen == 1_700_000_000.0 + len(told) and not app.feed.changed)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await pilot.pause()
        check_picture(app, named(name, size))

    play(app, story, size)


@pytest.mark.spec("TUI-065")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_list_of_runs_looks_as_in_its_picture(tmp_path: Path, size: tuple[int, int]):
    app = PickerApp([(f"2026-01-0{n} 10:00  done  amber  Why?", tmp_path) for n in range(1, 6)])

    async def story(pilot):
        await pilot.pause()
        check_picture(app, named("picker", size))

    play(app, story, size)


READY = {
    "say": "ready",
    "agents": [["amber", "claude-sonnet-4-5", "Anthropic"], ["birch", "gpt-5", "OpenAI"]],
    "config": "team.yaml",
    "mode": "voting",
}
ENGINE = f"import sys; print({json.dumps(READY)!r}, flush=True); sys.stdin.read()"


@pytest.mark.spec("TUI-002", "TUI-049", "WS-033", "COORD-147")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", ["welcome", "typing", "question", "choice", "choices", "review", "help"])
def test_a_session_looks_as_in_its_picture(tmp_path: Path, name: str, size: tuple[int, int]):
    app = SessionApp(Start(command=(sys.executable, "-c", ENGINE), question="", flags={}, launch=tmp_path))
    changes = [
        Change("/project/src/app.py", "modified", "@@ -1 +1 @@\n-print(1)\n+print(2)\n", "", False),
        Change("/project/notes.md", "added", "+New.\n", "", True),
        Change("/project/link", "added", "+x\n", "it lies behind a link", False),
    ]

    async def story(pilot):
        await until(pilot, lambda: app.ready)
        for prompt in app.query(Prompt):
            prompt.cursor_blink = False
        match name:
            case "typing":
                app.query_one(Prompt).text = "Compare @src and\nsay what is missing."
            case "question":
                app.push_screen(QuestionScreen(Question("amber", "Tabs or spaces?\n\nYour team decides.")))
            case "choice" | "choices":
                options = (("t", "Tabs"), ("s", "Spaces"), ("w", "Whatever the formatter does"))
                choices = Choices(options=options, many=name == "choices", chosen=("s",), optional=True)
                text = "MCP server 'format' asks:\n  > How do you indent?\n(1 of 2) Indentation"
                app.push_screen(QuestionScreen(Question("amber (MCP server 'format')", text, choices, declines=True)))
            case "review":
                app.push_screen(ReviewScreen(changes))
            case "help":
                await pilot.press("f1")
            case _:
                pass
        await pilot.pause()
        await pilot.pause(0.1)
        check_picture(app, named(name, size))
        app.exit(0)

    play(app, story, size)
