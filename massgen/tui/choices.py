"""Small windows: one of several, or yes and no."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from massgen.tui.symbols import clean, one_line, printable


class ChoiceScreen(ModalScreen[int | None]):
    """Gives the position of what Enter chose, None for Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Close", show=False)]

    def __init__(self, title: str, choices: Sequence[str], *, start: int = 0, hint: str = "") -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._start = start
        self._hint = hint or " Enter chooses, Esc closes"

    def compose(self) -> ComposeResult:
        with Vertical(classes="box small") as box:
            box.border_title = Text(one_line(self._title))
            yield OptionList(*(Option(self._line(choice)) for choice in self._choices), compact=True)
            yield Static(self._hint, classes="hint", markup=False)

    @staticmethod
    def _line(text: str) -> Text:
        return clean(Text(printable(text), no_wrap=True, overflow="ellipsis"))

    def on_mount(self) -> None:
        found = self.query_one(OptionList)
        found.focus()
        if self._choices:
            found.highlighted = min(self._start, len(self._choices) - 1)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_index)


class TurningScreen(ChoiceScreen):
    """A list that stays open: Enter, Right and Left turn the chosen line, and `lines` says what it is then."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "turn(1)", show=False),
        Binding("left", "turn(-1)", show=False),
    ]

    def __init__(self, title: str, lines: Callable[[], Sequence[str]], turn: Callable[[int, int], None]) -> None:
        super().__init__(title, lines(), hint=" Enter, Left and Right change it from the next turn on, Esc closes")
        self._lines = lines
        self._turn = turn
        self._shown = list(self._choices)

    def on_mount(self) -> None:
        self.set_interval(0.1, self._draw)

    def _draw(self) -> None:
        found = self.query_one(OptionList)
        for position, line in enumerate(self._lines()):
            if line != self._shown[position]:
                self._shown[position] = line
                found.replace_option_prompt_at_index(position, self._line(line))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        event.prevent_default()  # Textual calls the handlers of all base classes
        self._turn(event.option_index, 1)

    def action_turn(self, step: int) -> None:
        self._turn(self.query_one(OptionList).highlighted or 0, step)
