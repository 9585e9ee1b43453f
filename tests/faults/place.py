"""Runs in this process whose models fail, for tests that count what is left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from massgen.config import load_config
from massgen.events.codec import read_run
from massgen.events.types import Event
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.run import Run
from massgen.testing import Chaos, ReceivedRequest, ScriptedProvider

QUICK = {"max_retries": 3, "retry_base_seconds": 0.01}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    result: RunResult
    events: list[Event]
    status: dict[str, Any]
    requests: list[ReceivedRequest]


def team(url: str, models: list[str], **extra: Any) -> dict[str, Any]:
    agents = [
        {
            "id": f"agent {number}",
            "backend": {"type": "chatcompletion", "model": model, "base_url": url, "api_key": "sk-planted-0123456789"},
        }
        for number, model in enumerate(models, 1)
    ]
    return {"agents": agents, **extra}


async def ask(
    launch: Path, scripts: Mapping[str, Any], *, chaos: Chaos | None = None, seconds: float = 60, **extra: Any
) -> Outcome:
    """One run; a run that does not end in time fails the test."""
    async with ScriptedProvider(scripts, chaos=chaos) as server:
        loaded = load_config(team(server.openai_url, list(scripts), **extra))
        run = Run(RunRequest(loaded=loaded, question="What is 2+2?", launch=launch, automation=True))
        run.prepare()
        async with asyncio.timeout(seconds):
            result = await run.execute()
        requests = list(server.requests)
    status = json.loads((run.log_dir / "status.json").read_text(encoding="utf-8"))
    return Outcome(result=result, events=list(read_run(run.log_dir)), status=status, requests=requests)


def asked(launch: Path, scripts: Mapping[str, Any], **extra: Any) -> Outcome:
    return asyncio.run(ask(launch, scripts, **extra))
