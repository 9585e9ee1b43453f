"""A run that dies after any event, or within the line of any fact, goes on from there."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from massgen.errors import ConfigError
from massgen.events.codec import read_run
from massgen.events.types import ModelCall, SessionResume
from massgen.runs.resuming import recover
from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, answer_then_vote, call, use
from tests.resume.course import GONE, config, cuts, folded, go_on, labels, whole_run

TEXTS = {"m1": "four", "m2": "4"}


def policies():
    return {model: answer_then_vote(text, "agent1") for model, text in TEXTS.items()}


def restarting():
    """The winner asks once for another attempt; what it is told then is part of every later prompt."""
    plain = answer_then_vote("four", "agent1")

    def decide(request: ReceivedRequest) -> Turn:
        if "restart_orchestration" in request.view.tool_names and "Be longer" not in str(request.json):
            return use(call("restart_orchestration", reason="too short", instructions="Be longer"))
        reply = plain(request)
        assert isinstance(reply, Turn)
        return reply

    return decide


async def resume_everywhere(launch: Path, server: ScriptedProvider, team, every: int) -> int:
    finished = await whole_run(launch, team)
    assert finished.exit_code == 0, finished.message
    points = cuts(finished.log_dir)[::every]
    for cut in points:
        log_dir = cut.make(launch)
        before = list(read_run(log_dir))
        kept = labels(before, before[-1].attempt)
        result = await go_on(launch, team, log_dir)
        events = list(read_run(log_dir))
        where = f"cut {cut.attempt}/{cut.size}"
        assert result.exit_code == 0, (where, result.message)
        assert result.winner is not None and result.answer in TEXTS.values(), where
        assert [event.seq for event in events] == sorted({event.seq for event in events}), where
        last = labels(events, before[-1].attempt)
        assert last[: len(kept)] == kept and len(set(last)) == len(last), where
        story = folded(log_dir)
        assert story.follows, (where, story.problems, [attempt.problems for attempt in story.attempts])
        status = json.loads((log_dir / "status.json").read_text())
        assert status["is_complete"] and status["results"]["winner"] == result.winner, where
        assert result.answer_file is not None and result.answer_file.read_text() == result.answer, where
        calls = [event.body.call for event in events if isinstance(event.body, ModelCall)]
        assert len(set(calls)) == len(calls) and status["telemetry"]["total_calls"] == len(calls), where
    return len(points)


@pytest.mark.spec("COORD-037")
def test_a_run_goes_on_after_death_at_any_event(tmp_path: Path) -> None:
    async def story() -> None:
        async with ScriptedProvider(policies()) as server:
            count = await resume_everywhere(tmp_path, server, config(server, ["m1", "m2"]), every=2)
            assert count > 20

    asyncio.run(asyncio.wait_for(story(), 250))


@pytest.mark.spec("COORD-106")
def test_restarts_are_kept_when_a_run_dies_in_any_attempt(tmp_path: Path) -> None:
    async def story() -> None:
        async with ScriptedProvider({**policies(), "m1": restarting()}) as server:
            team = config(server, ["m1", "m2"], coordination={"max_orchestration_restarts": 1})
            await resume_everywhere(tmp_path, server, team, every=5)

    asyncio.run(asyncio.wait_for(story(), 250))


@pytest.mark.soak
def test_runs_go_on_at_every_event(tmp_path: Path) -> None:
    once, again = tmp_path / "once", tmp_path / "again"
    once.mkdir()
    again.mkdir()

    async def story() -> None:
        async with ScriptedProvider(policies()) as server:
            await resume_everywhere(once, server, config(server, ["m1", "m2"]), every=1)
        async with ScriptedProvider({**policies(), "m1": restarting()}) as server:
            team = config(server, ["m1", "m2"], coordination={"max_orchestration_restarts": 1})
            await resume_everywhere(again, server, team, every=1)

    asyncio.run(story())


def test_accepted_answers_and_votes_are_not_paid_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with ScriptedProvider(policies()) as server:
            team = config(server, ["m1", "m2"])
            finished = await whole_run(tmp_path, team)
            everything = len(server.requests)
            cut = [item for item in cuts(finished.log_dir) if folded(item.make(tmp_path)).attempts][-1]
            server.requests.clear()
            result = await go_on(tmp_path, team, tmp_path / f"log_cut_{cut.attempt}_{cut.size}")
            assert result.exit_code == 0
            assert everything == 5 and len(server.requests) == 0

    asyncio.run(asyncio.wait_for(story(), 250))


def test_the_log_names_the_new_process_and_the_time_used(tmp_path: Path) -> None:
    async def story() -> None:
        async with ScriptedProvider(policies()) as server:
            team = config(server, ["m1", "m2"])
            finished = await whole_run(tmp_path, team)
            points = cuts(finished.log_dir)
            log_dir = points[len(points) // 2].make(tmp_path)
            used = recover(log_dir).elapsed
            await go_on(tmp_path, team, log_dir)
            found = [event.body for event in read_run(log_dir) if isinstance(event.body, SessionResume)]
            assert len(found) == 1 and found[0].pid != GONE and found[0].run_time == used > 0
            times = [step.fact.at for attempt in folded(log_dir).attempts for step in attempt.steps]
            assert times == sorted(times)

    asyncio.run(asyncio.wait_for(story(), 250))


def test_another_team_cannot_go_on_with_a_run(tmp_path: Path) -> None:
    async def story() -> None:
        async with ScriptedProvider(policies()) as server:
            finished = await whole_run(tmp_path, config(server, ["m1", "m2"]))
            log_dir = cuts(finished.log_dir)[3].make(tmp_path)
            with pytest.raises(ConfigError, match="agents were"):
                await go_on(tmp_path, config(server, ["m1"]), log_dir)

    asyncio.run(asyncio.wait_for(story(), 250))
