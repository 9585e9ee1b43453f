"""Real runs against the scripted provider, and the command line in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from massgen.cli.entry import run as run_command
from massgen.config import load_config
from massgen.events.types import Event
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.run import Run
from massgen.testing import ScriptedProvider

KEY = "sk-planted-config-0123456789"


async def play(
    launch: Path, scripts: Mapping[str, Any], extra: Mapping[str, Any] | None = None, **request: Any
) -> tuple[RunResult, list[Event]]:
    """One run of a team with one agent a script (`agent_a`, `agent_b`, …); its result and its events."""
    seen: list[Event] = []
    async with ScriptedProvider(scripts) as server:
        agents = [
            {
                "id": f"agent_{letter}",
                "backend": {"type": "chatcompletion", "model": model, "base_url": server.openai_url, "api_key": KEY},
            }
            for letter, model in zip("abcdef", scripts, strict=False)
        ]
        loaded = load_config({"agents": agents, **(extra or {})}, launch=launch)
        run = Run(RunRequest(loaded=loaded, launch=launch, **{"question": "What is 2+2?", **request}))
        run.prepare()
        run.stream.subscribe(seen.append)
        return await run.execute(), seen


def played(
    launch: Path, scripts: Mapping[str, Any], extra: Mapping[str, Any] | None = None, **request: Any
) -> RunResult:
    return asyncio.run(play(launch, scripts, extra, **request))[0]


@dataclass(frozen=True, slots=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str


Massgen = Callable[..., Said]


def command(capsys: pytest.CaptureFixture[str]) -> Massgen:
    """The command line, called in this process."""

    def call(*arguments: str) -> Said:
        capsys.readouterr()
        code = run_command(list(arguments))
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call
