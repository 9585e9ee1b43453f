"""`max_cost_usd` and `max_total_tokens`, of the run and of an agent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from massgen.config import load_config
from massgen.events.types import Warned
from massgen.runs.request import RunRequest
from massgen.runs.run import Run
from massgen.testing import ScriptedProvider, Tokens, Turn, answer_then_vote
from tests.faults.place import asked, team


def counted(policy, tokens: int):
    """The same replies, each with a usage of `tokens`."""

    def decide(request) -> Turn:
        return replace(policy(request), usage=Tokens(input=tokens - 10, output=10))

    return decide


def scripts(tokens: int = 100):
    return {
        "m1": counted(answer_then_vote("four", "agent1"), tokens),
        "m2": counted(answer_then_vote("4", "agent1"), tokens),
    }


def test_a_run_whose_tokens_are_used_up_ends_like_a_timeout_with_the_best_answer(tmp_path: Path) -> None:
    done = asked(tmp_path, scripts(), orchestrator={"max_total_tokens": 400})
    assert done.result.exit_code == 3
    assert done.result.answer == "four" and done.result.winner == "agent 1"
    assert "budget of 400 tokens" in done.result.message
    assert len(done.requests) == 4
    assert done.status["is_complete"] and done.status["results"]["winner"] == "agent 1"


def test_a_run_within_its_budget_is_not_disturbed(tmp_path: Path) -> None:
    done = asked(tmp_path, scripts(), orchestrator={"max_total_tokens": 501, "max_cost_usd": 1.0})
    assert done.result.exit_code == 0 and len(done.requests) == 5


def test_an_agent_whose_tokens_are_used_up_leaves_and_its_answer_stays(tmp_path: Path) -> None:
    async def story() -> None:
        async with ScriptedProvider(scripts()) as server:
            config = team(server.openai_url, ["m1", "m2"])
            config["agents"][1]["max_total_tokens"] = 100
            run = Run(RunRequest(loaded=load_config(config), question="Q", launch=tmp_path, automation=True))
            run.prepare()
            result = await run.execute()
            assert result.exit_code == 0 and result.winner == "agent 1"
            assert "budget of 100 tokens" in result.errors["agent 2"]
            assert len(server.requests_for("m2")) == 1
            assert {answer.label for answer in result.answers} == {"agent1.1", "agent2.1"}

    asyncio.run(story())


def test_a_cost_that_nobody_knows_is_said_and_does_not_count(tmp_path: Path) -> None:
    done = asked(tmp_path, scripts(), orchestrator={"max_cost_usd": 0.001})
    assert done.result.exit_code == 0
    said = [event.agent_id for event in done.events if isinstance(event.body, Warned) and "price" in event.body.text]
    assert sorted(said, key=str) == ["agent 1", "agent 2"]


@pytest.mark.parametrize("limit", [100, 200, 300, 400])
def test_a_budget_ends_a_run_at_any_point_with_what_there_is(tmp_path: Path, limit: int) -> None:
    done = asked(tmp_path, scripts(), orchestrator={"max_total_tokens": limit})
    assert done.result.exit_code == 3
    assert len(done.requests) * 100 <= limit + 100
    assert done.result.answer in ("four", "4")


PRICED = {"openai": "gpt-4o", "claude": "claude-sonnet-4-20250514", "gemini": "gemini-2.5-flash"}
"""Models whose prices the tables know, at each provider whose endpoint is not a local program."""


async def priced(launch: Path, kind: str, tokens: int, *, run: float | None = None, agent: float | None = None):
    """Two agents with one model that has a price; the second perhaps with a budget of its own."""
    model = PRICED[kind]
    async with ScriptedProvider({model: counted(answer_then_vote("four", "agent1"), tokens)}) as server:
        url = server.base_url if kind in ("claude", "gemini") else server.openai_url
        backend = {"type": kind, "model": model, "base_url": url, "api_key": "sk-x"}
        agents = [{"id": f"agent {n}", "backend": backend, "max_cost_usd": agent if n == 2 else None} for n in (1, 2)]
        config = load_config({"agents": agents, "orchestrator": {"max_cost_usd": run}})
        one = Run(RunRequest(loaded=config, question="What is 2+2?", launch=launch, automation=True))
        one.prepare()
        return await one.execute(), len(server.requests)


@pytest.mark.parametrize("kind", PRICED)
def test_a_run_whose_money_is_spent_ends_like_a_timeout_with_the_best_answer(tmp_path: Path, kind: str) -> None:
    free, calls = asyncio.run(priced(tmp_path, kind, 1000))
    assert free.exit_code == 0 and free.cost and calls == 5
    result, calls = asyncio.run(priced(tmp_path, kind, 1000, run=free.cost / 2))
    assert result.exit_code == 3 and result.answer == "four" and "USD is used up" in result.message
    assert result.cost is not None and free.cost / 2 <= result.cost < free.cost and 3 <= calls < 5


def test_an_agent_whose_money_is_spent_leaves_and_its_answer_stays(tmp_path: Path) -> None:
    result, calls = asyncio.run(priced(tmp_path, "openai", 1000, agent=0.0001))
    assert result.exit_code == 0 and result.winner == "agent 1" and calls == 4
    assert "USD is used up" in result.errors["agent 2"]
    assert {answer.label for answer in result.answers} == {"agent1.1", "agent2.1"}
