"""Words and symbols for what agents and runs are doing, the same in every display (TUI-011, TUI-012, TUI-021)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from massgen.views.printable import one_line

if TYPE_CHECKING:
    from massgen.views.run_state import AgentView, RunState


class Shown(NamedTuple):
    """A state as people see it: by symbol and word, with an ASCII symbol for plain terminals."""

    symbol: str
    plain: str
    word: str
    table: str


AGENT_STATES = {
    "waiting": Shown("○", ".", "waiting", "Waiting"),
    "streaming": Shown("●", "*", "working", "Generating..."),
    "answered": Shown("✓", "+", "answered", "Complete ✓"),
    "voted": Shown("▲", "^", "voted", "Voted"),
    "restarting": Shown("↻", "~", "restarting", "Voting..."),
    "error": Shown("✗", "x", "error", "Error"),
    "timeout": Shown("◷", "T", "timeout", "Timeout"),
    "completed": Shown("■", "#", "completed", "Converged"),
    "skipped": Shown("⊘", "/", "skipped", "Skipped"),
}
PHASES = {"initial_answer": "Initial answers", "enforcement": "Coordination", "presentation": "Presentation"}


def table_word(state: RunState, agent: AgentView) -> str:
    """The state in the coordination table: an agent that works after its first answer is deciding."""
    if agent.status == "streaming" and agent.answers:
        return "Voting..."
    if agent.status in ("voted", "completed") and state.winner and state.how == "consensus":
        return "Converged"
    return AGENT_STATES.get(agent.shown, AGENT_STATES["waiting"]).table


def vote_of(state: RunState, agent: AgentView) -> str:
    """Whom an agent votes for: `-`, the chosen agent, or `Self`."""
    if agent.vote is None:
        return "-"
    return "Self" if agent.vote.agent == agent.agent_id else one_line(agent.vote.agent)
