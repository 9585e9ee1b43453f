"""Faults of providers, alone and mixed, on one to all agents: every run ends, and says truly how."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from massgen.backends import prefetch
from massgen.config import load_config
from massgen.events.codec import read_run
from massgen.runs.request import RunRequest
from massgen.runs.run import Run
from massgen.testing import (
    BadBody,
    BadFrame,
    Call,
    Chaos,
    Drip,
    Dropped,
    HttpError,
    Refused,
    Reply,
    ScriptedProvider,
    Stalled,
    StreamError,
    Turn,
    answer_then_vote,
    say,
    use,
)
from tests.faults.hurry import LoopClock, hurried
from tests.faults.place import KEY, Outcome, check_honest, check_told

FAULTS: tuple[Reply, ...] = (
    HttpError(status=400),
    HttpError(status=401),
    HttpError(status=403),
    HttpError(status=404),
    HttpError(status=429, retry_after="0"),
    HttpError(status=429, retry_after="3"),
    HttpError(status=429, retry_after="900"),
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
    Drip(interval=0.5),
    Drip(interval=0.5, comments=True),
    BadFrame(),
    BadFrame(frame=b"\xff\xfe not a frame\n\n"),
    StreamError(),
    BadBody(),
    BadBody(body=b"", content_type="application/json"),
    Refused(),
    Turn(),
    Turn(finish="content_filter"),
    Turn(text="cut", finish="length"),
    Turn(text="no usage", no_usage=True),
    say("I will not call any tool."),
    use(Call(name="new_answer", arguments='{"content": "cut')),
    use(Call(name="new_answer", arguments="[]")),
    use(Call(name="vote", arguments='{"agent_id": "agent77", "reason": "?"}')),
    use(Call(name="no_such_tool", arguments="{}")),
)
"""Every kind of fault that the provider of the tests has, and replies of a model that are of no use."""

FORMATS = ("chatcompletion", "openai", "claude", "gemini")
SHORT = {"connect_timeout": 20, "first_token_timeout": 10, "idle_timeout": 10, "timeout": 20}
PATIENT = {"connect_timeout": 500, "first_token_timeout": 500, "idle_timeout": 500}
AMPLE = 3000.0
"""Limits in seconds of the quick loop: those of agents at the bad provider, those at the good one, of a whole run."""

GRACE = 600.0
AT_ONCE = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One run: for each agent its format and whether its provider is bad; what befalls it; what cuts it short."""

    seed: int
    bad: tuple[bool, ...]
    formats: tuple[str, ...]
    chaos: Chaos
    limit: float = AMPLE
    tokens: int | None = None
    cancel_after: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def undisturbed(self) -> bool:
        return self.limit == AMPLE and self.tokens is None and self.cancel_after is None


def mixed(seed: int) -> Course:
    """A team at random, some of it at a provider that fails at random."""
    draw = random.Random(seed)
    size = draw.choice((1, 2, 2, 3, 4))
    count = draw.randint(1, size)
    bad = [True] * count + [False] * (size - count)
    draw.shuffle(bad)
    faults = tuple(draw.sample(FAULTS, draw.choice((2, 4, len(FAULTS)))))
    return Course(
        seed=seed,
        bad=tuple(bad),
        formats=tuple(draw.choice(FORMATS) for _ in range(size)),
        chaos=Chaos(rate=draw.choice((0.2, 0.5, 0.9)), seed=seed, faults=faults),
        limit=draw.choice((AMPLE, AMPLE, AMPLE, 6.0)),
        tokens=draw.choice((None, None, None, None, 3000)),
        cancel_after=draw.choice((None, None, None, None, None, draw.uniform(0, 20))),
        extra=draw.choice(({}, {}, {"coordination": {"max_orchestration_restarts": 1}})),
    )


def alone(number: int) -> Course:
    """One fault and no other: on one agent of two or on the only one, at every call or at half of them."""
    fault, turn = FAULTS[number % len(FAULTS)], number // len(FAULTS)
    bad = ((True, False), (True,), (True, True))[turn % 3]
    kinds = tuple(FORMATS[(number + place) % len(FORMATS)] for place in range(len(bad)))
    return Course(seed=number, bad=bad, formats=kinds, chaos=Chaos(rate=1.0 if turn < 3 else 0.5, faults=(fault,)))


