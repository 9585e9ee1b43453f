"""The result of a turn, set apart."""

from __future__ import annotations

from rich.text import Text
from textual.containers import VerticalScroll
from textual.widgets import Static

from massgen.tui.markdown import rendered


class FinalPanel(VerticalScroll):
    """The result, set apart from the work (TUI-013)."""

    def __init__(self) -> None:
        super().__init__(id="final")
        self._text = Static(markup=False)
        self._shown = ("", False)

    def compose(self):
        yield self._text

    def draw(self, title: str, text: str, *, done: bool) -> None:
        """`text` grows while the winner presents; once it is `done` it is laid out as Markdown."""
        self.border_title = Text(title)
        if (text, done) == self._shown:
            return
        if self._shown[1] and not done:
            self.scroll_home(animate=False)
        self._shown = (text, done)
        if done:
            self._text.update(rendered(text))
            self.scroll_home(animate=False)
        else:
            self._text.update(Text(text.lstrip()))
            self.scroll_end(animate=False)
