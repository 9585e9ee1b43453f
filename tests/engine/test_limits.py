"""Time: of the run, of a round, of an agent; and the end by a person (sections 13 and 14)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from massgen.events.types import FinalAnswer, NewAnswer
from massgen.testing import answer_then_vote, call
from massgen.testing.clock import FakeClock
from massgen.testing.replies import Hold, Stalled
from tests.engine.scene import MODELS, Turn, play, say, scene, use
from tests.needs import needs

LOOK = use(call("list_directory", path="."))
ROUND = {"initial_round_timeout_seconds": 60, "subsequent_round_timeout_seconds": 60}


def answer(text: str) -> Turn:
    return use(call("new_answer", content=text))


VOTE = use(call("vote", agent_id="agent1", reason="clear"))


def ticking(clock: FakeClock, seconds: float, turn: Turn):
    """A model whose every response takes `seconds` of run time."""

    def policy(_request):
        clock.advance(seconds)
        return turn

    return policy


@pytest.mark.spec("COORD-113", "COORD-114", "COORD-046", "COORD-025")
def test_the_orchestrator_timeout_delivers_the_best_available_answer_with_exit_code_3(tmp_path: Path):
    async def story():
        limits = {"orchestrator_timeout_seconds": 100}
        async with scene(tmp_path, answer_then_vote("four"), Stalled(), limits=limits) as team:
            clock = team.clock = FakeClock()
            run = team.prepare()

            def on_event(event):
                if isinstance(event.body, NewAnswer):
                    clock.advance(100)

            run.stream.subscribe(on_event)
            result = await run.execute()
            assert (result.exit_code, result.outcome, result.winner, result.answer) == (3, "timeout", "amber", "four")
            assert len(team.server.requests) <= 2
            (final,) = team.bodies(FinalAnswer)
            assert final.partial and final.source == "agent1.1"
            assert (team.attempt() / "final" / "amber" / "answer.txt").read_text().strip() == "four"
            status = team.status()
            assert status["results"]["winner"] == "amber"
            assert status["agents"]["birch"]["status"] == "timeout"

    play(story)


@pytest.mark.spec("COORD-114", "COORD-113")
def test_a_timeout_without_any_answer_has_no_winner(tmp_path: Path):
    async def story():
        async with scene(tmp_path, Stalled(), limits={"orchestrator_timeout_seconds": 1}) as team:
            result = await team.ask()
            assert (result.exit_code, result.winner, result.answer) == (3, None, "")
            assert team.status()["results"]["winner"] is None

    play(story)


@pytest.mark.spec("COORD-113")
def test_the_timeout_bounds_all_attempts_together(tmp_path: Path):
    async def story():
        clock = FakeClock()

        def member(request):
            clock.advance(10)
            if "restart_orchestration" in request.view.tool_names:
                return use(call("restart_orchestration", reason="again", instructions="better"))
            return answer(f"answer {request.number}") if "new_answer" in request.view.tool_names else say("final")

        async with scene(
            tmp_path,
            member,
            limits={"orchestrator_timeout_seconds": 55},
            orchestrator={"coordination": {"max_orchestration_restarts": 5}},
        ) as team:
            team.clock = clock
            result = await team.ask()
            assert result.exit_code == 3 and result.attempt == 2

    play(story)


@pytest.mark.spec("COORD-114")
def test_a_running_tool_call_may_finish_after_the_timeout_but_no_model_is_called(tmp_path: Path):
    async def story():
        clock = FakeClock()
        async with scene(
            tmp_path,
            [use(call("write_file", path="late.txt", content="kept")), answer("never")],
            backend={"cwd": "work"},
            limits={"orchestrator_timeout_seconds": 100},
        ) as team:
            team.clock = clock
            run = team.prepare()

            def on_event(event):
                if event.body.kind == "tool_start":
                    clock.advance(100)

            run.stream.subscribe(on_event)
            result = await run.execute()
            assert result.exit_code == 3
            assert [e.body.kind for e in team.events() if e.body.kind.startswith("tool_")] == ["tool_start", "tool_end"]
            assert len(team.server.requests) == 1

    play(story)


@needs("bwrap")
@pytest.mark.spec("COORD-114", "COORD-025")
def test_people_are_told_for_what_a_run_waits_whose_time_is_over(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path,
            [use(call("execute_command", command="until [ -e told ]; do sleep 0.02; done")), answer("never")],
            backend={"cwd": "work", "enable_mcp_command_line": True},
            limits={"orchestrator_timeout_seconds": 100, "round_timeout_grace_seconds": 30},
        ) as team:
            clock = team.clock = FakeClock()
            run = team.prepare()
            told = []

            def on_event(event):
                if event.body.kind == "tool_start":
                    clock.advance(100)
                if event.body.kind == "warning":
                    told.append(event.body.text)
                    for workspace in tmp_path.glob("**/work_*"):
                        (workspace / "told").touch()

            run.stream.subscribe(on_event)
            assert (await run.execute()).exit_code == 3
            assert "The time of the run is over; waiting up to 30 s for tools of amber." in told

    play(story)


@pytest.mark.spec("COORD-116")
def test_the_soft_limit_is_said_once_a_round_at_the_end_of_a_response_too(tmp_path: Path):
    async def story():
        clock = FakeClock()
        async with scene(
            tmp_path,
            [ticking(clock, 70, say("hm")), say("hm"), answer("four")],
            limits={**ROUND, "round_timeout_grace_seconds": 600},
        ) as team:
            team.clock = clock
            await team.ask()
            texts = [request.view.text for request in team.requests(MODELS[0])]
            assert [text.count("ROUND TIME LIMIT APPROACHING") for text in texts] == [0, 1, 1]
            assert "initial answer" in texts[1] and "70s / 60s" in texts[1] and "600s" in texts[1]

    play(story)


@pytest.mark.spec("COORD-116")
def test_a_later_round_offers_the_vote_in_its_warning(tmp_path: Path):
    async def story():
        clock = FakeClock()
        async with scene(
            tmp_path,
            [answer("a"), ticking(clock, 70, LOOK), VOTE, say("a")],
            answer_then_vote("b"),
            backend={"cwd": "work"},
            limits={"subsequent_round_timeout_seconds": 60},
        ) as team:
            team.clock = clock
            await team.ask()
            shown = team.requests(MODELS[0])[2].view.results[0].text
            assert "ROUND TIME LIMIT APPROACHING" in shown and "new_answer or vote" in shown

    play(story)


@pytest.mark.spec("COORD-117")
def test_after_the_hard_limit_only_terminal_tools_are_served(tmp_path: Path):
    async def story():
        clock = FakeClock()
        async with scene(
            tmp_path,
            [ticking(clock, 95, LOOK), answer("four")],
            backend={"cwd": "work"},
            limits={**ROUND, "round_timeout_grace_seconds": 30},
        ) as team:
            team.clock = clock
            result = await team.ask()
            assert result.answer == "four"
            (refused,) = team.requests(MODELS[0])[1].view.results
            assert "the time of this round is over" in refused.text
            assert "[RoundTimeoutPreHook] Blocking mcp__filesystem__list_directory for amber" in team.text_log

    play(story)


@pytest.mark.spec("COORD-118")
def test_five_refused_calls_close_the_round_and_text_becomes_the_answer(tmp_path: Path):
    async def story():
        clock = FakeClock()
        looping = Turn(text="So far: 4.", calls=LOOK.calls)
        async with scene(
            tmp_path,
            [ticking(clock, 95, looping), *[looping] * 20],
            backend={"cwd": "work"},
            limits={**ROUND, "round_timeout_grace_seconds": 30},
        ) as team:
            team.clock = clock
            result = await team.ask()
            assert (result.exit_code, result.answer) == (0, "So far: 4.")
            assert len(team.server.requests) == 5

    play(story)


@pytest.mark.spec("COORD-118")
def test_a_model_call_is_cut_after_a_second_grace_period(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path,
            answer_then_vote("four"),
            Stalled(),
            limits={**ROUND, "round_timeout_grace_seconds": 30},
        ) as team:
            clock = team.clock = FakeClock()
            run = team.prepare()

            def on_event(event):
                if isinstance(event.body, NewAnswer):
                    clock.advance(91)
                    clock.advance(30)

            run.stream.subscribe(on_event)
            result = await run.execute()
            assert (result.exit_code, result.answer) == (0, "four")
            gone = team.status()["agents"]["birch"]
            assert gone["status"] == "timeout" and gone["error"]["type"] == "timeout"

    play(story)


@pytest.mark.spec("COORD-119", "COORD-065")
def test_an_agent_out_of_working_time_is_left_behind(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path, answer_then_vote("four"), Stalled(), limits={"agent_timeout_seconds": 20}
        ) as team:
            clock = team.clock = FakeClock()
            run = team.prepare()

            def on_event(event):
                if isinstance(event.body, NewAnswer):
                    clock.advance(20)

            run.stream.subscribe(on_event)
            result = await run.execute()
            assert (result.exit_code, result.winner) == (0, "amber")
            assert team.status()["agents"]["birch"]["status"] == "timeout"
            assert "Agent timeout after 20s" in team.status()["agents"]["birch"]["error"]["message"]

    play(story)


@pytest.mark.spec("COORD-119", "COORD-016")
def test_parked_time_is_no_working_time(tmp_path: Path):
    async def story():
        clock = FakeClock()
        async with scene(
            tmp_path,
            [answer("fast"), Turn(calls=VOTE.calls, hold=Hold(gate="slow voted")), say("fast")],
            [Turn(calls=LOOK.calls, hold=Hold(gate="fast is parked")), ticking(clock, 18, answer("slow")), VOTE],
            backend={"cwd": "work"},
            limits={"agent_timeout_seconds": 20},
        ) as team:
            team.clock = clock
            run = team.prepare()

            def on_event(event):
                if isinstance(event.body, NewAnswer) and event.agent_id == "amber":
                    team.server.open("fast is parked")
                if event.body.kind == "vote" and event.agent_id == "birch":
                    clock.advance(5)
                    team.server.open("slow voted")

            run.stream.subscribe(on_event)
            result = await run.execute()
            assert result.exit_code == 0 and result.consensus

    play(story)


@pytest.mark.spec("COORD-123", "COORD-025")
def test_a_cancelled_run_keeps_answers_and_exits_4(tmp_path: Path):
    async def story():
        async with scene(tmp_path, answer_then_vote("four"), Stalled()) as team:
            run = team.prepare()

            def on_event(event):
                if isinstance(event.body, NewAnswer):
                    run.cancel()

            run.stream.subscribe(on_event)
            result = await run.execute()
            assert (result.exit_code, result.outcome, result.answer) == (4, "cancelled", "four")
            assert len(team.server.requests) <= 2

    play(story)


@pytest.mark.spec("COORD-123")
def test_a_run_cancelled_while_it_presents_delivers_the_chosen_answer(tmp_path: Path):
    async def story():
        async with scene(tmp_path, [answer("four"), VOTE, Stalled(after_chunks=1)], answer_then_vote("4")) as team:
            run = team.prepare()

            def on_event(event):
                if event.body.kind == "final_chunk":
                    run.cancel()

            run.stream.subscribe(on_event)
            result = await run.execute()
            assert (result.exit_code, result.answer, result.winner) == (4, "four", "amber")

    play(story)


@pytest.mark.spec("COORD-025", "COORD-019")
def test_a_hung_agent_does_not_hold_up_a_team_without_fairness(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path,
            [answer("four"), VOTE],
            Stalled(),
            orchestrator={"fairness_enabled": False},
            limits={"orchestrator_timeout_seconds": 100},
        ) as team:
            clock = team.clock = FakeClock()
            run = team.prepare()

            def on_event(event):
                if event.body.kind == "vote":
                    clock.advance(100)

            run.stream.subscribe(on_event)
            result = await run.execute()
            assert (result.exit_code, result.answer) == (3, "four")
            assert json.loads((team.attempt() / "vote.json").read_text())

    play(story)


@pytest.mark.spec("COORD-122")
def test_debug_logs_tell_the_limit_and_each_round(tmp_path: Path):
    async def story():
        limits: dict[str, Any] = {"orchestrator_timeout_seconds": 1800}
        async with scene(tmp_path, answer_then_vote("a"), answer_then_vote("b"), limits=limits) as team:
            team.debug = True
            await team.ask()
            text = team.text_log
            assert "Orchestrator timeout configured: 1800 seconds" in text
            assert "Starting coordination..." in text
            assert "Round 1 complete (elapsed: " in text and "s / 1800s)" in text

    play(story)
