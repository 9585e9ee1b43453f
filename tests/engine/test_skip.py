"""A person sends an agent out of the turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from massgen.events.types import AgentStatus, FactRecorded, NewAnswer, SessionEnd, StartedStreaming
from massgen.testing import call
from massgen.testing.replies import Hold
from tests.engine.scene import Turn, play, say, scene, use


def answer(text: str) -> Turn:
    return use(call("new_answer", content=text))


def vote(name: str) -> Turn:
    return use(call("vote", agent_id=name, reason="clear"))


@pytest.mark.spec("COORD-019")
def test_a_skipped_agents_model_call_is_stopped_and_the_others_finish(tmp_path: Path):
    async def story():
        stuck = Turn(text="hm", hold=Hold(gate="never"))
        async with scene(tmp_path, [answer("one"), vote("agent1"), say("1")], [stuck]) as team:
            run = team.prepare()

            def on_event(event):
                if isinstance(event.body, NewAnswer):
                    assert run.skip("birch") and not run.skip("nobody")

            run.stream.subscribe(on_event)
            team.result = await run.execute()
            team.server.open("never")
            assert (team.result.exit_code, team.result.winner) == (0, "amber")
            assert team.result.errors == {"birch": "skipped by a person"}
            (status,) = [body for body in team.bodies(AgentStatus, "birch") if body.error_type]
            assert (status.status, status.error_type) == ("error", "skipped")
            assert [f.fact for f in team.bodies(FactRecorded, "birch")].count("AgentSkipped") == 1

    play(story)


def test_answers_of_a_skipped_agent_stay_and_win_without_another_call_to_it(tmp_path: Path):
    async def story():
        busy = Turn(calls=(call("list_directory", path="."),), hold=Hold(gate="skipped"))
        scripts = [[answer("one"), Turn(calls=vote("agent2").calls, hold=Hold(gate="skipped"))], [answer("two"), busy]]
        async with scene(tmp_path, *scripts, backend={"cwd": "work"}) as team:
            run = team.prepare()

            def on_event(event):
                if isinstance(event.body, StartedStreaming) and event.agent_id == "birch" and event.round == 1:
                    run.skip("birch")
                    team.server.open("skipped")

            run.stream.subscribe(on_event)
            team.result = await run.execute()
            assert (team.result.winner, team.result.answer) == ("birch", "two")
            assert not any(body.round_kind == "presentation" for body in team.bodies(StartedStreaming))

    play(story)


def test_an_agent_skipped_before_the_turn_began_is_never_asked(tmp_path: Path):
    async def story():
        async with scene(tmp_path, [answer("one"), vote("agent1"), say("1")], [answer("two")]) as team:
            run = team.prepare()
            assert run.skip("birch")
            team.result = await run.execute()
            assert team.result.winner == "amber" and not team.requests("birch")

    play(story)


def test_a_turn_in_which_all_are_skipped_ends_and_says_why(tmp_path: Path):
    async def story():
        stuck = Turn(text="hm", hold=Hold(gate="never"))
        async with scene(tmp_path, [stuck], [stuck]) as team:
            run = team.prepare()

            def on_event(event):
                if isinstance(event.body, StartedStreaming) and event.agent_id == "birch":
                    for name in ("amber", "birch"):
                        run.skip(name)

            run.stream.subscribe(on_event)
            team.result = await run.execute()
            team.server.open("never")
            assert team.result.exit_code == 2 and "skipped by a person" in team.result.message
            assert [body.reason for body in team.bodies(SessionEnd)] == ["error"]

    play(story)
