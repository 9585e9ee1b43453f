"""`massgen.open`: a conversation with a team, event by event."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import massgen
from massgen.events.types import NewAnswer, SessionEnd, SessionStart, WinnerSelected
from massgen.testing import Hold, Turn, answer_then_vote, call
from tests.api.place import place, play


@pytest.fixture(autouse=True)
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_events_come_in_order_and_the_answer_can_be_awaited(launch: Path) -> None:
    async def story() -> None:
        async with place(launch) as here, massgen.open(here.config) as team:
            asking = team.ask("What is 2+2?")
            events = [event async for event in asking]
            result = await asking
            assert isinstance(events[0].body, SessionStart)
            assert isinstance(events[-1].body, SessionEnd)
            assert [event.seq for event in events] == sorted(event.seq for event in events)
            assert len([event for event in events if isinstance(event.body, NewAnswer)]) == 3
            assert any(isinstance(event.body, WinnerSelected) for event in events)
            assert result.answer == "4, says the second."

    play(story)


@pytest.mark.spec("API-013")
def test_follow_up_questions_are_turns_of_one_session(launch: Path) -> None:
    async def story() -> None:
        async with place(launch) as here, massgen.open(here.values) as team:
            first = await team.ask("My name is Ada.")
            second = await team.ask("What is my name?")
            assert (first.turn, second.turn) == (1, 2)
            assert first.session_id == second.session_id == team.session_id
            assert first.log_dir == second.log_dir
            assert "My name is Ada." in here.provider.requests_for("model-a")[-1].view.text
            team.forget()
            await team.ask("And now?")
            assert "My name is Ada." not in here.provider.requests_for("model-a")[-1].view.text

    play(story)


def test_cancel_ends_the_question_and_the_team_takes_the_next(launch: Path) -> None:
    script = [Turn(text="never", hold=Hold(gate="never")), Turn(calls=(call("new_answer", content="Then this."),))]

    async def story() -> None:
        async with place(launch, {"model-a": script}) as here, massgen.open(here.values) as team:
            asking = team.ask("What is 2+2?")
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(answer_of(asking))
                await here.provider.wait_for_requests("model-a", 1)
                asking.cancel()
                asking.cancel()
            assert waiting.result().outcome == "cancelled"
            assert (await team.ask("Again?")).answer == "Then this."

    play(story)


async def answer_of(asking):
    return await asking


def test_cancel_after_the_turn_lets_it_end_and_closes_the_team(launch: Path) -> None:
    async def story() -> None:
        async with place(launch) as here, massgen.open(here.values) as team:
            asking = team.ask("What is 2+2?")
            asking.cancel(after_turn=True)
            assert (await asking).outcome == "complete"
            with pytest.raises(massgen.MassGenError, match="no more questions"):
                team.ask("One more?")

    play(story)


def test_words_said_while_they_work_reach_the_agents(launch: Path) -> None:
    def hear(request):
        if "Use Roman numerals" in request.view.text:
            return answer_then_vote("IV")(request)
        if request.view.results:
            return Turn(text="never", hold=Hold(gate="never"))
        return answer_then_vote("4")(request)

    async def story() -> None:
        async with place(launch, {"model-a": hear, "model-b": hear}) as here, massgen.open(here.values) as team:
            asking = team.ask("What is 2+2?")
            asking.inject("Use Roman numerals")
            await asking
            assert any("Use Roman numerals" in request.view.text for request in here.provider.requests)

    play(story)


def test_leaving_the_team_ends_what_runs_and_leaves_no_task(launch: Path) -> None:
    waiting = Turn(text="never", hold=Hold(gate="never"))

    async def story() -> None:
        async with place(launch, {"model-a": [waiting]}) as here:
            async with massgen.open(here.values) as team:
                async for event in team.ask("What is 2+2?"):
                    if isinstance(event.body, SessionStart):
                        break
                with pytest.raises(massgen.MassGenError, match="still answering"):
                    team.ask("Another?")
            left = [task for task in asyncio.all_tasks() if "Run.execute" in repr(task)]
            assert left == []

    play(story)


def test_a_wrong_team_and_an_empty_question_are_configuration_errors(launch: Path) -> None:
    async def story() -> None:
        with pytest.raises(massgen.ConfigurationError, match="Configuration file not found"):
            async with massgen.open("no-such-team"):
                pass
        async with place(launch) as here, massgen.open(here.values) as team:
            with pytest.raises(massgen.ConfigurationError, match="empty"):
                team.ask("  ")

    play(story)


def test_skip_sends_an_agent_out_of_the_question(launch: Path) -> None:
    answer, vote = call("new_answer", content="4."), call("vote", agent_id="agent1", reason="r")
    working = [Turn(calls=(answer,)), Turn(calls=(vote,)), Turn(text="Four.")]
    scripts = {"model-a": working, "model-b": [Turn(text="never", hold=Hold(gate="never"))]}

    async def story() -> None:
        async with place(launch, scripts) as here, massgen.open(here.values) as team:
            asking = team.ask("What is 2+2?")
            out = asking.agents[1]
            async for event in asking:
                if isinstance(event.body, NewAnswer):
                    assert asking.skip(out) and not asking.skip("nobody")
            result = await asking
            here.provider.open("never")
            assert result.outcome == "complete" and result.errors == {out: "skipped by a person"}

    play(story)
