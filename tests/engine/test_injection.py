"""Answers that arrive while a peer works: in its tool results, or as a fresh round (section 5)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from massgen.events.types import Injection, NewAnswer, Restart
from massgen.testing import call
from massgen.testing.clock import FakeClock
from massgen.testing.replies import Hold
from tests.engine.scene import MODELS, Turn, play, say, scene, use

ANSWER = re.compile(r'<answer label="([^"]+)"')
UPDATE = "NEW ANSWER RECEIVED"
LOOK = Turn(calls=(call("list_directory", path="."),), hold=Hold(gate="improved"))


def answer(text: str) -> Turn:
    return use(call("new_answer", content=text))


def vote(name: str) -> Turn:
    return use(call("vote", agent_id=name, reason="clear"))


async def improving(tmp_path: Path, reader: list, *, orchestrator: dict[str, Any] | None = None, **more):
    """Agent 1 improves its answer while agent 2, in its round 1, is asked with `reader[1]`; the finished scene."""
    scripts = [[answer("one"), answer("one, better"), vote("agent1"), say("1")], [answer("two"), *reader]]
    async with scene(tmp_path, *scripts, orchestrator=orchestrator, backend={"cwd": "work"}, **more) as team:
        run = team.prepare()

        def on_event(event):
            if isinstance(event.body, NewAnswer) and event.body.label == "agent1.2":
                team.server.open("improved")

        run.stream.subscribe(on_event)
        team.result = await run.execute()
        assert team.result.exit_code == 0, team.result.message
    return team


@pytest.mark.spec("COORD-015", "COORD-056")
def test_a_peers_new_answer_is_appended_to_the_next_tool_result(tmp_path: Path):
    async def story():
        team = await improving(tmp_path, [LOOK, vote("agent1")])
        third = team.requests(MODELS[1])[2]
        (result,) = third.view.results
        assert UPDATE in result.text and "one, better" in result.text
        assert "[UPDATE: agent1 submitted new answer(s)]" in result.text
        assert "label: agent1.2" in result.text and "two" not in result.text.split(UPDATE)[1]
        (injected,) = team.bodies(Injection, "birch")
        assert injected.labels == ("agent1.2",) and injected.text in result.text
        assert "Mid-stream injection for birch: 1 new answer(s)" in team.text_log
        assert not [r for r in team.bodies(Restart, "birch") if "agent1.2" in r.labels]

    play(story)


@pytest.mark.spec("COORD-015")
def test_at_the_end_of_a_response_the_update_comes_as_a_message(tmp_path: Path):
    async def story():
        team = await improving(tmp_path, [Turn(text="Hm.", hold=LOOK.hold), vote("agent1")])
        third = team.requests(MODELS[1])[2]
        assert [role for role, _ in third.view.messages] == ["user", "assistant", "user"]
        assert UPDATE in third.view.last_user

    play(story)


@pytest.mark.spec("COORD-059", "COORD-058")
@pytest.mark.parametrize(
    "switch", [{"defer_peer_updates_until_restart": True}, {"max_midstream_injections_per_round": 0}]
)
def test_updates_can_be_kept_for_the_next_round(tmp_path: Path, switch: dict[str, Any]):
    async def story():
        team = await improving(tmp_path, [LOOK, vote("agent1"), vote("agent1")], orchestrator=switch)
        asked = team.requests(MODELS[1])
        assert not any(UPDATE in request.view.text for request in asked)
        assert ANSWER.findall(asked[3].view.text) == ["agent1.2", "agent2.1"]

    play(story)


@pytest.mark.spec("COORD-057")
def test_a_round_short_of_time_is_restarted_instead(tmp_path: Path):
    async def story():
        team = await improving(
            tmp_path,
            [LOOK, vote("agent1")],
            limits={"subsequent_round_timeout_seconds": 60, "round_timeout_grace_seconds": 120},
        )
        third = team.requests(MODELS[1])[2]
        assert not third.view.results and ANSWER.findall(third.view.text) == ["agent1.2", "agent2.1"]
        assert "Skipping mid-stream injection for birch - only" in team.text_log

    play(story)


@pytest.mark.spec("COORD-058")
def test_two_updates_are_injected_and_the_third_waits_for_the_next_round(tmp_path: Path):
    async def story():
        peers = [[answer(f"{n}"), answer(f"{n}, better"), vote("agent1"), vote("agent1"), say("1")] for n in "abc"]
        reader = [answer("d"), LOOK, Turn(calls=vote("agent1").calls), vote("agent1")]
        async with scene(tmp_path, *peers, reader, backend={"cwd": "work"}) as team:
            run = team.prepare()
            better: list[str] = []

            def on_event(event):
                if isinstance(event.body, NewAnswer) and event.body.label.endswith(".2"):
                    better.append(event.body.label)
                    if len(better) == 3:
                        team.server.open("improved")

            run.stream.subscribe(on_event)
            result = await run.execute()
            assert result.exit_code == 0
            asked = team.requests(MODELS[3])
            assert asked[2].view.results[0].text.count("label: agent") == 2
            assert ANSWER.findall(asked[3].view.text) == ["agent1.2", "agent2.2", "agent3.2", "agent4.1"]

    play(story)


@pytest.mark.spec("COORD-092")
def test_an_isolated_agent_reads_nothing_of_its_peers_before_the_ballot(tmp_path: Path):
    async def story():
        scripts = [
            [answer("one"), use(call("stop", reason="done")), vote("agent1"), say("1")],
            [answer("two"), use(call("stop", reason="done")), vote("agent1")],
        ]
        async with scene(tmp_path, *scripts, orchestrator={"disable_injection": True}) as team:
            result = await team.ask()
            assert result.exit_code == 0
            for model, own, peer in ((MODELS[0], "one", "two"), (MODELS[1], "two", "one")):
                first, refine, ballot = team.requests(model)[:3]
                assert peer not in first.view.text + refine.view.text and own in refine.view.text
                assert refine.view.tool_names == ("new_answer", "stop")
                assert ballot.view.tool_names == ("vote",)
                assert ANSWER.findall(ballot.view.text) == ["agent1.1", "agent2.1"]

    play(story)


@pytest.mark.spec("COORD-116")
def test_an_update_and_the_time_warning_share_a_result(tmp_path: Path):
    async def story():
        clock = FakeClock()

        def slow(_request):
            clock.advance(70)
            return use(call("list_directory", path="."))

        async with scene(
            tmp_path,
            [slow, answer("four")],
            backend={"cwd": "work"},
            limits={"initial_round_timeout_seconds": 60, "round_timeout_grace_seconds": 30},
        ) as team:
            team.clock = clock
            result = await team.ask()
            assert result.answer == "four"
            (shown,) = team.requests(MODELS[0])[1].view.results
            assert "ROUND TIME LIMIT APPROACHING" in shown.text and "70s / 60s" in shown.text
            assert "new_answer" in shown.text.split("ROUND TIME")[1]
            assert "vote" not in shown.text.split("ROUND TIME")[1]
            assert "[RoundTimeoutPostHook] Soft timeout reached for amber after 70s" in team.text_log
            assert [i.source for i in team.bodies(Injection)] == ["round_limit"]

    play(story)
