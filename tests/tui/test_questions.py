"""Questions to the person: on the screen, one after the other, never under the hands of somebody who types."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.events import Key

from massgen.cli.remote_person import RemotePerson
from massgen.engine.person import Choices, HumanAnswer, HumanQuestion
from massgen.tui.picking import LEFT_OUT, Picker, SendLine
from massgen.tui.prompt import Prompt
from massgen.tui.questions import AnswerBox, Question, QuestionScreen
from massgen.tui.styles import STYLES
from massgen.tui.symbols import has_unicode
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

    def hear(self, number: int, text: str = EDITOR, **more: Any) -> None:
        self.wanted.add(wanted_from({"say": "question", "id": number, "from": "amber", "text": text, **more}))


def is_asked(app: App[Any]) -> bool:
    return isinstance(app.screen, QuestionScreen) and isinstance(app.focused, AnswerBox | Picker)


def may_choose(app: App[Any]) -> bool:
    return is_asked(app) and isinstance(app.focused, Picker)


@pytest.mark.spec("TUI-020", "COORD-147")
def test_an_agents_question_opens_and_the_typed_answer_reaches_the_agent(tmp_path: Path):
    asking_team(tmp_path)
    app = application(tmp_path, "Tabs or spaces?")

    async def story(pilot):
        await until(pilot, lambda: is_asked(app))
        await until(pilot, lambda: EDITOR in screen_text(app))
        assert "amber asks you" in screen_text(app) and re.search(r"\b[0-5]:\d\d left", screen_text(app))
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


EDITORS = (("v", "vi"), ("e", "Emacs"), ("x", "ed"), ("n", "New vi"), ("n2", "nano"))


def editors(**more: Any) -> dict[str, Any]:
    return {"options": EDITORS, "many": False, "chosen": [], "optional": False, **more}


async def picked(choices: dict[str, Any], pilot: Any, *keys: str) -> Any:
    """What pressing `keys` answers."""
    room = pilot.app
    room.replies.clear()
    room.hear(1, choices=choices, declines=True)
    await until(pilot, lambda: may_choose(room))
    for key in keys:  # first letters belong together that are typed within a second
        room.post_message(Key(key, {"space": " "}.get(key, key if len(key) == 1 else None)))
    await until(pilot, lambda: bool(room.replies) and len(room.screen_stack) == 1)
    (answer,) = room.replies[0][1].values()
    return answer


@pytest.mark.parametrize(
    ("keys", "more", "answer"),
    [
        (("enter",), {}, ["v"]),
        (("enter",), {"chosen": ["x"]}, ["x"]),
        (("down", "enter"), {}, ["e"]),
        (("end", "enter"), {}, ["n2"]),
        (("e", "enter"), {}, ["e"]),
        (("e", "d", "enter"), {}, ["x"]),
        (("n", "e", "w", "space", "enter"), {}, ["n"]),
        (("n", "n", "enter"), {}, ["n2"]),
        (("q", "n", "a", "enter"), {}, ["n2"]),
        (("enter",), {"optional": True}, []),
        (("down", "enter"), {"optional": True}, ["v"]),
        (("enter",), {"optional": True, "chosen": ["e"]}, ["e"]),
        (("escape",), {"chosen": ["e"]}, None),
        (("enter",), {"many": True}, []),
        (("enter",), {"many": True, "chosen": ["n", "e"]}, ["e", "n"]),
        (("space", "e", "d", "space", "enter"), {"many": True, "chosen": ["n"]}, ["v", "x", "n"]),
        (("escape",), {"many": True, "chosen": ["n"]}, None),
    ],
)
@pytest.mark.spec("TUI-020")
def test_keys_pick_from_a_list(keys: tuple[str, ...], more: dict[str, Any], answer: list[str] | None):
    app = Room()

    async def story(pilot):
        assert await picked(editors(**more), pilot, *keys) == answer

    play(app, story)


@pytest.mark.spec("TUI-020")
def test_a_mouse_picks_too(tmp_path: Path):
    app = Room()

    async def story(pilot):
        app.hear(1, choices=editors())
        await until(pilot, lambda: may_choose(app))
        await pilot.click(Picker, offset=(2, 2))
        await until(pilot, lambda: len(app.replies) == 1)
        app.hear(2, choices=editors(many=True))
        await until(pilot, lambda: may_choose(app))
        await pilot.click(Picker, offset=(2, 3))
        await pilot.click(Picker, offset=(2, 1))
        assert "[x] Emacs" in screen_text(app) and "[ ] ed" in screen_text(app)
        await pilot.click(SendLine)
        await until(pilot, lambda: len(app.replies) == 2)

    play(app, story)
    assert app.replies == [(1, {"picked": ["x"]}), (2, {"picked": ["e", "n"]})]


@pytest.mark.spec("TUI-020")
def test_what_a_server_names_its_choices_cannot_draw_on_the_screen(tmp_path: Path):
    app = Room()

    async def story(pilot):
        options = (("a", "\x1b[2J[bold red]A[/] \u202e"), ("b", ""), ("c", "漢字 " * 200))
        app.hear(1, choices=editors(options=options, optional=True))
        await until(pilot, lambda: may_choose(app))
        text = screen_text(app)
        assert "[bold red]A[/]" in text and "\x1b" not in text and "\u202e" not in text
        assert LEFT_OUT in text

    play(app, story)


@pytest.mark.parametrize(
    ("reply", "question", "answer"),
    [
        ({"picked": ["v", "e"]}, {"choices": Choices(options=EDITORS, many=True)}, ("v", "e")),
        ({"picked": []}, {"choices": Choices(options=EDITORS)}, ()),
        ({"picked": ["v"]}, {}, None),
        ({"text": ""}, {"declines": True}, ""),
        ({"text": " "}, {}, None),
        ({"text": None}, {"declines": True}, None),
    ],
)
def test_the_engine_takes_what_was_picked_only_where_it_offered_something(
    reply: dict[str, Any], question: dict[str, Any], answer: HumanAnswer
):
    said: list[Any] = []
    person = RemotePerson(lambda kind, **data: said.append((kind, data)))

    async def story() -> HumanAnswer:
        asking = asyncio.ensure_future(
            person.answer(HumanQuestion(asker="amber", text=EDITOR, seconds=9.0, **question))
        )
        await asyncio.sleep(0)
        wanted_from(json.loads(json.dumps({"say": said[0][0], **said[0][1]})))
        person.reply({"id": 1, **reply})
        return await asking

    assert asyncio.run(story()) == answer


@pytest.mark.spec("TUI-020")
def test_a_question_that_is_over_goes_away_unanswered_also_from_under_another_screen(tmp_path: Path):
    app = Room(busy=True)

    async def story(pilot):
        app.hear(1, "First?")
        app.hear(2, "Second?")
        app.wanted.close(1)
        app.busy = False
        await until(pilot, lambda: "Second?" in screen_text(app))
        over = QuestionScreen(Question("x", "On top?"))
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
        options = [(str(n), f"choice {n}") for n in range(20)]
        long = "\x1b[31mWhy? " + "漢字 and more words " * 300
        app.hear(1, long, choices=editors(options=options, many=True), seconds=90)
        app.hear(2, long, seconds=90)
        await until(pilot, lambda: may_choose(app))
        await until(pilot, lambda: "Send what is ticked" in screen_text(app))
        assert "\x1b" not in screen_text(app)
        assert app.screen.query_one(Picker).region.height >= 2
        await pilot.press("enter")
        await until(pilot, lambda: is_asked(app) and not may_choose(app))
        await until(pilot, lambda: "your answer" in screen_text(app))
        assert app.screen.query_one("#answer").region.height >= 3

    play(app, story, size)


@pytest.mark.spec("TUI-020")
def test_a_terminal_without_unicode_shows_the_whole_list_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LC_ALL", "C")
    has_unicode.cache_clear()
    app = Room()
    app.add_class("ascii")

    async def story(pilot):
        app.hear(1, choices=editors(many=True), declines=True)
        await until(pilot, lambda: may_choose(app))
        assert all(f"[ ] {title}" in screen_text(app) for _, title in EDITORS)
        assert "Space ticks, Enter sends, Esc declines" in screen_text(app)

    play(app, story, (80, 24))
