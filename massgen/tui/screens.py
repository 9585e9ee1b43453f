"""What opens over the team: one long text, or a list beside what is chosen in it. Escape closes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, ScrollableContainer, Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.signal import Signal
from textual.timer import Timer
from textual.widgets import OptionList, SelectionList, Static
from textual.widgets.option_list import Option
from textual.widgets.selection_list import Selection

from massgen.tui.markdown import rendered
from massgen.tui.symbols import clean, one_line, printable

CLOSE: list[BindingType] = [Binding("escape,q", "dismiss", "Close", show=False)]
READ: list[BindingType] = [
    Binding("v", "as_written", "As it is written", show=False),
    Binding("y", "copy", "Copy", show=False),
]
Content = Callable[[], str | Text]


class Entry(NamedTuple):
    """One line of a list, and what is shown beside it; `words` come after the text and are Markdown."""

    name: str
    text: Content
    wide: bool = False
    words: Callable[[], str] | None = None

    def page(self, as_written: bool) -> Page:
        """What there is to show now."""
        text = self.text()
        return Page(text if isinstance(text, Text) else Text(text), self.words() if self.words else "", as_written)


class Page(NamedTuple):
    """A text, and Markdown that is laid out or stands there as it is written."""

    text: Text
    words: str
    as_written: bool

    def shown(self) -> RenderableType:
        text = clean(self.text.copy())
        if not self.words:
            return text
        if self.as_written:
            return text + clean(Text(printable(self.words)))
        if not text.plain:
            return rendered(self.words)
        text.rstrip()
        return Group(text.append("\n"), rendered(self.words))

    def copied(self) -> str:
        """What a person wants of it."""
        return printable(self.words or self.text.plain)


def copy(screen: Screen[Any], page: Page) -> None:
    """Into the clipboard of the terminal: what is marked with the mouse, else the whole page."""
    marked = screen.get_selected_text()
    screen.app.copy_to_clipboard(marked or page.copied())
    screen.notify("Copied what is marked." if marked else "Copied.", timeout=2)


class TextScreen(ModalScreen[None]):
    """`text` is asked for again with the `changes` of a live run (TUI-017), at most twice a second."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *CLOSE,
        *READ,
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("right", "aside(8)", show=False),
        Binding("left", "aside(-8)", show=False),
        Binding("home", "end(False)", show=False),
        Binding("end", "end(True)", show=False),
    ]

    def __init__(
        self,
        entry: Entry,
        *,
        changes: Signal[None] | None = None,
        key: str = "",
        as_written: bool = False,
    ) -> None:
        """A `wide` text keeps its lines; others are wrapped."""
        super().__init__()
        self._entry = entry
        self._changes = changes
        self._stale: Timer | None = None
        self._key = key
        self._as_written = as_written
        self._shown: Page | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = Text(one_line(self._entry.name))
            with ScrollableContainer(can_focus=True, id="text"):
                yield Static(classes="whole wide" if self._entry.wide else "whole", markup=False)
            written = ", v as written" if self._entry.words else ""
            yield Static(f" Esc closes, arrows and PgUp/PgDn scroll{written}, y copies", classes="hint", markup=False)

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
        page = self._entry.page(self._as_written)
        if page != self._shown:
            self._shown = page
            self.query_one(".whole", Static).update(page.shown())

    def action_as_written(self) -> None:
        self._as_written = not self._as_written
        self._draw()

    def action_copy(self) -> None:
        copy(self, self._entry.page(self._as_written))

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


class BrowseScreen(ModalScreen[None]):
    """Answers, files, turns: a list on the left, the chosen one on the right."""

    BINDINGS: ClassVar[list[BindingType]] = [*CLOSE, *READ]

    def __init__(self, title: str, entries: Sequence[Entry], *, empty: str, start: int = 0) -> None:
        super().__init__()
        self._title = title
        self._entries = entries
        self._empty = empty
        self._start = start
        self._as_written = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = Text(self._title)
            with Horizontal():
                options = (Option(Text(one_line(entry.name))) for entry in self._entries)
                yield OptionList(*options, classes="side", compact=True)
                with VerticalScroll(classes="body"):
                    yield Static(Text(self._empty), id="chosen", markup=False)
            written = "  v as written" if any(entry.words for entry in self._entries) else ""
            hint = f" Esc closes  Enter whole screen  Tab text{written}  y copies"
            yield Static(hint, classes="hint", markup=False)

    def on_mount(self) -> None:
        found = self.query_one(OptionList)
        found.focus()
        if self._entries:
            found.highlighted = min(self._start, len(self._entries) - 1)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._draw(event.option_index)

    def _draw(self, place: int) -> None:
        self.query_one("#chosen", Static).update(self._entries[place].page(self._as_written).shown())
        self.query_one(".body").scroll_home(animate=False)

    def action_as_written(self) -> None:
        self._as_written = not self._as_written
        place = self.query_one(OptionList).highlighted
        if place is not None:
            self._draw(place)

    def action_copy(self) -> None:
        place = self.query_one(OptionList).highlighted
        if place is not None:
            copy(self, self._entries[place].page(self._as_written))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.app.push_screen(TextScreen(self._entries[event.option_index], as_written=self._as_written))


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
