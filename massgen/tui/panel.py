"""One agent: a frame with its state, and in it everything it does."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from massgen.tui.blocks import Block, items
from massgen.tui.feed import RunFeed
from massgen.tui.symbols import clean, one_line, sign, state_sign
from massgen.views.run_state import AgentView
from massgen.views.states import vote_of

MOST_BLOCKS = 300


class AgentPanel(VerticalScroll):
    """Panels follow the end of the text until a person scrolls up."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("e", "fold", "Expand", show=False)]

    def __init__(self, agent_id: str, number: int) -> None:
        super().__init__(classes="agent")
        self.agent_id = agent_id
        self.number = number
        self.border_title = Text(one_line(agent_id))
        self._blocks: list[Block] = []
        self._skipped = 0
        self._open = False

    def clear(self) -> None:
        """Forget what is shown: another turn or attempt begins."""
        self._blocks, self._skipped = [], 0
        self.remove_children()

    def draw(self, feed: RunFeed) -> None:
        """Show what is new. Only changed blocks are laid out again."""
        agent = feed.state.agents.get(self.agent_id)
        if agent is None:
            return
        self._frame(feed, agent)
        wanted = list(items(feed.rounds(self.agent_id)))
        if len(wanted) < self._skipped + len(self._blocks):
            self.clear()
        skip = max(self._skipped, len(wanted) - MOST_BLOCKS)
        for block in self._blocks[: skip - self._skipped]:
            block.remove()
        self._blocks = self._blocks[skip - self._skipped :]
        self._skipped = skip
        wanted = wanted[skip:]
        for block, item in zip(self._blocks, wanted, strict=False):
            block.show(item)
        follow = self.max_scroll_y - self.scroll_y <= 2
        fresh = [Block(item) for item in wanted[len(self._blocks) :]]
        if fresh:
            self._blocks += fresh
            self.mount(*fresh)
        if follow:
            self.scroll_end(animate=False)

    def _frame(self, feed: RunFeed, agent: AgentView) -> None:
        name = f"{self.number} {one_line(agent.agent_id)}"
        model = one_line(agent.model)
        self.border_title = Text(f"{name}  {model}" if model and model != agent.agent_id else name)
        facts = [state_sign(agent.status)]
        if agent.answers:
            facts.append(agent.answers[-1].label)
        if agent.vote is not None:
            facts.append(sign(f"→ {vote_of(feed.state, agent)}"))
        self.border_subtitle = clean(Text(sign(" · ").join(facts)))
        for status in ("streaming", "error", "timeout", "voted", "answered"):
            self.set_class(agent.status == status, status)
        self.set_class(feed.state.winner == agent.agent_id, "winner")

    def action_fold(self) -> None:
        """Open or close all thoughts and tool calls."""
        self._open = not self._open
        for block in self._blocks:
            block.toggle(self._open)
