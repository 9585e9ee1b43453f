"""Questions to the person: on the screen, one after the other, never under the hands of somebody who types."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.widgets import OptionList

from massgen.tui.prompt import Prompt
from massgen.tui.questions import AnswerBox, Question, QuestionScreen
from massgen.tui.styles import STYLES
from massgen.tui.wanted import WaitingRoom, wanted_from
from tests.interactive.test_asked import asking_team, results_in
from tests.tui.scene import play, screen_text, until
from tests.tui.sessions import application, leave

EDITOR = "Which editor do you use?"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)


class Room(App[None]):
    """A room without an engine: `replies` are what would be sent."""

    CSS = STYLES

    def __init__(self, busy: bool = False) -> None:
        super().__init__()
        self.wanted = WaitingRoom(self)
        self.busy = busy
        self.announced: list[str] = []
        self.replies: list[tuple[int, dict[str, Any]]] = []

    def on_mount(self) -> None:
        self.set_interval(0.05, self.wanted.look)

    def is_free(self) -> bool:
        return not self.busy and len(self.screen_stack) == 1

    def announce(self, headline: str) -> None:
        self.announced.append(headline)

    def reply(self, number: int, answer: Any) -> None:
        self.replies.append((number, dict(answer)))

    def hear(self, number: int, text: str = EDITOR, choices: Sequence[str] = (), seconds: float | None = None) -> None:
        message = {"say": "question", "id": number, "from": "amber", "text": text, "choices": choices}
        self.wanted.add(wanted_from({**message, "seconds": seconds}))


def is_asked(app: App[Any]) -> bool:
    return isinstance(app.screen, QuestionScreen) and isinstance(app.focused, AnswerBox | OptionList)


def may_choose(app: App[Any]) -> bool:
    return is_asked(app) and isinstance(app.focused, OptionList)


@pytest.mark.spec("TUI-020", "COORD-147")
def test_an_agents_question_opens_and_the_typed_answer_reaches_the_agent(tmp_path: Path):
    asking_team(tmp_path)
    app = application(tmp_path, "Tabs or spaces?")

    async def story(pilot):
        await until(pilot, lambda: is_asked(app))
        await until(pilot, lambda: EDITOR in screen_text(app))
        assert "amber asks you" in screen_text(app) and "0:2" in screen_text(app)
        await pilot.press("O", "n", "l", "y", "space", "e", "d", "enter")
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        assert not is_asked(app)
        await leave(app, pilot)

    play(app, story)
    assert any("Only ed" in text for text in results_in(tmp_path))


@pytest.mark.spec("TUI-020", "COORD-147")
def test_escape_is_no_answer(tmp_path: Path):
    asking_team(tmp_path)
    app = application(tmp_path, "Tabs or spaces?")

    async def story(pilot):
        await until(pilot, lambda: is_asked(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        await leave(app, pilot)

    play(app, story)
    assert any('\\"responses\\": []' in text and '\\"complete\\"' in text for text in results_in(tmp_path))


@pytest.mark.spec("TUI-020", "COORD-147")
def test_when_the_time_is_over_the_agents_go_on_and_the_question_is_gone(tmp_path: Path):
    asking_team(tmp_path, seconds=1)
    app = application(tmp_path, "Tabs or spaces?")

    async def story(pilot):
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await leave(app, pilot)

    play(app, story)
    assert any('\\"timeout\\"' in text for text in results_in(tmp_path))


@pytest.mark.spec("TUI-020")
def test_a_question_does_not_open_while_something_is_typed(tmp_path: Path):
    asking_team(tmp_path)
    app = application(tmp_path)

    async def story(pilot):
        await until(pilot, lambda: app.ready)
        app.query_one(Prompt).text = "be bri"
        app.link.send({"do": "ask", "text": "Tabs or spaces?"})
        await until(pilot, lambda: app.wanted.waiting == 1)
        await until(pilot, lambda: "F4 opens 1 question" in screen_text(app))
        assert not is_asked(app)
        await pilot.press("f4")
        await until(pilot, lambda: is_asked(app))
        await pilot.press("e", "d", "enter")
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        assert app.query_one(Prompt).text == "be bri"
        await leave(app, pilot)

    play(app, story)


@pytest.mark.spec("TUI-020")
def test_questions_are_shown_one_after_the_other(tmp_path: Path):
    app = Room()

    async def story(pilot):
        app.hear(1, "First?")
        app.hear(2, "Second?")
        await until(pilot, lambda: "First?" in screen_text(app))
        await pilot.press("a", "enter")
        await until(pilot, lambda: "Second?" in screen_text(app))
        await pilot.press("b", "enter")
        await until(pilot, lambda: not is_asked(app))

    play(app, story)
    assert app.replies == [(1, {"text": "a"}), (2, {"text": "b"})]


@pytest.mark.spec("TUI-020", "COORD-147")
def test_an_empty_answer_is_none(tmp_path: Path):
    app = Room()

    async def story(pilot):
        app.hear(1)
        await until(pilot, lambda: is_asked(app))
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen_stack) == 1)

    play(app, story)
    assert app.replies == [(1, {"text": None})]


@pytest.mark.spec("TUI-020", "COORD-147")
def test_an_open_question_closes_when_nobody_waits_any_more(tmp_path: Path):
    app = Room()

    async def story(pilot):
        app.hear(1)
        await until(pilot, lambda: is_asked(app))
        app.wanted.close(1)
        await until(pilot, lambda: len(app.screen_stack) == 1)

    play(app, story)
    assert app.replies == []


@pytest.mark.spec("TUI-020")
def test_a_choice_is_an_answer_and_so_are_other_words(tmp_path: Path):
    app = Room()

    async def story(pilot):
        app.hear(1, choices=("vi", "emacs"))
        app.hear(2, choices=("vi", "emacs"))
        await until(pilot, lambda: may_choose(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(app.replies) == 1 and may_choose(app))
        await pilot.press("tab", "e", "d", "enter")
        await until(pilot, lambda: len(app.replies) == 2)

    play(app, story)
    assert app.replies == [(1, {"text": "emacs"}), (2, {"text": "ed"})]


@pytest.mark.spec("TUI-020")
def test_a_question_that_is_over_goes_away_unanswered_also_from_under_another_screen(tmp_path: Path):
    app = Room(busy=True)

    async def story(pilot):
        app.hear(1, "First?")
        app.hear(2, "Second?")
        app.wanted.close(1)
        app.busy = False
        await until(pilot, lambda: "Second?" in screen_text(app))
        over = QuestionScreen(Question("x", "On top?", (), None))
        app.push_screen(over)
        await until(pilot, lambda: "On top?" in screen_text(app))
        app.wanted.close(2)
        over.dismiss(None)
        await until(pilot, lambda: not is_asked(app))

    play(app, story)
    assert app.replies == [] and len(app.announced) == 2


@pytest.mark.spec("TUI-020", "TUI-022")
@pytest.mark.parametrize("size", [(80, 24), (40, 12), (200, 60)])
def test_a_long_question_leaves_room_for_its_answer(tmp_path: Path, size: tuple[int, int]):
    app = Room()

    async def story(pilot):
        choices = [f"choice {n}" for n in range(20)]
        app.hear(1, "\x1b[31mWhy? " + "漢字 and more words " * 300, choices, seconds=90)
        await until(pilot, lambda: may_choose(app))
        await until(pilot, lambda: "or in your own words" in screen_text(app))
        assert "\x1b" not in screen_text(app)
        assert app.screen.query_one("#answer").region.height >= 3
        assert app.screen.query_one(OptionList).region.height >= 1

    play(app, story, size)
