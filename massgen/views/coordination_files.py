"""Writes `coordination_events.json`, `coordination_table.txt` and `vote.json` of an attempt (LOG-050 to LOG-057)."""

from __future__ import annotations

from typing import Any

from massgen.events.types import Event, FinalAnswer, OrchestrationRestart, SessionEnd
from massgen.views.coordination_log import CoordinationLog
from massgen.views.files import guarded, write_atomic, write_json
from massgen.views.pacing import Paced
from massgen.views.run_state import RunState
from massgen.views.table import coordination_table
from massgen.views.tree import LogTree

SECONDS = 0.5


def vote_summary(state: RunState) -> dict[str, Any]:
    """`vote.json`: standing votes only, real ids (LOG-052)."""
    votes = {
        name: {"voted_for": agent.vote.agent, "voted_for_label": agent.vote.label, "reason": agent.vote.reason}
        for name, agent in state.agents.items()
        if agent.vote is not None
    }
    return {"votes": votes, "winner": state.winner, "consensus_reached": consensus_reached(state)}


def consensus_reached(state: RunState) -> bool:
    """Whether coordination ended because everybody had decided, whatever for."""
    if state.how in ("", "timeout", "cancelled"):
        return False
    if state.mode == "decomposition":
        return all(agent.status == "completed" or agent.agent_id == state.winner for agent in state.agents.values())
    return bool(state.agents) and all(agent.vote is not None for agent in state.agents.values())


class CoordinationFiles:
    """Subscriber; `state` has already taken the event. Complete when an attempt ends, half a second late before."""

    def __init__(self, state: RunState, tree: LogTree) -> None:
        self._state = state
        self._tree = tree
        self._log = CoordinationLog()
        self._paced = Paced(self._write, SECONDS)

    def __call__(self, event: Event) -> None:
        changed = self._log.apply(event)
        match event.body:
            case SessionEnd() | OrchestrationRestart():
                self._paced.now()
            case _ if changed or isinstance(event.body, FinalAnswer):
                self._paced.want()
            case _:
                return

    def recall(self, event: Event) -> None:
        """Take an event of an ended process; nothing is written."""
        self._log.apply(event)

    def _write(self) -> None:
        here = self._tree.here
        records = [record.as_json() for record in self._log.records]
        guarded("coordination_events.json", lambda: write_json(here / "coordination_events.json", records))
        guarded("vote.json", lambda: write_json(here / "vote.json", vote_summary(self._state)))
        text = coordination_table(self._state, self._log)
        guarded("coordination_table.txt", lambda: write_atomic(here / "coordination_table.txt", text))
