"""Runs in this process whose models fail, for tests that count what is left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from massgen.config import load_config
from massgen.coordination.replay import replay
from massgen.events.codec import read_run
from massgen.events.types import Event
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.run import Run
from massgen.testing import Pace, ReceivedRequest, ScriptedProvider
from massgen.views.run_state import RunState
from massgen.views.status import status_snapshot

KEY = "sk-planted-0123456789"
SHORT = {"connect_timeout": 5, "first_token_timeout": 2, "idle_timeout": 2, "timeout": 8}
"""Limits of a call, in seconds, for agents whose provider falls silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    result: RunResult
    events: list[Event]
    status: dict[str, Any]
    requests: list[ReceivedRequest]


def team(url: str | list[str], models: list[str], *, silent: str = "", **extra: Any) -> dict[str, Any]:
    """A configuration: one agent for each model, at one address or each at its own; that of `silent` is not waited for
    long."""
    urls = [url] * len(models) if isinstance(url, str) else url
    agents = [
        {
            "id": f"agent {number}",
            "backend": {"type": "chatcompletion", "model": model, "base_url": at, "api_key": KEY, **limits},
        }
        for number, (model, at) in enumerate(zip(models, urls, strict=True), 1)
        for limits in [SHORT if model == silent else {}]
    ]
    return {"agents": agents, **extra}


async def run_team(launch: Path, config: dict[str, Any], *, seconds: float = 250, quick: bool = False) -> Outcome:
    """One run; one that does not end in time fails the test."""
    request = RunRequest(
        loaded=load_config(config), question="What is 2+2?", launch=launch, automation=True, quick=quick
    )
    run = Run(request)
    run.prepare()
    async with asyncio.timeout(seconds):
        result = await run.execute()
    status = json.loads((run.log_dir / "status.json").read_text(encoding="utf-8"))
    return Outcome(result=result, events=list(read_run(run.log_dir)), status=status, requests=[])


async def ask(launch: Path, scripts: Mapping[str, Any], *, pace: Pace | None = None, **extra: Any) -> Outcome:
    """One run against a provider of its own."""
    quick = bool(extra.pop("quick", False))
    async with ScriptedProvider(scripts, pace=pace) as server:
        done = await run_team(launch, team(server.openai_url, list(scripts), **extra), quick=quick)
        return replace(done, requests=list(server.requests))


def asked(launch: Path, scripts: Mapping[str, Any], **extra: Any) -> Outcome:
    return asyncio.run(ask(launch, scripts, **extra))


def check_honest(done: Outcome) -> None:
    """What holds for every run, however it ended."""
    result, status = done.result, done.status
    assert result.exit_code in (0, 2, 3, 4), result
    assert (result.exit_code == 0) <= bool(result.answer), "success without an answer"
    assert status["is_complete"] and status["exit_code"] == result.exit_code
    assert status["results"]["winner"] == result.winner
    assert (result.winner is not None) == bool(result.answer)
    if result.answer_file is not None:
        assert result.answer_file.read_text(encoding="utf-8") == result.answer
    assert KEY not in json.dumps(status)
    story = replay(done.events)
    assert story.follows, [attempt.problems for attempt in story.attempts]


def check_told(done: Outcome) -> None:
    """status.json is what the log says when it is folded anew, and every answer stands in its own step."""
    state = RunState()
    for event in done.events:
        state.apply(event)
    told, log_dir = done.status, done.result.log_dir
    folded = status_snapshot(state, log_dir, told["meta"]["last_updated"])
    differing = [key for key in folded if not alike(folded[key], told[key])]
    assert not differing, [(folded[key], told[key]) for key in differing]
    assert {answer.label for answer in done.result.answers} <= set(done.result.steps)
    assert not list(log_dir.rglob("*.tmp*"))


def alike(one: Any, other: Any) -> bool:
    """Equal, but for the digits that the log does not keep of a time."""
    match one:
        case float():
            return isinstance(other, float | int) and abs(one - other) < 0.01
        case dict():
            return isinstance(other, dict) and one.keys() == other.keys() and all(alike(one[k], other[k]) for k in one)
        case list():
            return isinstance(other, list) and len(one) == len(other) and all(map(alike, one, other))
        case _:
            return one == other
