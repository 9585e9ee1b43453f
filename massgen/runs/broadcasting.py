"""Questions between the agents of a run, and to its person: `ask_others` where the configuration offers it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from massgen.config import CoordinationConfig
from massgen.engine.broadcast import SENSITIVITY, BroadcastRules, Broadcasts
from massgen.engine.preparing.oneshot import Asker
from massgen.engine.team import Team
from massgen.runs.request import RunRequest


def with_broadcasts(
    team: Team, request: RunRequest, *, wanted: CoordinationConfig, asker: Asker, warn: Callable[[str], None]
) -> tuple[Team, Broadcasts | None]:
    """The team with `ask_others`, and what carries the questions; None where nobody is there to answer."""
    mode = wanted.broadcast
    if mode == "human" and request.ask_human is None:
        warn("broadcast: human is off in this run, because nobody can be asked.")
        return team, None
    if mode not in ("agents", "human") or request.plain or (mode == "agents" and len(team.agents) < 2):
        return team, None
    rules = BroadcastRules(
        mode=mode,
        timeout=float(wanted.broadcast_timeout),
        most=wanted.max_broadcasts_per_agent,
        depth=wanted.response_depth,
    )
    broadcasts = Broadcasts(
        agents=team.agents,
        rules=rules,
        asker=asker,
        human=request.ask_human,
        answers=request.human_answers,
    )
    hint = SENSITIVITY[wanted.broadcast_sensitivity]
    agents = tuple(replace(agent, sections=(*agent.sections, hint)) for agent in team.agents)
    handlers = {**team.handlers, "ask_others": broadcasts.ask, "respond_to_broadcast": broadcasts.respond}
    return replace(team, agents=agents, handlers=handlers), broadcasts
