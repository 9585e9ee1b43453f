"""A launch directory with a team whose models are scripted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from massgen.testing import ScriptedProvider, answer_then_vote
from massgen.testing.replies import Pace, Script

TEAM = {
    "model-a": answer_then_vote("Four, says the first.", votes_for="agent2"),
    "model-b": answer_then_vote("4, says the second.", votes_for="agent2"),
    "model-c": answer_then_vote("IV, says the third.", votes_for="agent1"),
}
NAMES = ("openrouter-fast1", "openrouter-fast2", "third")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`values` are the team's configuration, `config` the same as a file."""

    directory: Path
    provider: ScriptedProvider
    values: dict[str, Any]
    config: Path

    def single(self, model: str = "model-a") -> dict[str, Any]:
        """A team of one."""
        chosen = [agent for agent in self.values["agents"] if agent["backend"]["model"] == model]
        return {**self.values, "agents": chosen}


@asynccontextmanager
async def place(directory: Path, scripts: Mapping[str, Script] | None = None, *, pace: Pace | None = None, **more: Any):
    """`more` goes into the configuration beside the agents."""
    async with ScriptedProvider(scripts or TEAM, pace=pace) as provider:
        wire = {"type": "chatcompletion", "base_url": provider.openai_url, "api_key": "sk-test-key"}
        agents = [
            {"id": name, "backend": {**wire, "model": model}}
            for name, model in zip(NAMES, scripts or TEAM, strict=False)
        ]
        values = {"agents": agents, **more}
        config = directory / "team.yaml"
        config.write_text(json.dumps(values), encoding="utf-8")
        yield Place(directory=directory, provider=provider, values=values, config=config)


def play(story: Callable[[], Awaitable[None]], seconds: float = 250) -> None:
    """Run a story in a loop of its own; a hung one fails instead of blocking the suite."""

    async def bounded() -> None:
        async with asyncio.timeout(seconds):
            await story()

    asyncio.run(bounded())
