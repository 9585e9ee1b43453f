"""One agent: a frame with its state, and in it everything it does."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from massgen.tui.blocks import items
from massgen.tui.feed import RunFeed
from massgen.tui.lines import Lines
from massgen.tui.symbols import clean, one_line, sign, state_sign
from massgen.views.run_state import AgentView
from massgen.views.states import vote_of

MOST_BLOCKS = 300


class AgentPanel(Container):
    """Draws what is known of its agent whenever it is told to, and when its place on the screen changes."""

    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar[list[BindingType]] = [Binding("e", "fold", "Expand", show=False)]

    def __init__(self, agent_id: str, number: int) -> None:
        super().__init__(classes="agent")
        self.agent_id = agent_id
        self.number = number
        self.border_title = Text(one_line(agent_id))
        self.lines = Lines()
        self._feed: RunFeed | None = None
        self._framed: tuple[object, ...] = ()
        self._open = False

    def compose(self) -> ComposeResult:
        yield self.lines

    def focus(self, scroll_visible: bool = True) -> AgentPanel:
        self.lines.focus(scroll_visible)
        return self

    def clear(self) -> None:
        """Forget what is shown: another turn or attempt begins."""
        self.lines.show([], open=False)
        self.lines.scroll_home(animate=False, immediate=True)

    def draw(self, feed: RunFeed) -> None:
        """Show what is new."""
        self._feed = feed
        agent = feed.state.agents.get(self.agent_id)
        if agent is not None:
            self._frame(feed, agent)
            self._lay_out()

    def on_lines_laid(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        if self._feed is not None and self.display and self.lines.width > 0:
            self.lines.show(items(self._feed.rounds(self.agent_id), MOST_BLOCKS), open=self._open)

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
        if voted is not None:
            facts[0] += sign(f" → {voted}")
        if label is not None:
            facts.append(label)
        self.border_subtitle = clean(Text(sign(" · ").join(facts)))
        for status in ("streaming", "error", "timeout", "voted", "answered"):
            self.set_class(agent.shown == status, status)
        self.set_class(feed.state.winner == agent.agent_id, "winner")

    def action_fold(self) -> None:
        """Open or close all thoughts and tool calls."""
        self._open = not self._open
        for block in self.lines.blocks:
            block.open = self._open and block.folds
        self._lay_out()
