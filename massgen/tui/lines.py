"""Blocks as the lines of one widget. A line that only moved is not made again: a screen of busy agents stays quick."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from massgen.tui.blocks import Block, Item

EMPTY = Strip([])
MOST_MADE = 3000


class Lines(ScrollView, can_focus=True):
    """Follows its end until a person scrolls up; only then, or in focus, it has a scroll bar, which is dear to draw."""

    class Laid(Message):
        """The width is another one, or the widget came to light: what it shows has to be laid out."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self._starts: list[int] = []
        self._made: dict[int, tuple[Strip, Strip]] = {}
        self._made_for: tuple[object, ...] = ()
        self._following = True

    @property
    def width(self) -> int:
        return self.scrollable_content_region.width

    def show(self, wanted: Sequence[Item], *, open: bool) -> None:
        """Show these, newest last; only what changed is laid out. New ones that fold are `open` or not."""
        gone = self._drop_oldest(wanted)
        lines = sum(len(block.strips) for block in self.blocks[:gone])
        del self.blocks[:gone]
        first = self._renew(wanted, open)
        if gone or first is not None:
            self._measure(0 if gone or first is None else first)
            self.refresh()
        if self._following:
            self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)
        elif lines:
            self.scroll_to(y=max(0, self.scroll_y - lines), animate=False, immediate=True, force=True)

    def _drop_oldest(self, wanted: Sequence[Item]) -> int:
        """How many of the oldest blocks are wanted no longer."""
        if not wanted:
            return len(self.blocks)
        return next((n for n, block in enumerate(self.blocks) if block.shows(wanted[0])), len(self.blocks))

    def _renew(self, wanted: Sequence[Item], open: bool) -> int | None:
        """Bring the blocks up to date: the first that changed."""
        first: int | None = None
        width, console = self.width, self.app.console
        for position, item in enumerate(wanted):
            if position < len(self.blocks) and not self.blocks[position].shows(item):
                del self.blocks[position:]
            if position == len(self.blocks):
                self.blocks.append(Block(item, open))
            if self.blocks[position].draw(item.live, width, console) and first is None:
                first = position
        if len(self.blocks) > len(wanted):
            del self.blocks[len(wanted) :]
            first = len(wanted) if first is None else first
        return first

    def _measure(self, first: int) -> None:
        """Where blocks start, from the first one that changed on."""
        del self._starts[first:]
        start = self._starts[-1] + len(self.blocks[first - 1].strips) if first else 0
        for block in self.blocks[first:]:
            self._starts.append(start)
            start += len(block.strips)
        self.virtual_size = Size(self.width, start)

    def at(self, line: int) -> tuple[Block, int] | None:
        """The block of a line, and which of its lines it is."""
        position = bisect_right(self._starts, line) - 1
        if position < 0:
            return None
        block, within = self.blocks[position], line - self._starts[position]
        return (block, within) if within < len(block.strips) else None

    def render_lines(self, crop: Region) -> list[Strip]:
        style, width, chosen = self.rich_style, self.outer_size.width, self.text_selection
        if self._made_for != (style, width, chosen) or len(self._made) > MOST_MADE:
            self._made, self._made_for = {}, (style, width, chosen)
        top = self.scroll_offset.y
        rows = [self._row(top + y, width, style, chosen) for y in crop.line_range]
        background = self.background_colors[1]
        for effect in self.get_line_filters():
            rows = [row.apply_filter(effect, background) for row in rows]
        left, right = crop.column_span
        return rows if (left, right) == (0, width) else [row.crop(left, right) for row in rows]

    def _row(self, line: int, width: int, style: Style, chosen: Selection | None) -> Strip:
        found = self.at(line)
        strip = found[0].strips[found[1]] if found is not None else EMPTY
        made = self._made.get(line)
        if made is not None and made[0] is strip:
            return made[1]
        row = strip.crop_extend(0, width, None).apply_style(style)
        span = chosen.get_span(line) if chosen is not None else None
        if span is not None:
            row = self._marked(row, *span)
        row = row.apply_offsets(0, line)
        self._made[line] = (strip, row)
        return row

    def _marked(self, row: Strip, begin: int, end: int) -> Strip:
        mark = self.screen.get_component_rich_style("screen--selection")
        end = row.cell_length if end < 0 else min(end, row.cell_length)
        before, inside, after = row.crop(0, begin), row.crop(begin, end), row.crop(end)
        segments = [Segment(text, own + mark if own else mark) for text, own, _ in inside]
        return Strip([*before, *segments, *after])

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._following = self.max_scroll_y - new_value <= 2
        self.set_class(not self._following, "away")

    @property
    def allow_select(self) -> bool:
        return True

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        text = "\n".join(strip.text for block in self.blocks for strip in block.strips)
        return selection.extract(text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self.post_message(self.Laid())

    def on_show(self) -> None:
        self.post_message(self.Laid())

    def on_click(self, event: Click) -> None:
        """Open or close the thoughts or the tool call under the pointer."""
        at = event.get_content_offset(self)
        found = self.at(at.y + self.scroll_offset.y) if at is not None else None
        if found is not None and found[0].folds:
            found[0].open = not found[0].open
            self.post_message(self.Laid())
