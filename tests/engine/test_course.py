"""A team over real HTTP: what is asked of the models, in which order, and what is written down."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from massgen.events.types import FactRecorded, FinalAnswer, NewAnswer, Restart, ToolEnd, Vote, WinnerSelected
from massgen.testing import answer_then_vote, call
from massgen.testing.replies import Hold, HttpError, Pace
from tests.engine.scene import IDS, MODELS, Turn, is_presentation, play, say, scene, use

ANSWER = re.compile(r'<answer label="([^"]+)"')
VOTE_1 = use(call("vote", agent_id="agent1", reason="clear"))
VOTE_2 = use(call("vote", agent_id="agent2", reason="clear"))


def answer(text: str, hold: Hold | None = None) -> Turn:
    return Turn(calls=(call("new_answer", content=text),), hold=hold)


@pytest.mark.spec("COORD-001", "COORD-008", "COORD-016", "COORD-027")
def test_first_requests_overlap_and_show_no_answers(tmp_path: Path):
    async def story():
        together = Hold(model=MODELS[1])
        other = Hold(model=MODELS[0])
        async with scene(
            tmp_path,
            [answer("four", together), VOTE_1, say("Four.")],
            [answer("4", other), VOTE_1],
        ) as team:
            result = await team.ask()
            assert result.exit_code == 0 and result.winner == "amber"
            first = [team.requests(model)[0] for model in MODELS[:2]]
            assert all("<current_answers>" not in request.view.text for request in first)
            assert all("What is 2+2?" in request.view.text for request in first)
            assert len(team.server.requests) == 5
            assert len(list((team.attempt() / "llm_calls").iterdir())) >= 5

    play(story)


@pytest.mark.spec("COORD-016")
@pytest.mark.parametrize("size", [2, 3, 5])
def test_agents_that_vote_once_they_see_the_answers_need_2n_plus_1_calls(tmp_path: Path, size: int):
    async def story():
        scripts = [answer_then_vote(f"answer {n}", "agent1") for n in range(size)]
        async with scene(tmp_path, *scripts, pace=Pace(first=0.02, jitter=0.5, seed=size)) as team:
            result = await team.ask()
            assert result.exit_code == 0
            assert len(team.server.requests) == 2 * size + 1

    play(story)


@pytest.mark.spec("COORD-016", "COORD-014")
def test_a_fast_agent_asks_nothing_before_the_slowest_first_answer(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path,
            answer_then_vote("fast"),
            [answer("slow", Hold(gate="slow may answer")), VOTE_1],
        ) as team:
            run = team.prepare()

            def on_event(event):
                if isinstance(event.body, NewAnswer):
                    seen.append((event.body.label, len(team.requests(MODELS[0]))))
                    team.server.open("slow may answer")

            seen: list[tuple[str, int]] = []
            run.stream.subscribe(on_event)
            await run.execute()
            assert seen == [("agent1.1", 1), ("agent2.1", 1)]
            slow = team.requests(MODELS[1])
            assert "agent1.1" not in slow[0].view.text and "agent1.1" in slow[1].view.text

    play(story)


@pytest.mark.spec("COORD-029", "COORD-105")
def test_one_agent_makes_one_call(tmp_path: Path):
    async def story():
        async with scene(tmp_path, answer_then_vote("four")) as team:
            result = await team.ask()
            assert (result.answer, result.winner, len(team.server.requests)) == ("four", "amber", 1)
            assert [vote.reason for vote in team.bodies(Vote)] == ["only agent"]
            assert [a.label for a in result.answers] == ["agent1.1"]

    play(story)


@pytest.mark.spec("COORD-029")
def test_a_plain_model_run_offers_no_workflow_tools(tmp_path: Path):
    async def story():
        async with scene(tmp_path, say("Paris.")) as team:
            team.plain = True
            result = await team.ask("Capital of France?")
            assert (result.answer, result.label, result.winner) == ("Paris.", "agent1.1", "amber")
            (request,) = team.server.requests
            assert request.view.tool_names == () and request.view.messages == (("user", "Capital of France?"),)

    play(story)


@pytest.mark.spec("COORD-035", "COORD-009", "COORD-024", "COORD-103")
def test_the_reference_trace_leaves_its_events_and_status(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path,
            [answer("four"), VOTE_2, VOTE_2],
            [
                answer("4", Hold(gate="a answered")),
                answer("2+2=4", Hold(gate="a voted")),
                VOTE_2,
                say("The answer is 4."),
            ],
        ) as team:
            run = team.prepare()

            def on_event(event):
                if event.agent_id == "amber" and isinstance(event.body, NewAnswer):
                    team.server.open("a answered")
                if event.agent_id == "amber" and isinstance(event.body, Vote):
                    team.server.open("a voted")

            run.stream.subscribe(on_event)
            result = await run.execute()
            assert (result.winner, result.answer) == ("birch", "The answer is 4.")
            told = [
                (e.agent_id, e.body.label)
                for e in team.events()
                if isinstance(e.body, NewAnswer | Vote)
            ]
            assert told[:4] == [
                ("amber", "agent1.1"),
                ("birch", "agent2.1"),
                ("amber", "agent2.1"),
                ("birch", "agent2.2"),
            ]
            assert sorted(told[4:]) == [("amber", "agent2.2"), ("birch", "agent2.2")]
            assert [r.labels for r in team.bodies(Restart, "amber")] == [("agent2.1",), ("agent2.2",)]
            assert team.bodies(Restart, "birch") == []
            status = team.status()
            assert status["results"]["votes"] == {"agent1.1": 0, "agent2.1": 0, "agent2.2": 2}
            assert status["results"]["winner"] == "birch"
            assert status["agents"]["amber"]["times_restarted"] == 2
            assert status["agents"]["birch"]["times_restarted"] == 0
            assert team.bodies(FinalAnswer)[0].label == "agent2.final"
            final = team.attempt() / "final" / "birch" / "answer.txt"
            assert final.read_text().strip() == "The answer is 4."

    play(story)


@pytest.mark.spec("COORD-034", "COORD-052")
def test_no_request_names_another_agent_its_model_or_whose_answer_is_whose(tmp_path: Path):
    async def story():
        scripts = [answer_then_vote(f"the number {n}", "agent2") for n in range(3)]
        async with scene(tmp_path, *scripts, backend={"cwd": "work"}) as team:
            result = await team.ask()
            assert result.exit_code == 0
            for model in MODELS[:3]:
                for request in team.requests(model):
                    text = json.dumps({**request.json, "model": ""})
                    assert not any(name in text for name in MODELS)
                    others = [name for name, own in zip(IDS, MODELS, strict=False) if own != model]
                    assert not any(name in text for name in others), request.index
                    assert "chatcompletion" not in text and "votes" not in request.view.last_user
                    if not is_presentation(request):
                        assert "you are agent" not in text.lower()

    play(story)


@pytest.mark.spec("COORD-030")
def test_a_later_round_shows_one_block_for_each_answered_agent(tmp_path: Path):
    async def story():
        scripts = [answer_then_vote(f"number {n}", "agent1") for n in range(3)]
        async with scene(tmp_path, *scripts) as team:
            await team.ask()
            for model in MODELS[:3]:
                second = team.requests(model)[1]
                assert ANSWER.findall(second.view.text) == ["agent1.1", "agent2.1", "agent3.1"]
                assert second.view.text == team.requests(MODELS[0])[1].view.text

    play(story)


@pytest.mark.spec("COORD-042")
def test_each_round_is_a_fresh_conversation(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path,
            [use(call("nosuch", x=1)), answer("four"), VOTE_1, say("4")],
            answer_then_vote("4"),
        ) as team:
            await team.ask()
            third = team.requests(MODELS[0])[2]
            assert [role for role, _ in third.view.messages] == ["user"]
            assert not third.view.results

    play(story)


@pytest.mark.spec("COORD-012")
def test_a_stale_vote_is_not_counted_and_a_fresh_round_follows(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path,
            [answer("one"), Turn(calls=VOTE_1.calls, hold=Hold(gate="b improved")), VOTE_2],
            [answer("two"), answer("two, better"), VOTE_2, say("2")],
        ) as team:
            run = team.prepare()

            def on_event(event):
                if isinstance(event.body, NewAnswer) and event.body.label == "agent2.2":
                    team.server.open("b improved")

            run.stream.subscribe(on_event)
            result = await run.execute()
            assert result.winner == "birch"
            assert [(v.agent, v.label) for v in team.bodies(Vote, "amber")] == [("birch", "agent2.2")]
            assert team.status()["agents"]["amber"]["times_restarted"] in (1, 2)
            assert ANSWER.findall(team.requests(MODELS[0])[2].view.text) == ["agent1.1", "agent2.2"]

    play(story)


@pytest.mark.spec("COORD-013", "COORD-010")
def test_refusals_are_tool_errors_and_the_round_goes_on(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path,
            [answer(" "), answer("four"), use(call("vote", agent_id="agent9", reason="x")), VOTE_1, say("4")],
            answer_then_vote("4"),
        ) as team:
            result = await team.ask()
            assert result.exit_code == 0
            empty, bad = team.requests(MODELS[0])[1], team.requests(MODELS[0])[3]
            assert "empty" in empty.view.results[-1].text
            assert "agent1, agent2" in bad.view.results[-1].text
            assert [a.label for a in result.answers].count("agent1.1") == 1
            refused = [b.fact for b in team.bodies(FactRecorded, "amber")]
            assert refused.count("AnswerProposed") == 2 and refused.count("VoteProposed") == 2
            assert len(team.bodies(NewAnswer, "amber")) == 1

    play(story)


@pytest.mark.spec("COORD-013")
@pytest.mark.parametrize("arguments", ["{", "[1]", "{}", '{"content": 7}', '{"content": null}'])
def test_malformed_arguments_are_tool_errors(tmp_path: Path, arguments: str):
    async def story():
        from massgen.testing.replies import Call

        async with scene(tmp_path, [use(Call(name="new_answer", arguments=arguments)), answer("four")]) as team:
            result = await team.ask()
            assert result.answer == "four"
            assert "argument" in team.requests(MODELS[0])[1].view.results[-1].text

    play(story)


@pytest.mark.spec("COORD-017")
def test_plain_text_is_reminded_three_times_and_then_is_the_answer(tmp_path: Path):
    async def story():
        async with scene(tmp_path, [say("I think it is 4.")] * 4) as team:
            result = await team.ask()
            assert (result.answer, result.label) == ("I think it is 4.", "agent1.1")
            assert len(team.server.requests) == 4
            assert "new_answer" in team.requests(MODELS[0])[1].view.last_user

    play(story)


@pytest.mark.spec("COORD-017")
def test_an_agent_that_does_not_vote_abstains(tmp_path: Path):
    async def story():
        async with scene(tmp_path, [answer("a"), *[say("nice")] * 4], answer_then_vote("b", "agent2")) as team:
            result = await team.ask()
            assert result.winner == "birch" and not result.consensus
            assert team.status()["agents"]["amber"]["status"] == "completed"

    play(story)


@pytest.mark.spec("COORD-018")
def test_ordinary_tools_run_before_the_first_terminal_call_and_further_ones_are_ignored(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path,
            [
                use(
                    call("new_answer", content="with a file"),
                    call("write_file", path="note.txt", content="kept"),
                    call("new_answer", content="another"),
                ),
                say("done"),
            ],
            orchestrator={"context_paths": []},
            backend={"cwd": "work"},
        ) as team:
            result = await team.ask()
            assert [a.text for a in result.answers] == ["with a file"]
            order = [e.seq for e in team.events() if isinstance(e.body, ToolEnd | NewAnswer)]
            assert len(order) == 2
            (answered,) = team.bodies(NewAnswer)
            assert answered.tree and team.bodies(ToolEnd)[0].name.endswith("write_file")
            assert isinstance(next(e.body for e in team.events() if e.seq == order[0]), ToolEnd)

    play(story)


@pytest.mark.spec("COORD-018")
def test_a_second_terminal_call_after_a_refused_one_is_ignored(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path,
            [use(call("new_answer", content=""), call("new_answer", content="second")), answer("four")],
        ) as team:
            result = await team.ask()
            assert result.answer == "four"
            first, second = team.requests(MODELS[0])[1].view.results
            assert "empty" in first.text and "Ignored" in second.text

    play(story)


@pytest.mark.spec("COORD-019", "COORD-051", "COORD-104")
def test_the_run_goes_on_without_a_failing_agent(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path,
            answer_then_vote("four"),
            HttpError(status=401, message="bad key"),
        ) as team:
            result = await team.ask()
            assert (result.exit_code, result.winner, result.answer) == (0, "amber", "four")
            assert "birch" in result.errors
            failed = team.status()["agents"]["birch"]
            assert failed["status"] == "error"
            assert {"type", "message", "timestamp"} <= set(failed["error"])

    play(story)


@pytest.mark.spec("COORD-051")
def test_the_answer_of_an_agent_that_failed_later_can_win(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path,
            [answer("weak"), VOTE_2],
            [answer("strong"), HttpError(status=401)],
        ) as team:
            result = await team.ask()
            assert (result.exit_code, result.winner, result.answer) == (0, "birch", "strong")

    play(story)


@pytest.mark.spec("COORD-020")
def test_a_team_in_which_all_fail_ends_with_exit_code_2_and_all_errors(tmp_path: Path):
    async def story():
        async with scene(tmp_path, *[HttpError(status=401, message="no")] * 2) as team:
            result = await team.ask()
            assert result.exit_code == 2 and result.winner is None and result.answer == ""
            assert "amber" in result.message and "birch" in result.message

    play(story)


@pytest.mark.spec("COORD-021", "COORD-045")
def test_votes_stand_before_the_winner_is_named_and_ties_are_told(tmp_path: Path):
    async def story():
        async with scene(tmp_path, answer_then_vote("a", "agent2"), answer_then_vote("b", "agent1")) as team:
            result = await team.ask()
            assert result.winner == "amber" and result.is_tie
            events = team.events()
            last_vote = max(e.seq for e in events if isinstance(e.body, Vote))
            winner = next(e for e in events if isinstance(e.body, WinnerSelected))
            assert last_vote < winner.seq and winner.body.is_tie
            assert {v.context for v in team.bodies(Vote)} == {("agent1.1", "agent2.1")}

    play(story)


@pytest.mark.spec("COORD-026", "COORD-067")
def test_requests_after_the_cap_lack_new_answer(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path, answer_then_vote("a"), answer_then_vote("b"), orchestrator={"max_new_answers_per_agent": 1}
        ) as team:
            await team.ask()
            for model in MODELS[:2]:
                assert team.requests(model)[0].view.tool_names == ("new_answer",)
                assert team.requests(model)[1].view.tool_names == ("vote",)

    play(story)


@pytest.mark.spec("COORD-068", "COORD-026")
def test_three_answers_at_once_cannot_pass_a_global_cap_of_two(tmp_path: Path):
    async def story():
        hold = Hold(model=MODELS[2])
        scripts = [[answer("x", hold), VOTE_1, say("x")], [answer("y", hold), VOTE_1, say("y")],
                   [answer("z"), VOTE_1, say("z")]]  # fmt: skip
        async with scene(tmp_path, *scripts, orchestrator={"max_new_answers_global": 2}) as team:
            result = await team.ask()
            assert result.exit_code == 0 and len(result.answers) == 2
            assert all(team.requests(m)[1].view.tool_names == ("vote",) for m in MODELS[:3])

    play(story)


@pytest.mark.spec("COORD-069", "COORD-010")
def test_a_repeated_answer_is_refused(tmp_path: Path):
    words = " ".join(f"w{n}" for n in range(30))

    async def story():
        async with scene(
            tmp_path,
            [answer(words), VOTE_1, say("done")],
            [answer(words, Hold(model=MODELS[0])), answer("something quite different"), VOTE_1],
            orchestrator={"answer_novelty_requirement": "strict"},
        ) as team:
            run = team.prepare()
            result = await run.execute()
            refused = [r for model in MODELS[:2] for q in team.requests(model) for r in q.view.results]
            assert result.exit_code == 0
            assert any("fundamentally different" in each.text for each in refused) or len(result.answers) == 1

    play(story)


@pytest.mark.spec("COORD-101", "COORD-102")
def test_the_presentation_has_no_workflow_tools_and_reasons_without_names(tmp_path: Path):
    async def story():
        async with scene(
            tmp_path,
            answer_then_vote("four", "agent2", reason="it is short"),
            answer_then_vote("4", "agent2", reason="it is plain"),
        ) as team:
            await team.ask()
            last = team.server.requests[-1]
            assert last.model == MODELS[1] and is_presentation(last)
            assert '<answer label="agent2.1" agent="agent2" chosen="true">' in last.view.text
            assert "it is short" in last.view.text and "it is plain" in last.view.text
            assert len(ANSWER.findall(last.view.text)) == 2

    play(story)


@pytest.mark.spec("COORD-104")
@pytest.mark.parametrize("reply", [Turn(), HttpError(status=401)])
def test_an_empty_or_failed_presentation_delivers_the_stored_answer(tmp_path: Path, reply):
    async def story():
        async with scene(
            tmp_path,
            [answer("four"), VOTE_1, *[reply] * 8],
            answer_then_vote("4"),
        ) as team:
            result = await team.ask()
            assert (result.exit_code, result.answer, result.winner) == (0, "four", "amber")
            assert "delivered as it was" in team.text_log
            assert (team.attempt() / "final" / "amber" / "answer.txt").read_text().strip() == "four"

    play(story)


def test_prompts_of_a_small_question_stay_within_their_budgets(tmp_path: Path):
    async def story():
        async with scene(tmp_path, answer_then_vote("4"), answer_then_vote("4")) as team:
            await team.ask()
            for model in MODELS[:2]:
                first, second = team.requests(model)[:2]
                assert cost(first) <= 400 and cost(second) <= 550
            assert sum(request.raw_bytes for request in team.server.requests) < 12_000

    play(story)


def cost(request) -> int:
    """System text, user text and tool schemas in tokens of four bytes."""
    body = request.json
    texts = [str(message.get("content")) for message in body["messages"]]
    return (sum(len(text.encode()) for text in texts) + len(json.dumps(body["tools"]).encode())) // 4
