"""One agent: a frame with its state, and in it everything it does."""

from __future__ import annotations

from bisect import bisect_right
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from massgen.tui.blocks import Block, items
from massgen.tui.feed import RunFeed
from massgen.tui.symbols import clean, one_line, sign, state_sign
from massgen.views.run_state import AgentView
from massgen.views.states import vote_of

MOST_BLOCKS = 300


class AgentPanel(ScrollView, can_focus=True):
    """Lines instead of widgets: a screen of busy agents has to stay quick. Panels follow the end of the text until a
    person scrolls up."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("e", "fold", "Expand", show=False)]

    def __init__(self, agent_id: str, number: int) -> None:
        super().__init__(classes="agent")
        self.agent_id = agent_id
        self.number = number
        self.border_title = Text(one_line(agent_id))
        self._feed: RunFeed | None = None
        self._blocks: list[Block] = []
        self._starts: list[int] = []
        self._framed: tuple[object, ...] = ()
        self._open = False

    def clear(self) -> None:
        """Forget what is shown: another turn or attempt begins."""
        self._blocks, self._starts = [], []
        self._measure()
        self.scroll_to(y=0, animate=False, immediate=True)

    def draw(self, feed: RunFeed) -> None:
        """Show what is new. Only changed blocks are laid out again."""
        self._feed = feed
        agent = feed.state.agents.get(self.agent_id)
        if agent is not None:
            self._frame(feed, agent)
            self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()

    def on_show(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        if self._feed is None or width <= 0 or not self.display:
            return
        following = self.max_scroll_y - self.scroll_y <= 2
        before = self._starts[-1] if self._starts else 0
        gone = self._renew(width)
        if gone is None:
            return
        self._measure()
        if following:
            self.scroll_end(animate=False, immediate=True, x_axis=False)
        elif gone:
            self.scroll_to(y=max(0, self.scroll_y - min(gone, before)), animate=False, immediate=True)
        self.refresh()

    def _renew(self, width: int) -> int | None:
        """Bring the blocks up to date: the lines that went at the top, or None where all is as before."""
        assert self._feed is not None
        wanted = items(self._feed.rounds(self.agent_id), MOST_BLOCKS)
        first = wanted[0] if wanted else None
        old = 0
        while old < len(self._blocks) and (first is None or not self._blocks[old].shows(first)):
            old += 1
        gone = sum(len(block.strips) for block in self._blocks[:old])
        del self._blocks[:old]
        changed = bool(old)
        for position, item in enumerate(wanted):
            if position < len(self._blocks) and not self._blocks[position].shows(item):
                del self._blocks[position:]
                changed = True
            if position == len(self._blocks):
                self._blocks.append(Block(item, self._open))
            changed |= self._blocks[position].draw(item.live, width, self.app.console)
        if len(self._blocks) > len(wanted):
            del self._blocks[len(wanted) :]
            changed = True
        return gone if changed else None

    def _measure(self) -> None:
        self._starts = []
        total = 0
        for block in self._blocks:
            self._starts.append(total)
            total += len(block.strips)
        self.virtual_size = Size(self.scrollable_content_region.width, total)

    def _block_at(self, line: int) -> tuple[Block, int] | None:
        """The block of a line, and which of its lines it is."""
        position = bisect_right(self._starts, line) - 1
        if position < 0:
            return None
        block, within = self._blocks[position], line - self._starts[position]
        return (block, within) if within < len(block.strips) else None

    def render_line(self, y: int) -> Strip:
        line = self.scroll_offset.y + y
        found = self._block_at(line)
        style, width = self.rich_style, self.size.width
        if found is None:
            return Strip.blank(width, style)
        strip = found[0].strips[found[1]].crop_extend(0, width, style).apply_style(style)
        chosen = self.text_selection.get_span(line) if self.text_selection is not None else None
        if chosen is not None:
            mark = self.screen.get_component_rich_style("screen--selection")
            begin, end = chosen[0], strip.cell_length if chosen[1] < 0 else chosen[1]
            parts = list(strip.divide([begin, end, strip.cell_length]))
            strip = Strip.join([parts[0], Strip(_marked(parts[1], mark)), *parts[2:]])
        return strip.apply_offsets(0, line)

    @property
    def allow_select(self) -> bool:
        return True

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        text = "\n".join(strip.text for block in self._blocks for strip in block.strips)
        return selection.extract(text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def _frame(self, feed: RunFeed, agent: AgentView) -> None:
        voted = vote_of(feed.state, agent) if agent.vote is not None else None
        label = agent.answers[-1].label if agent.answers else None
        framed = (agent.model, agent.status, label, voted, feed.state.winner)
        if framed == self._framed:
            return
        self._framed = framed
        name = f"{self.number} {one_line(agent.agent_id)}"
        model = one_line(agent.model)
        self.border_title = Text(f"{name}  {model}" if model and model != agent.agent_id else name)
        facts = [state_sign(agent.shown)]
        if label is not None:
            facts.append(label)
        if voted is not None:
            facts.append(sign(f"→ {voted}"))
        self.border_subtitle = clean(Text(sign(" · ").join(facts)))
        for status in ("streaming", "error", "timeout", "voted", "answered"):
            self.set_class(agent.shown == status, status)
        self.set_class(feed.state.winner == agent.agent_id, "winner")

    def on_click(self, event: Click) -> None:
        """Open or close the thoughts or the tool call under the pointer."""
        at = event.get_content_offset(self)
        found = self._block_at(at.y + self.scroll_offset.y) if at is not None else None
        if found is not None and found[0].folds:
            found[0].open = not found[0].open
            self._lay_out()

    def action_fold(self) -> None:
        """Open or close all thoughts and tool calls."""
        self._open = not self._open
        for block in self._blocks:
            block.open = self._open and block.folds
        self._lay_out()


def _marked(strip: Strip, style):
    from rich.segment import Segment

    return [Segment(text, (own + style) if own else style) for text, own, _ in strip]
