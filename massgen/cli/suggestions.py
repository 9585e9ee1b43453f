"""Questions that the input of a session offers with Up: those of earlier turns, or what a simulated team knows."""

from __future__ import annotations

from massgen.cli.slash import current_session
from massgen.errors import ConfigError
from massgen.runs.conversation import Conversation

MOST = 50


def earlier_questions(chat: Conversation) -> list[str]:
    """Oldest first; empty in a new session."""
    session = current_session(chat)
    return [turn.task for turn in session.turns()][-MOST:] if session is not None else []


def rehearsed_question(chat: Conversation) -> str:
    """A question that the team has an answer to, empty unless all of it is simulated."""
    loaded = chat.base.loaded
    agents = loaded.require().agents
    if any(agent.backend.type != "simulated" for agent in agents):
        return ""
    from massgen.backends.options import Options
    from massgen.backends.rehearsal import DEFAULT_SCRIPT, known_questions

    directory = loaded.path.parent if loaded.path is not None else None
    try:
        script = Options(agents[0].backend).text("script") or DEFAULT_SCRIPT
        return known_questions(script, directory)[0]
    except (ConfigError, IndexError):
        return ""
