"""Markdown of agents, laid out for a terminal. Nobody vouches for what it says."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from massgen.tui.symbols import clean, has_unicode, printable

LONGEST = 50_000


def rendered(text: str) -> RenderableType:
    """Laid out; as it is written where it is very long, or where the terminal has no signs for it."""
    return Markdown(text) if len(text) < LONGEST and has_unicode() else clean(Text(printable(text)))


class Markdown:
    """Laid out once for each width. Links are no live ones, and what entities spell cannot draw on the screen."""

    def __init__(self, text: str) -> None:
        self._text = printable(text)
        self._made: tuple[int, list[Segment]] = (0, [])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._made[0] != options.max_width:
            from rich.markdown import Markdown as Layout

            made = console.render(Layout(self._text, hyperlinks=False), options)
            segments = [Segment(clean(Text(text)).plain, style) for text, style, control in made if not control]
            self._made = (options.max_width, segments)
        yield from self._made[1]
