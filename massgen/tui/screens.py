"""What opens over the team: one long text, or a list beside what is chosen in it. Escape closes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, ScrollableContainer, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.signal import Signal
from textual.timer import Timer
from textual.widgets import OptionList, SelectionList, Static
from textual.widgets.option_list import Option
from textual.widgets.selection_list import Selection

from massgen.tui.symbols import clean, one_line

CLOSE: list[BindingType] = [Binding("escape,q", "dismiss", "Close", show=False)]


class TextScreen(ModalScreen[None]):
    """`text` is asked for again with the `changes` of a live run (TUI-017), at most twice a second."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *CLOSE,
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("right", "aside(8)", show=False),
        Binding("left", "aside(-8)", show=False),
        Binding("home", "end(False)", show=False),
        Binding("end", "end(True)", show=False),
    ]

    def __init__(
        self,
        title: str,
        text: Callable[[], str | Text],
        *,
        changes: Signal[None] | None = None,
        key: str = "",
        wide: bool = False,
    ) -> None:
        """A `wide` text keeps its lines; others are wrapped."""
        super().__init__()
        self._wide = wide
        self._title = title
        self._text = text
        self._changes = changes
        self._stale: Timer | None = None
        self._key = key
        self._shown: str | Text | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = Text(one_line(self._title))
            with ScrollableContainer(can_focus=True, id="text"):
                yield Static(classes="whole wide" if self._wide else "whole", markup=False)
            yield Static(" Esc closes, arrows and PgUp/PgDn scroll", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._draw()
        self.query_one("#text").focus()
        if self._changes is not None:
            self._changes.subscribe(self, lambda _: self._draw_soon())

    def _draw_soon(self) -> None:
        if self._stale is None:
            self._stale = self.set_timer(0.5, self._draw)

    def _draw(self) -> None:
        self._stale = None
        text = self._text()
        if text != self._shown:
            self._shown = text
            self.query_one(".whole", Static).update(clean(text if isinstance(text, Text) else Text(text)))

    def on_key(self, event) -> None:
        if self._key and event.key == self._key:
            event.stop()
            self.dismiss()

    def action_move(self, lines: int) -> None:
        self.query_one("#text").scroll_relative(y=lines, animate=False)

    def action_aside(self, columns: int) -> None:
        self.query_one("#text").scroll_relative(x=columns, animate=False)

    def action_end(self, bottom: bool) -> None:
        view = self.query_one("#text")
        view.scroll_end(animate=False) if bottom else view.scroll_home(animate=False)


class Entry(NamedTuple):
    """One line of a list, and what is shown beside it."""

    name: str
    text: Callable[[], str | Text]
    wide: bool = False


class BrowseScreen(ModalScreen[None]):
    """Answers, files, turns: a list on the left, the chosen one on the right."""

    BINDINGS: ClassVar[list[BindingType]] = CLOSE

    def __init__(self, title: str, entries: Sequence[Entry], *, empty: str, start: int = 0) -> None:
        super().__init__()
        self._title = title
        self._entries = entries
        self._empty = empty
        self._start = start

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = Text(self._title)
            with Horizontal():
                options = (Option(Text(one_line(entry.name))) for entry in self._entries)
                yield OptionList(*options, classes="side", compact=True)
                with VerticalScroll(classes="body"):
                    yield Static(Text(self._empty), id="chosen", markup=False)
            hint = " Esc closes, Up/Down chooses, Enter: whole screen, Tab: to the text"
            yield Static(hint, classes="hint", markup=False)

    def on_mount(self) -> None:
        found = self.query_one(OptionList)
        found.focus()
        if self._entries:
            found.highlighted = min(self._start, len(self._entries) - 1)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        text = self._entries[event.option_index].text()
        self.query_one("#chosen", Static).update(clean(text if isinstance(text, Text) else Text(text)))
        self.query_one(".body").scroll_home(animate=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        entry = self._entries[event.option_index]
        self.app.push_screen(TextScreen(entry.name, entry.text, wide=entry.wide))


class Change(NamedTuple):
    """One changed file of the project, as it is reviewed."""

    path: str
    kind: str
    diff: str
    refused: str
    conflict: bool


class ReviewScreen(ModalScreen[list[str]]):
    """Which changes of the project are applied (WS-033): the paths that are ticked when Enter is pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "decide(False)", "Apply nothing", show=False),
        Binding("enter", "decide(True)", "Apply", show=False, priority=True),
        Binding("a", "all", "All", show=False),
    ]

    def __init__(self, changes: Sequence[Change]) -> None:
        super().__init__()
        self._changes = changes

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = Text(f"{len(self._changes)} changed file(s) in your project")
            with Horizontal():
                lines = (self._line(change) for change in self._changes)
                yield SelectionList[str](*lines, classes="side", compact=True)
                with VerticalScroll(classes="body"):
                    yield Static(id="chosen", markup=False)
            hint = " Space ticks, a ticks all, Enter applies what is ticked, Esc nothing"
            yield Static(hint, classes="hint", markup=False)

    @staticmethod
    def _line(change: Change) -> Selection[str]:
        mark = {"added": "+", "deleted": "-"}.get(change.kind, "~")
        warning = " (you changed it!)" if change.conflict else ""
        name = Text(f"{mark} {one_line(change.path)}{warning}")
        return Selection(name, change.path, disabled=bool(change.refused))

    def on_mount(self) -> None:
        self.query_one(SelectionList).focus()

    def on_selection_list_selection_highlighted(self, event: SelectionList.SelectionHighlighted[str]) -> None:
        change = self._changes[event.selection_index]
        text = colored(change.diff)
        if change.refused:
            text = Text(f"Not possible: {change.refused}\n\n", style="bold red") + text
        self.query_one("#chosen", Static).update(clean(text))

    def action_all(self) -> None:
        found = self.query_one(SelectionList)
        for change in self._changes:
            if not change.refused:
                found.select(change.path)

    def action_decide(self, apply: bool) -> None:
        self.dismiss(list(self.query_one(SelectionList).selected) if apply else [])


def colored(diff: str) -> Text:
    """A unified diff in colours."""
    out = Text()
    for line in diff.splitlines():
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        out.append("".join(c for c in line if c.isprintable() or c == "\t") + "\n", style=style)
    return out
