"""Faults at random, alone and mixed, on one to all agents: every run ends, and says truly how."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from massgen.testing import (
    BadBody,
    BadFrame,
    Call,
    Chaos,
    Dropped,
    HttpError,
    ScriptedProvider,
    Stalled,
    StreamError,
    Turn,
    answer_then_vote,
    say,
    use,
)
from tests.faults.place import Outcome, check_honest, run_team, team

FAULTS = (
    HttpError(status=400),
    HttpError(status=401),
    HttpError(status=429, retry_after="0"),
    HttpError(status=500),
    HttpError(status=529),
    HttpError(status=400, context=True),
    Dropped(),
    Dropped(how="reset"),
    Dropped(after_chunks=2),
    Dropped(after_chunks=2, how="reset"),
    Dropped(after_chunks=2, how="end"),
    Stalled(),
    Stalled(after_chunks=0),
    Stalled(after_chunks=2),
    BadFrame(),
    StreamError(),
    BadBody(),
    Turn(),
    say("I will not call any tool."),
    use(Call(name="new_answer", arguments='{"content": "cut')),
    use(Call(name="new_answer", arguments="[]")),
    use(Call(name="vote", arguments='{"agent_id": "agent77", "reason": "?"}')),
    use(Call(name="no_such_tool", arguments="{}")),
)
AT_ONCE = 10
LIMIT = 40


async def one_run(launch: Path, seed: int) -> tuple[Outcome, int]:
    """A team with agents at a good provider and at a bad one; the outcome, and how many are at the good one."""
    draw = random.Random(seed)
    size = draw.choice((1, 2, 2, 3, 4))
    bad = draw.randint(1, size)
    faults = FAULTS if draw.random() < 0.5 else (draw.choice(FAULTS),)
    chaos = Chaos(rate=draw.choice((0.2, 0.5, 1.0)), seed=seed, faults=faults)
    models = [f"m{number}" for number in range(size)]
    scripts = {model: answer_then_vote(f"answer of {model}", "best") for model in models}
    async with ScriptedProvider(scripts) as good, ScriptedProvider(scripts, chaos=chaos) as worse:
        urls = [worse.openai_url] * bad + [good.openai_url] * (size - bad)
        draw.shuffle(urls)
        limits = {"orchestrator_timeout_seconds": LIMIT}
        done = await run_team(launch, team(urls, models, timeout_settings=limits), seconds=2 * LIMIT)
    return done, size - bad


async def many_runs(directory: Path, seeds: range) -> None:
    free = asyncio.Semaphore(AT_ONCE)

    async def checked(seed: int) -> None:
        async with free:
            launch = directory / str(seed)
            launch.mkdir()
            done, good = await one_run(launch, seed)
        try:
            check_honest(done)
            if good:
                assert done.result.exit_code == 0, f"{done.result.message} {done.result.errors}"
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error

    async with asyncio.TaskGroup() as group:
        for seed in seeds:
            group.create_task(checked(seed))


@pytest.mark.slow
@pytest.mark.spec("COORD-019")
def test_teams_at_bad_providers_end_honestly_and_one_good_agent_is_enough(tmp_path: Path) -> None:
    asyncio.run(many_runs(tmp_path, range(40)))


@pytest.mark.soak
def test_a_thousand_teams_at_bad_providers(tmp_path: Path) -> None:
    asyncio.run(many_runs(tmp_path, range(1000, 2000)))
