"""What people say while a turn runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from massgen.events.types import Injection, StartedStreaming
from massgen.testing import call
from massgen.testing.replies import Hold
from tests.engine.scene import MODELS, Turn, play, say, scene, use


def answer(text: str) -> Turn:
    return use(call("new_answer", content=text))


VOTE = use(call("vote", agent_id="agent1", reason="clear"))


@pytest.mark.spec("SESS-045", "COORD-033")
def test_words_for_one_agent_come_at_its_next_safe_point_and_stay_for_the_turn(tmp_path: Path):
    async def story():
        look = Turn(calls=(call("list_directory", path="."),), hold=Hold(gate="said"))
        scripts = [[answer("one"), VOTE, say("1")], [look, answer("two"), VOTE]]
        async with scene(tmp_path, *scripts, backend={"cwd": "work"}) as team:
            run = team.prepare()

            def on_event(event):
                if isinstance(event.body, StartedStreaming) and event.agent_id == "birch" and event.round == 0:
                    run.inject("Mind the budget.", "birch")
                    team.server.open("said")

            run.stream.subscribe(on_event)
            team.result = await run.execute()
            assert team.result.exit_code == 0, team.result.message
            first, second, third = team.requests(MODELS[1])[:3]
            (result,) = second.view.results
            block = "<runtime_instructions>\nMind the budget.\n</runtime_instructions>"
            told = [request for request in (first, second) if block in request.view.last_user or block in result.text]
            assert told
            message = third.view.messages[0][1]
            assert message.index("</original_message>") < message.index(block)
            assert not any(block in text for request in team.requests(MODELS[0]) for _, text in request.view.messages)
            (injected,) = team.bodies(Injection, "birch")
            assert injected.source == "human" and run.unheard == ()

    play(story)


@pytest.mark.spec("SESS-046")
def test_words_that_come_too_late_are_left_for_the_next_turn(tmp_path: Path):
    async def story():
        async with scene(tmp_path, [answer("one"), say("1")]) as team:
            run = team.prepare()
            await run.execute()
            run.inject("And now in French.")
            assert run.unheard == ("And now in French.",)

    play(story)
