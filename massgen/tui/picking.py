"""A list to pick from, one or several, with arrows, first letters or the mouse."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.text import Text
from textual.events import Click, Key
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from massgen.engine.person import Choices
from massgen.tui.symbols import one_line

LEFT_OUT = "(leave it out)"
TYPING_SECONDS = 1.0


class Picked(Message):
    """The person is done; `values` are in the order of the list."""

    def __init__(self, values: tuple[str, ...]) -> None:
        super().__init__()
        self.values = values


class Finder:
    """First letters, typed quickly one after the other, find a line; the same letter again finds the next one."""

    def __init__(self, titles: Sequence[str]) -> None:
        self._titles = [title.casefold() for title in titles]
        self._typed = ""
        self._when = 0.0

    @property
    def is_typing(self) -> bool:
        return bool(self._typed) and time.monotonic() - self._when < TYPING_SECONDS

    def find(self, letter: str, at: int) -> int | None:
        """The position that is meant, seen from `at`; None where no line begins like this."""
        typed = (self._typed if self.is_typing else "") + letter.casefold()
        self._when = time.monotonic()
        for text in dict.fromkeys((typed, letter.casefold())):
            self._typed = text
            first = at + (len(text) == 1)
            order = [(first + step) % len(self._titles) for step in range(len(self._titles))]
            found = next((place for place in order if self._titles[place].startswith(text)), None)
            if found is not None:
                return found
        self._typed = ""
        return None


class Picker(OptionList):
    """Posts `Picked`: of one with Enter or a click; of `many`, which Space or a click ticks, with Enter."""

    def __init__(self, choices: Choices) -> None:
        self._many = choices.many
        left_out = choices.optional and not choices.many
        self._values: list[tuple[str, ...]] = [()] * left_out + [(value,) for value, _ in choices.options]
        self._titles = [LEFT_OUT] * left_out + [one_line(title) or one_line(value) for value, title in choices.options]
        self._ticked = {place for place, value in enumerate(self._values) if value and value[0] in choices.chosen}
        self._finder = Finder(self._titles)
        super().__init__(
            *(Option(self._line(place)) for place in range(len(self._titles))), classes="choices", compact=True
        )

    def on_mount(self) -> None:
        self.highlighted = 0 if self._many else min(self._ticked, default=0)

    def _line(self, place: int) -> Text:
        box = ("[x] " if place in self._ticked else "[ ] ") if self._many else ""
        return Text(f"{box}{self._titles[place]}", no_wrap=True, overflow="ellipsis")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self._many:
            self._turn(event.option_index)
        else:
            self.post_message(Picked(self._values[event.option_index]))

    def _turn(self, place: int) -> None:
        self._ticked ^= {place}
        self.replace_option_prompt_at_index(place, self._line(place))

    def send(self) -> None:
        """What is ticked is the answer."""
        self.post_message(Picked(tuple(value for place in sorted(self._ticked) for value in self._values[place])))

    async def on_key(self, event: Key) -> None:
        if self._many and event.key in ("enter", "space"):
            event.stop()
            event.prevent_default()
            if event.key == "enter":
                self.send()
            elif self.highlighted is not None:
                self._turn(self.highlighted)
        elif event.is_printable and event.character and (event.character != " " or self._finder.is_typing):
            event.stop()
            found = self._finder.find(event.character, self.highlighted or 0)
            if found is not None:
                self.highlighted = found


class SendLine(Static):
    """What Enter does, for a mouse."""

    def __init__(self, picker: Picker) -> None:
        super().__init__(Text("[ Send what is ticked ]"), classes="send", markup=False)
        self._picker = picker

    def on_click(self, event: Click) -> None:
        event.stop()
        self._picker.send()
