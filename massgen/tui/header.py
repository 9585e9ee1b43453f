"""The top line: what phase, how long, what it costs, who leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from massgen.tui.symbols import clean, one_line, sign
from massgen.views.states import PHASES

if TYPE_CHECKING:
    from massgen.tui.feed import RunFeed


def amount(number: int) -> str:
    """A token count for people: 980, 12.3k, 1.2M."""
    if number < 1000:
        return str(number)
    return f"{number / 1000:.1f}k" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"


def clock(seconds: float) -> str:
    """Minutes and seconds, hours where there are any."""
    whole = int(max(0.0, seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60:02}:{rest % 60:02}"


class Header(Static):
    """Drawn by the application at every change of the run, and twice a second while it goes on."""

    def __init__(self) -> None:
        super().__init__(id="header", markup=False)

    def draw(self, feed: RunFeed | None, now: float, note: str) -> None:
        """`now` is the end of the time that is shown while the run goes on."""
        if feed is None or not feed.state.agents:
            self.update(Text.assemble((" MassGen ", "bold reverse"), f"  {note}"), layout=False)
            return
        state = feed.state
        elapsed = (state.ended or now) - state.started
        used = feed.tokens
        cost = f"${state.usage.cost:.4f}" if state.usage.cost else ""
        parts = [
            f"turn {state.turn}" + (f" attempt {state.attempt}" if state.attempt > 1 else ""),
            note or (_ended(state.end_reason) if state.complete else PHASES.get(state.phase, state.phase)),
            clock(elapsed),
            sign(f"{amount(used[0])}→{amount(used[1])} tokens") if any(used) else "",
            cost,
            _leader(feed),
        ]
        line = sign(" · ").join(part for part in parts if part)
        self.update(clean(Text.assemble((" MassGen ", "bold reverse"), "  ", line)), layout=False)


def _ended(reason: str) -> str:
    return {"complete": "done", "error": "failed"}.get(reason, reason)


def _leader(feed: RunFeed) -> str:
    state = feed.state
    if state.winner:
        return sign(f"★ {one_line(state.winner)}")
    votes = {label: count for label, count in state.votes().items() if count}
    if not votes:
        return f"{len(state.answers)} answer(s)" if state.answers else ""
    best = max(votes, key=lambda label: votes[label])
    return f"{best} leads with {votes[best]} of {len(state.agents)}"
