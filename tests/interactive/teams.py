"""Simulated teams for tests: no network, no delay unless a test wants one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

QUESTIONS = ("Tabs or spaces?", "And in Go?", "And in Python?")
FINAL = "Use a formatter, always."


def agent_turns(name: str, *, delay: float = 0.0, think: str = "Hm.") -> list[dict[str, Any]]:
    """An agent that answers once, votes for the first answer, and presents."""
    return [
        {"when": {"answers_below": 1}, "think": think, "answer": f"{name} says: a formatter.", "delay": delay},
        {"when": {"presenting": True}, "say": FINAL, "delay": 0.0},
        {"vote": {"for": "agent1", "reason": "It ends the argument."}, "delay": 0.0},
    ]


HELD = "custom_tool__held"
FUNCTION = '''
import asyncio
from pathlib import Path


async def held(gate: str) -> str:
    """Wait for a file."""
    while not Path(gate).exists():
        await asyncio.sleep(0.02)
    return "the gate is open"
'''


def write_held_team(directory: Path) -> Path:
    """A team whose birch answers only when the file that is returned is there; it may be told something before."""
    (directory / "functions.py").write_text(FUNCTION, encoding="utf-8")
    gate = directory / "gate"
    answer, *rest = agent_turns("birch")
    birch = [
        {**answer, "when": {"answers_below": 1, "after_tool": HELD}},
        {"when": {"answers_below": 1}, "calls": [{"name": HELD, "arguments": {"gate": str(gate)}}], "delay": 0.0},
        *rest,
    ]
    tools = {"custom_tools": [{"path": str(directory / "functions.py"), "function": "held"}]}
    write_team(directory, turns={"birch": birch}, backend=tools)
    return gate


def write_team(
    directory: Path,
    names: Sequence[str] = ("amber", "birch"),
    *,
    delay: float = 0.0,
    turns: Mapping[str, list[dict[str, Any]]] | None = None,
    questions: Sequence[str] = QUESTIONS,
    more: Mapping[str, Any] | None = None,
    backend: Mapping[str, Any] | None = None,
) -> Path:
    """The configuration file of a team below `directory`."""
    agents = {name: (turns or {}).get(name) or agent_turns(name, delay=delay) for name in names}
    script = {"pace": 1.0, "rehearsals": [{"question": question, "agents": agents} for question in questions]}
    (directory / "script.yaml").write_text(yaml.safe_dump(script, allow_unicode=True), encoding="utf-8")
    config = {
        "agents": [
            {"id": n, "backend": {"type": "simulated", "model": n, "script": "script.yaml", **(backend or {})}}
            for n in names
        ],
        "orchestrator": {"voting_sensitivity": "lenient"},
        **(more or {}),
    }
    path = directory / "team.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path
