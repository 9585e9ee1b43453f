"""What an agent's round gets against forgetting: its memory section, read anew, and the care for its context."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from massgen.agents.compression import Compression
from massgen.engine.team import TeamAgent
from massgen.engine.watching import RoundWatcher
from massgen.events.types import Injection


def compression_of(agent: TeamAgent, watcher: RoundWatcher) -> Compression:
    """For one round of the agent (MEM-073 to MEM-079)."""

    async def trace() -> str:
        return await agent.files.keep_trace() if agent.files is not None else ""

    return Compression(rules=agent.context, agent_id=agent.id, say=watcher.warning, trace=trace)


def memory_of(agent: TeamAgent, watcher: RoundWatcher) -> Callable[[], Awaitable[str]] | None:
    """Reads the memory section for one request; what was read is an event whenever it changed (MEM-094)."""
    files = agent.files
    if files is None:
        return None
    shown = ""

    async def read() -> str:
        nonlocal shown
        text = await files.memory()
        if text != shown:
            shown = text
            body = Injection(source="memory", text=text)
            watcher.stream.emit(body, agent_id=watcher.agent_id, round=watcher.round)
        return text

    return read