def configuration(course: Course, good: ScriptedProvider, worse: ScriptedProvider) -> dict[str, Any]:
    agents = []
    for number, (is_bad, kind) in enumerate(zip(course.bad, course.formats, strict=True), 1):
        server = worse if is_bad else good
        url = server.base_url if kind in ("claude", "gemini") else server.openai_url
        limits = SHORT if is_bad else PATIENT
        backend = {"type": kind, "model": f"m{number}", "base_url": url, "api_key": KEY, **limits}
        agents.append({"id": f"agent {number}", "backend": backend})
    orchestrator = {"max_total_tokens": course.tokens, **course.extra}
    limits = {"orchestrator_timeout_seconds": course.limit}
    return {"agents": agents, "orchestrator": orchestrator, "timeout_settings": limits}


async def play(launch: Path, course: Course) -> Outcome:
    """The run of a course; one that does not end in time fails."""
    scripts = {f"m{n}": answer_then_vote(f"answer of m{n}", "best") for n in range(1, len(course.bad) + 1)}
    loop = asyncio.get_running_loop()
    async with ScriptedProvider(scripts) as good, ScriptedProvider(scripts, chaos=course.chaos) as worse:
        loaded = load_config(configuration(course, good, worse))
        request = RunRequest(loaded=loaded, question="What is 2+2?", launch=launch, automation=True)
        run = Run(request, clock=LoopClock())
        run.prepare()
        cancelling = None if course.cancel_after is None else loop.call_later(course.cancel_after, run.cancel)
        async with asyncio.timeout(course.limit + GRACE):
            result = await run.execute()
        if cancelling is not None:
            cancelling.cancel()
    status = json.loads((run.log_dir / "status.json").read_text(encoding="utf-8"))
    return Outcome(result=result, events=list(read_run(run.log_dir)), status=status, requests=[])


def check(course: Course, done: Outcome) -> None:
    check_honest(done)
    check_told(done)
    if course.undisturbed:
        assert done.result.exit_code in (0, 2), done.result.message
        if not all(course.bad):
            assert done.result.exit_code == 0, f"{done.result.message} {done.result.errors}"
        good = {f"agent {number}" for number, bad in enumerate(course.bad, 1) if not bad}
        assert not good & set(done.result.errors), done.result.errors
    if course.cancel_after is None:
        assert done.result.exit_code != 4


async def play_all(directory: Path, courses: Iterable[Course]) -> None:
    """Every course, some at once; the first that ends wrongly is named."""
    await asyncio.to_thread(prefetch, FORMATS)
    free = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, course: Course) -> None:
        async with free:
            launch = directory / str(number)
            launch.mkdir()
            try:
                check(course, await play(launch, course))
            except (AssertionError, TimeoutError) as error:
                raise AssertionError(f"course {number}: {error!r}") from error

    async with asyncio.TaskGroup() as group:
        for number, course in enumerate(courses):
            group.create_task(one(number, course))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.spec("COORD-019")
def test_each_fault_alone_ends_honestly_and_one_good_agent_is_enough(tmp_path: Path) -> None:
    hurried(play_all(tmp_path, map(alone, range(2 * len(FAULTS)))))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.spec("COORD-019")
def test_faults_mixed_at_random_end_honestly_and_one_good_agent_is_enough(tmp_path: Path) -> None:
    hurried(play_all(tmp_path, map(mixed, range(80))))


def limited(count: int, policy):
    """The replies of `policy`, after a rate limit at each of the first `count` calls."""
    return lambda request: HttpError(status=429, retry_after="2") if request.number <= count else policy(request)


@pytest.mark.parametrize("size", [1, 3])
def test_agents_that_are_rate_limited_come_back_with_answers_and_votes(tmp_path: Path, size: int) -> None:
    async def story() -> None:
        scripts = {f"m{n}": limited(n, answer_then_vote(f"answer {n}", "agent1")) for n in range(1, size + 1)}
        async with ScriptedProvider(scripts) as server:
            course = Course(seed=0, bad=(False,) * size, formats=FORMATS[:size], chaos=Chaos())
            config = configuration(course, server, server)
            run = Run(RunRequest(loaded=load_config(config), question="Q", launch=tmp_path, automation=True))
            run.prepare()
            result = await run.execute()
        assert result.exit_code == 0 and not result.errors
        assert {answer.number for answer in result.answers} == set(range(1, size + 1))
        assert size == 1 or {vote.voter for vote in result.votes} == set(range(1, size + 1))

    hurried(story())


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_thousand_runs_with_faults(tmp_path: Path) -> None:
    hurried(play_all(tmp_path, [*map(alone, range(6 * len(FAULTS))), *map(mixed, range(1000, 1790))]))
