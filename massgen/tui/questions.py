"""A question of an agent, or of a tool, to the person: with choices or an answer in words (COORD-147)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from massgen.tui.prompt import Prompt
from massgen.tui.symbols import clean, one_line, printable, sign

FIXED = 7
"""Rows of the frame, the answer and the hint."""


class Question(NamedTuple):
    """`until` is the time.monotonic() at which nobody waits any more, None for never."""

    asker: str
    text: str
    choices: Sequence[str]
    until: float | None


class AnswerBox(Prompt):
    """Enter sends also nothing: that is no answer."""

    def _send(self) -> None:
        self.post_message(self.Sent(self.text))


class QuestionScreen(ModalScreen[str | None]):
    """Gives the answer, None without one. Escape and an empty Enter skip the question."""

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
            if question.choices:
                options = (Option(Text(one_line(choice))) for choice in question.choices)
                yield OptionList(*options, classes="choices", compact=True)
            yield self._box
            yield Static(classes="hint", markup=False)

    def on_mount(self) -> None:
        self._box.border_title = "or in your own words" if self._question.choices else "your answer"
        if self._question.choices:
            self.query_one(OptionList).focus()
        else:
            self._box.focus()
        self.draw_hint()
        self.set_interval(1.0, self.draw_hint)

    def on_resize(self, event: Resize) -> None:
        """However long the question is, its choices and the answer stay on the screen."""
        room = max(2, event.size.height * 9 // 10 - FIXED)
        choices = min(len(self._question.choices), max(2, room // 2))
        self.query_one(".asked").styles.max_height = max(1, room - choices)
        for found in self.query(OptionList):
            found.styles.max_height = choices

    def draw_hint(self) -> None:
        """How to answer, and how long there is time."""
        facts = ["Enter answers, Esc skips"]
        if self._question.until is not None:
            left = max(0, int(self._question.until - time.monotonic()))
            facts.insert(0, f"{left // 60}:{left % 60:02} left")
        if self._question.choices:
            facts.append("Tab: your own words")
        if self._others:
            facts.append(f"{self._others} more waiting")
        self.query_one(".hint", Static).update(sign(" " + " · ".join(facts)))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._question.choices[event.option_index])

    def on_prompt_sent(self, event: Prompt.Sent) -> None:
        event.stop()
        self.dismiss(event.text.strip() or None)

    def action_scroll_question(self, pages: int) -> None:
        asked = self.query_one(".asked")
        asked.scroll_relative(y=pages * max(1, asked.size.height - 1), animate=False)

    def action_skip(self) -> None:
        self.dismiss(None)
