"""The mode bar: how the team works from the next turn on (TUI-006, TUI-041)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.text import Text
from textual.containers import Horizontal
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from massgen.tui.symbols import one_line, sign

LOWEST = 20
"""Rows of the smallest screen that has a line to spare for the bar."""


class Mode(NamedTuple):
    """One toggle and what it can be set to, in the order in which it goes round."""

    name: str
    title: str
    values: Sequence[str]
    about: str


def modes(agents: Iterable[str]) -> tuple[Mode, ...]:
    """All toggles of a team."""
    return (
        Mode("agents", "agents", ("all", *agents), "the whole team, or one agent alone"),
        Mode("coordination", "work", ("parallel", "decomposition"), "all on the same question, or each on a part"),
        Mode("refine", "refine", ("on", "off"), "improve until all agree, or one answer each and a vote"),
        Mode("personas", "personas", ("off", "perspective", "implementation", "methodology"), "different views"),
        Mode("broadcast", "questions", ("off", "agents", "human"), "whom agents may ask in the middle of their work"),
        Mode("directory", "folder", ("off", "read", "write"), "whether agents see the directory you are in"),
    )


class ModeToggle(Static):
    """One of them; a click goes to its next value."""

    class Turned(Message):
        """The person clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, mode: Mode) -> None:
        super().__init__(markup=False, classes="mode")
        self.mode = mode

    def draw(self, value: str, usual: bool) -> None:
        """What is not `usual` stands out."""
        shown = Text.assemble((f"{self.mode.title} ", "dim"), (one_line(value)[:16], "" if usual else "bold reverse"))
        self.update(shown)

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(self.Turned(self.mode.name))


class ModeBar(Horizontal):
    """One line; `values` are drawn as they come from the engine."""

    def __init__(self) -> None:
        super().__init__(id="modes")
        self.modes = modes(())
        self.values: dict[str, str] = {}
        self.columns = 80

    def show(self, agents: Iterable[str], values: dict[str, str]) -> None:
        """The toggles of this team."""
        self.modes, self.values = modes(agents), dict(values)
        self.remove_children()
        self.mount(*(ModeToggle(mode) for mode in self.modes))
        self.draw()

    def draw(self) -> None:
        """All values anew; where they do not fit, those that are not as usual."""
        width = sum(len(mode.title) + len(self.values.get(mode.name, "")[:16]) + 3 for mode in self.modes)
        for toggle in self.query(ModeToggle):
            value = self.values.get(toggle.mode.name, "")
            usual = value == toggle.mode.values[0]
            toggle.draw(value, usual)
            toggle.display = not usual or width <= self.columns

    def turned(self, name: str, step: int = 1) -> str | None:
        """The value after the current one, None where there is no other."""
        mode = next(mode for mode in self.modes if mode.name == name)
        if name == "personas" and self.values.get("coordination") == "decomposition":
            return None
        now = self.values.get(name, mode.values[0])
        at = mode.values.index(now) if now in mode.values else 0
        found = mode.values[(at + step) % len(mode.values)]
        return found if found != now else None

    def lines(self) -> list[str]:
        """The modes as a list: title, value, meaning."""
        return [
            sign(f"{mode.title:<12} {self.values.get(mode.name, ''):<16} {mode.about}") for mode in self.modes
        ]
