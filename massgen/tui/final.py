"""The result of a turn, and how Markdown is laid out."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text
from textual.containers import VerticalScroll
from textual.widgets import Static

LONGEST_MARKDOWN = 100_000


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


def rendered(text: str) -> RenderableType:
    """Markdown without live links: what stands in the terminal is what is shown."""
    from rich.markdown import Markdown

    return Markdown(text, hyperlinks=False) if len(text) < LONGEST_MARKDOWN else Text(text)
