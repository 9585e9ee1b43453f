"""Other shapes of a team over real HTTP: restarts, checklist, decomposition, ensemble, quick, debug switches."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from massgen.events.types import ModelCall, OrchestrationRestart, Vote
from massgen.testing import answer_then_vote, call
from massgen.testing.replies import HttpError, Turn
from tests.engine.scene import MODELS, is_presentation, play, say, scene, use

ANSWER = re.compile(r'<answer label="([^"]+)"')
VOTE_1 = use(call("vote", agent_id="agent1", reason="clear"))
CONFIRM = use(call("submit", confirmed=True))
AGAIN = use(call("restart_orchestration", reason="too short", instructions="say more"))
IDS = ("E1", "E2", "E3", "E4")


def answer(text: str) -> Turn:
    return use(call("new_answer", content=text))


def restarts(number: int) -> dict[str, Any]:
    return {"coordination": {"max_orchestration_restarts": number}}


def judged(verdict: Turn):
    """Answers, votes for agent 1, presents, and judges with `verdict`."""
    usual = answer_then_vote("four", "agent1")

    def policy(request):
        return verdict if "submit" in request.view.tool_names else usual(request)

    return policy


@pytest.mark.spec("COORD-106", "COORD-112", "COORD-107")
def test_a_team_that_always_starts_over_uses_all_its_attempts_and_delivers_the_last(tmp_path: Path):
    async def story():
        async with scene(tmp_path, judged(AGAIN), judged(AGAIN), orchestrator=restarts(2)) as team:
            result = await team.ask()
            assert (result.exit_code, result.attempt, result.answer) == (0, 3, "four")
            assert [path.name for path in sorted((team.log / "turn_1").glob("attempt_*"))] == [
                "attempt_1", "attempt_2", "attempt_3",
            ]  # fmt: skip
            assert len([r for r in team.server.requests if "submit" in r.view.tool_names]) == 2
            assert [r.next_attempt for r in team.bodies(OrchestrationRestart)] == [2, 3]
            assert (team.log / "turn_1" / "final" / "amber" / "answer.txt").read_text().strip() == "four"

    play(story)


@pytest.mark.spec("COORD-106", "COORD-111")
def test_the_judge_sees_what_was_delivered_and_both_tools(tmp_path: Path):
    async def story():
        async with scene(tmp_path, judged(CONFIRM), judged(CONFIRM), orchestrator=restarts(1)) as team:
            await team.ask()
            (request,) = [r for r in team.server.requests if "submit" in r.view.tool_names]
            assert request.model == MODELS[0]
            assert request.view.tool_names == ("submit", "restart_orchestration")
            assert "<delivered_answer>\nfour\n</delivered_answer>" in request.view.text
            assert [c.round_kind for c in team.bodies(ModelCall)].count("post_evaluation") == 1

    play(story)


@pytest.mark.spec("COORD-107")
@pytest.mark.parametrize("verdict", [CONFIRM, say("Fine."), HttpError(status=401), Turn()])
def test_anything_but_a_restart_ends_the_turn(tmp_path: Path, verdict: Turn):
    async def story():
        async with scene(tmp_path, judged(verdict), judged(verdict), orchestrator=restarts(1)) as team:
            result = await team.ask()
            assert (result.exit_code, result.attempt, result.answer) == (0, 1, "four")

    play(story)


@pytest.mark.spec("COORD-108", "COORD-109")
def test_a_second_attempt_begins_anew_and_knows_why(tmp_path: Path):
    async def story():
        async with scene(tmp_path, judged(AGAIN), judged(AGAIN), orchestrator=restarts(1)) as team:
            result = await team.ask()
            assert sorted(a.label for a in result.answers) == ["agent1.1", "agent2.1"]
            second = [r for r in team.server.requests if "Previous Orchestration" in r.view.text]
            assert {r.model for r in second} == set(MODELS[:2])
            first = second[0].view.text
            assert not ANSWER.findall(first)
            for line in (
                "## Previous Orchestration Attempts",
                "This is attempt 2 to solve the task.",
                "**Why the restart was requested:** too short",
                "**Instructions for improvement:** say more",
            ):
                assert line in first
            assert not any("Previous Orchestration" in r.view.text for r in team.requests(MODELS[0])[:2])

    play(story)


@pytest.mark.spec("COORD-110")
def test_a_restart_is_told_in_the_log(tmp_path: Path):
    async def story():
        async with scene(tmp_path, judged(AGAIN), judged(AGAIN), orchestrator=restarts(1)) as team:
            await team.ask()
            text = team.text_log
            for line in (
                "Final agent selected: amber",
                "🎤 [amber] presenting final answer",
                "🔍 Evaluating final answer",
                "🔄 Restart requested by amber",
                "🔄 Handling orchestration restart (attempt 1 -> 2)",
            ):
                assert line in text, line

    play(story)


@pytest.mark.spec("COORD-108")
def test_an_agent_that_failed_may_try_again_in_the_next_attempt(tmp_path: Path):
    async def story():
        failing = judged(AGAIN)

        def recovers(request):
            return HttpError(status=401) if request.number == 1 else failing(request)

        async with scene(tmp_path, judged(AGAIN), recovers, orchestrator=restarts(1)) as team:
            result = await team.ask()
            assert result.exit_code == 0 and len(result.answers) == 2

    play(story)


@pytest.mark.spec("COORD-100")
def test_a_debug_final_answer_is_judged_in_the_first_attempt_only(tmp_path: Path):
    async def story():
        orchestrator = {**restarts(2), "debug_final_answer": "a planted answer"}
        async with scene(tmp_path, judged(AGAIN), judged(AGAIN), orchestrator=orchestrator) as team:
            await team.ask()
            texts = [r.view.text for r in team.server.requests if "submit" in r.view.tool_names]
            assert ["a planted answer" in text for text in texts] == [True, False]

    play(story)


def scored(*scores: int):
    """A call of submit_checklist that gives every visible answer the same scores."""

    def policy(request):
        points = {name: {"score": score, "reasoning": "so"} for name, score in zip(IDS, scores, strict=True)}
        labels = ANSWER.findall(request.view.messages[0][1])
        return use(call("submit_checklist", scores=dict.fromkeys(labels, points), preferred=labels[0],
                        improvements=["more care"]))  # fmt: skip

    return policy


@pytest.mark.spec("COORD-072", "COORD-073", "COORD-074", "COORD-076")
def test_the_checklist_cycle(tmp_path: Path):
    async def story():
        script = [
            answer("draft"),
            VOTE_1,
            scored(8, 9, 6, 5),
            answer("better, without a plan"),
            use(call("draft_approach", fix=[{"criterion": "E3", "plan": "fill gaps"}], preserve=["tone"])),
            answer("better"),
            scored(8, 9, 7, 7),
            VOTE_1,
        ]
        async with scene(tmp_path, script, orchestrator={"voting_sensitivity": "checklist_gated"}) as team:
            result = await team.ask()
            assert (result.exit_code, result.answer) == (0, "better")
            asked = team.requests(MODELS[0])
            assert asked[1].view.tool_names == ("new_answer", "vote", "submit_checklist", "draft_approach")
            assert all(f"{name}: " in asked[0].view.system for name in IDS)
            shown = [request.view.results[-1].text for request in asked if request.view.results]
            assert "submit_checklist" in shown[0]
            verdict = json.loads(shown[1])
            assert verdict["verdict"] == "iterate" and verdict["failing"] == ["E3", "E4"]
            assert verdict["best"] == "agent1.1" and verdict["next"] == "draft_approach" and verdict["threshold"] == 7
            assert "draft_approach" in shown[2] and json.loads(shown[3]) == {"accepted": True}
            assert json.loads(shown[4])["verdict"] == "vote"

    play(story)


@pytest.mark.spec("COORD-075")
def test_a_checklist_at_the_cap_ends_in_a_vote(tmp_path: Path):
    async def story():
        scripts = [[answer(text), scored(1, 1, 1, 1), VOTE_1, say("a")] for text in ("a", "b")]
        orchestrator = {"voting_sensitivity": "checklist_gated", "max_new_answers_per_agent": 1}
        async with scene(tmp_path, *scripts, orchestrator=orchestrator) as team:
            result = await team.ask()
            assert result.exit_code == 0 and result.consensus
            verdict = json.loads(team.requests(MODELS[0])[2].view.results[0].text)
            assert verdict["verdict"] == "vote" and "no answers left" in verdict["explanation"]

    play(story)


@pytest.mark.spec("COORD-084")
def test_fast_iteration_changes_the_prompt(tmp_path: Path):
    async def story():
        orchestrator = {"voting_sensitivity": "checklist_gated", "coordination": {"fast_iteration_mode": True}}
        script = [answer("a"), scored(9, 9, 9, 9), VOTE_1]
        async with scene(tmp_path, script, orchestrator=orchestrator) as team:
            await team.ask()
            assert "Known Gaps" in team.requests(MODELS[0])[0].view.system

    play(story)


@pytest.mark.spec("COORD-066")
def test_sensitivities_give_different_system_prompts(tmp_path: Path):
    async def story():
        texts = set()
        for sensitivity in ("lenient", "balanced", "strict"):
            orchestrator = {"voting_sensitivity": sensitivity}
            async with scene(tmp_path, answer_then_vote("a"), answer_then_vote("b"), orchestrator=orchestrator) as team:
                await team.ask()
                texts.add(team.requests(MODELS[0])[0].view.system)
        assert len(texts) == 3

    play(story)


PARTS = {"amber": {"subtask": "write the code"}, "birch": {"subtask": "write the tests"}}


@pytest.mark.spec("COORD-086", "COORD-089")
def test_a_decomposed_task_is_stopped_and_integrated_by_its_presenter(tmp_path: Path):
    async def story():
        orchestrator = {"coordination_mode": "decomposition", "presenter_agent": "amber"}
        scripts = [answer_then_vote("code"), answer_then_vote("tests")]
        async with scene(tmp_path, *scripts, orchestrator=orchestrator, agents=PARTS) as team:
            result = await team.ask("Build it.")
            assert (result.exit_code, result.winner) == (0, "amber")
            for model, own in zip(MODELS, ("code", "tests"), strict=False):
                first = team.requests(model)[0]
                assert first.view.tool_names == ("new_answer", "stop")
                assert "Build it." in first.view.text
                assert "agent1: write the code" in first.view.text and "agent2: write the tests" in first.view.text
                assert f"Your subtask: write the {own}" in first.view.text
            assert len(ANSWER.findall(team.server.requests[-1].view.text)) == 2
            status = team.status()
            assert status["results"]["winner"] == "amber" and status["results"]["votes"] == {}

    play(story)


@pytest.mark.spec("COORD-088")
def test_a_decomposition_agent_at_its_cap_makes_no_further_request(tmp_path: Path):
    async def story():
        orchestrator = {"coordination_mode": "decomposition", "max_new_answers_per_agent": 2}
        scripts = [[answer("a"), answer("a, better"), say("all")]]
        agents = {"amber": {"subtask": "all of it"}}
        async with scene(tmp_path, *scripts, orchestrator=orchestrator, agents=agents) as team:
            result = await team.ask()
            assert result.exit_code == 0
            assert len([r for r in team.server.requests if not is_presentation(r)]) <= 2

    play(story)


@pytest.mark.spec("COORD-095", "COORD-092", "COORD-093", "COORD-094")
def test_an_ensemble_of_three_makes_seven_calls(tmp_path: Path):
    async def story():
        orchestrator = {
            "disable_injection": True,
            "defer_voting_until_all_answered": True,
            "max_new_answers_per_agent": 1,
            "final_answer_strategy": "synthesize",
        }
        scripts = [answer_then_vote(f"answer {n}", "agent2") for n in range(3)]
        async with scene(tmp_path, *scripts, orchestrator=orchestrator) as team:
            result = await team.ask()
            assert (result.exit_code, result.winner) == (0, "birch")
            assert [r.view.tool_names for r in team.server.requests] == [
                *[("new_answer",)] * 3, *[("vote",)] * 3, (),
            ]  # fmt: skip
            last = team.server.requests[-1]
            assert "merge the best parts" in last.view.system and len(ANSWER.findall(last.view.text)) == 3
            assert 'chosen="true"' not in last.view.text

    play(story)


@pytest.mark.spec("COORD-094")
def test_a_reused_winner_needs_no_presentation_call(tmp_path: Path):
    async def story():
        orchestrator = {"final_answer_strategy": "winner_reuse"}
        scripts = [answer_then_vote("a", "agent2"), answer_then_vote("b", "agent2")]
        async with scene(tmp_path, *scripts, orchestrator=orchestrator) as team:
            result = await team.ask()
            assert (result.answer, len(team.server.requests)) == ("b", 4)
            assert (team.attempt() / "final" / "birch" / "answer.txt").read_text().strip() == "b"

    play(story)


@pytest.mark.spec("COORD-097")
def test_a_quick_team_makes_one_answer_and_one_vote_each(tmp_path: Path):
    async def story():
        async with scene(tmp_path, *[answer_then_vote(t, "agent2") for t in "abc"]) as team:
            team.quick = True
            result = await team.ask()
            assert (result.exit_code, result.winner, result.answer) == (0, "birch", "b")
            assert [r.view.tool_names for r in team.server.requests] == [*[("new_answer",)] * 3, *[("vote",)] * 3]

    play(story)


@pytest.mark.spec("COORD-097")
def test_a_quick_agent_alone_makes_one_call_and_no_vote(tmp_path: Path):
    async def story():
        async with scene(tmp_path, answer_then_vote("a")) as team:
            team.quick = True
            result = await team.ask()
            assert (result.answer, len(team.server.requests)) == ("a", 1)
            assert team.bodies(Vote) == []

    play(story)


@pytest.mark.spec("COORD-099")
@pytest.mark.parametrize(("presenter", "model"), [(None, 0), ("birch", 1)])
def test_skipping_coordination_makes_one_call(tmp_path: Path, presenter: str | None, model: int):
    async def story():
        orchestrator: dict[str, Any] = {"skip_coordination_rounds": True}
        if presenter:
            orchestrator |= {"presenter_agent": presenter}
        async with scene(tmp_path, say("a"), say("b"), orchestrator=orchestrator) as team:
            result = await team.ask()
            (request,) = team.server.requests
            assert request.model == MODELS[model] and is_presentation(request)
            assert (result.exit_code, result.answer) == (0, "ab"[model])

    play(story)


@pytest.mark.spec("COORD-063", "COORD-062")
def test_a_held_agent_makes_no_request_until_its_peer_moves(tmp_path: Path):
    async def story():
        from massgen.testing.replies import Hold

        eager = [answer("1"), answer("2"), answer("3"), answer("3"), VOTE_1, VOTE_1, say("done")]
        slow = [answer("x"), Turn(calls=answer("y").calls, hold=Hold(model=MODELS[0], count=4)), *[VOTE_1] * 3]
        async with scene(tmp_path, eager, slow, orchestrator={"fairness_lead_cap_answers": 0}) as team:
            result = await team.ask()
            assert result.exit_code == 0
            fourth = team.requests(MODELS[0])[3]
            assert "ahead" in fourth.view.results[-1].text

    play(story)
