"""A question of an agent, or of a tool, to the person: to pick from a list or to answer in words (COORD-147)."""

from __future__ import annotations

import time
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from massgen.engine.person import Choices, HumanAnswer
from massgen.tui.picking import Picked, Picker, SendLine
from massgen.tui.prompt import Prompt
from massgen.tui.symbols import clean, one_line, printable, sign

FIXED = 4
"""Rows of the frame and the hint."""
ANSWER = 3


class Question(NamedTuple):
    """`until` is the time.monotonic() at which nobody waits any more, None for never. No answer skips the question,
    or `declines` what it is for; an empty one counts only then."""

    asker: str
    text: str
    choices: Choices | None = None
    until: float | None = None
    declines: bool = False


class AnswerBox(Prompt):
    """Enter sends also nothing: that is no answer."""

    def _send(self) -> None:
        self.post_message(self.Sent(self.text))


class QuestionScreen(ModalScreen[HumanAnswer]):
    """Gives the answer, None without one: that is what Escape means."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "skip", "No answer", show=False),
        Binding("pageup", "scroll_question(-1)", show=False, priority=True),
        Binding("pagedown", "scroll_question(1)", show=False, priority=True),
    ]

    def __init__(self, question: Question, others: int = 0) -> None:
        super().__init__()
        self._question = question
        self._others = others
        self._box = AnswerBox(lambda word: [], id="answer")

    def compose(self) -> ComposeResult:
        question = self._question
        with Vertical(classes="box question") as box:
            box.border_title = Text(sign(f"📢 {one_line(question.asker)} asks you"))
            with VerticalScroll(classes="asked", can_focus=False):
                yield Static(clean(Text(printable(question.text))), markup=False)
            if question.choices is None:
                yield self._box
            else:
                picker = Picker(question.choices)
                yield picker
                if question.choices.many:
                    yield SendLine(picker)
            yield Static(classes="hint", markup=False)

    def on_mount(self) -> None:
        self._box.border_title = "your answer"
        (self._box if self._question.choices is None else self.query_one(Picker)).focus()
        self.draw_hint()
        self.set_interval(1.0, self.draw_hint)

    def on_resize(self, event: Resize) -> None:
        """However long the question is, its choices and the answer stay on the screen."""
        choices = self._question.choices
        room = max(2, event.size.height * 9 // 10 - FIXED - (ANSWER if choices is None else choices.many))
        listed = 0
        for found in self.query(Picker):
            listed = min(found.option_count, max(2, room // 2))
            found.styles.max_height = listed
        self.query_one(".asked").styles.max_height = max(1, room - listed)

    def draw_hint(self) -> None:
        """How to answer, and how long there is time."""
        choices, no = self._question.choices, "declines" if self._question.declines else "skips"
        if choices is None:
            facts = [f"Enter answers, Esc {no}"]
        else:
            facts = [f"{'Space ticks, Enter sends' if choices.many else 'Enter picks, letters find'}, Esc {no}"]
        if self._question.until is not None:
            left = max(0, int(self._question.until - time.monotonic()))
            facts.insert(0, f"{left // 60}:{left % 60:02} left")
        if self._others:
            facts.append(f"{self._others} more waiting")
        self.query_one(".hint", Static).update(sign(" " + " · ".join(facts)))

    def on_picked(self, event: Picked) -> None:
        event.stop()
        self.dismiss(event.values)

    def on_prompt_sent(self, event: Prompt.Sent) -> None:
        event.stop()
        self.dismiss(event.text.strip() or ("" if self._question.declines else None))

    def action_scroll_question(self, pages: int) -> None:
        asked = self.query_one(".asked")
        asked.scroll_relative(y=pages * max(1, asked.size.height - 1), animate=False)

    def action_skip(self) -> None:
        self.dismiss(None)
