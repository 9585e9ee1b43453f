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
