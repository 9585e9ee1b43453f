"""What was asked, prepared and said is known to the process that goes on with a run."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from massgen.backends.protocol import AssistantMessage, Media, UserMessage
from massgen.events.codec import decode, read_run
from massgen.events.types import Event, FactRecorded
from massgen.runs.resumed import resumed
from massgen.runs.resuming import asked_again, recover
from massgen.runs.run import Run
from massgen.testing import Hold, ReceivedRequest, ScriptedProvider, Turn, answer_then_vote, call, say, use
from tests.resume.course import Cut, config, cuts, go_on, request, whole_run

PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(40)


def cut_behind(finished: Path, kind: str, count: int = 1) -> Cut:
    """After the `count`th event of a kind; a fact is named by itself."""
    size = 0
    for line in (finished / "turn_1/attempt_1/events.jsonl").read_bytes().splitlines(keepends=True):
        size += len(line)
        record = json.loads(line)
        count -= kind in (record["event_type"], record["data"].get("fact"))
        if not count:
            return Cut(finished, 1, size)
    raise AssertionError(f"no {kind}")


def test_personas_are_kept_and_not_paid_again(tmp_path: Path) -> None:
    plain = answer_then_vote("four", "agent1")

    def decide(received: ReceivedRequest) -> Turn:
        if "new_answer" in received.view.tool_names or "vote" in received.view.tool_names:
            return plain(received)  # type: ignore[return-value]
        return say(json.dumps({"personas": ["Trust nothing.", "Trust everybody."]}))

    async def story() -> None:
        async with ScriptedProvider({"m1": decide, "m2": plain}) as server:
            team = config(server, ["m1", "m2"], coordination={"persona_generator": {"enabled": True}})
            finished = await whole_run(tmp_path, team)
            systems = [item.view.system for item in server.requests]
            assert sum("Trust nothing." in text for text in systems) >= 1
            server.requests.clear()
            result = await go_on(tmp_path, team, cut_behind(finished.log_dir, "RoundReady", 2).make(tmp_path))
            assert result.exit_code == 0, result.message
            again = [item.view.system for item in server.requests if item.view.tool_names]
            assert again[:2] and all(text in systems for text in again)

    asyncio.run(asyncio.wait_for(story(), 250))


@pytest.mark.spec("COORD-063")
def test_an_answer_that_is_held_is_not_asked_for_again(tmp_path: Path) -> None:
    """Agent 1 is two answers ahead while agent 2 is slow: its next answer is refused, then held."""

    def eager(received: ReceivedRequest) -> Turn:
        if "new_answer" in received.view.tool_names and received.number < 5:
            return use(call("new_answer", content=f"four, found in way {received.number}"))
        return use(call("vote", agent_id="agent1", reason="r")) if "vote" in received.view.tool_names else say("four")

    slow = answer_then_vote("4", "agent1")

    def late(received: ReceivedRequest) -> Turn:
        reply = slow(received)
        assert isinstance(reply, Turn)
        return replace(reply, hold=Hold(gate="on")) if received.number == 2 else reply

    async def story() -> None:
        async with ScriptedProvider({"m1": eager, "m2": late}) as server:
            team = config(server, ["m1", "m2"], fairness_lead_cap_answers=0)
            run = Run(request(tmp_path, team))
            run.prepare()
            proposed = 0

            def watch(event: Event) -> None:
                nonlocal proposed
                proposed += event.agent_id == run.agents[0] and is_fact(event, "AnswerProposed")
                if proposed == 4:
                    server.open("on")

            run.stream.subscribe(watch)
            finished = await run.execute()
            assert finished.exit_code == 0
            size, left = 0, 4
            for line in (finished.log_dir / "turn_1/attempt_1/events.jsonl").read_bytes().splitlines(keepends=True):
                event = decode(line)
                size += len(line)
                left -= event.agent_id == run.agents[0] and is_fact(event, "AnswerProposed")
                if not left:
                    break
            log_dir = Cut(finished.log_dir, 1, size).make(tmp_path)
            recovered = recover(log_dir)
            assert recovered.resumption is not None and recovered.resumption.attempt.member(1).held is not None
            server.requests.clear()
            result = await go_on(tmp_path, team, log_dir)
            assert result.exit_code == 0, result.message
            asked = [item for item in server.requests if item.model == "m1" and item.view.tool_names]
            again = [event for event in read_run(log_dir) if event.agent_id == run.agents[0] and decided(event)]
            assert len(again) == len(asked) + 4

    asyncio.run(asyncio.wait_for(story(), 250))


def is_fact(event: Event, name: str) -> bool:
    return isinstance(event.body, FactRecorded) and event.body.fact == name


def decided(event: Event) -> bool:
    return is_fact(event, "AnswerProposed") or is_fact(event, "VoteProposed")


@pytest.mark.spec("COORD-033")
def test_what_a_person_said_is_heard_once(tmp_path: Path) -> None:
    plain = answer_then_vote("four", "agent1")

    async def story() -> None:
        async with ScriptedProvider({"m1": plain, "m2": plain}) as server:
            team = config(server, ["m1", "m2"])
            run = Run(request(tmp_path, team))
            run.prepare()
            run.inject("Mind the sign.")
            finished = await run.execute()
            assert finished.exit_code == 0
            for cut in cuts(finished.log_dir)[4::5]:
                server.requests.clear()
                log_dir = cut.make(tmp_path)
                spoken = any(event.body.kind == "spoken" for event in read_run(log_dir))
                result = await go_on(tmp_path, team, log_dir)
                assert result.exit_code == 0, result.message
                texts = [item.view.text for item in server.requests]
                assert all(text.count("Mind the sign.") == spoken for text in texts), cut.size

    asyncio.run(asyncio.wait_for(story(), 250))


def test_history_and_pictures_of_the_question_are_kept(tmp_path: Path) -> None:
    async def story() -> None:
        async with ScriptedProvider({"m1": answer_then_vote("four", "agent1")}) as server:
            base = request(tmp_path, config(server, ["m1"]))
            history = (UserMessage(text="Hello"), AssistantMessage(text="Good day."))
            run = Run(replace(base, history=history, media=(Media(data=PIXEL, media_type="image/png"),)))
            run.prepare()
            finished = await run.execute()
            assert finished.exit_code == 0, finished.message
            whole = [item.json for item in server.requests]
            assert "image_url" in str(whole) and "Good day." in str(whole)
            server.requests.clear()
            recovered = recover(cut_behind(finished.log_dir, "RoundReady").make(tmp_path))
            again = resumed(asked_again(base, recovered), recovered)
            again.prepare()
            assert (await again.execute()).exit_code == 0
            assert [item.json for item in server.requests] == whole

    asyncio.run(asyncio.wait_for(story(), 250))


def test_a_refusal_that_was_not_told_yet_is_told(tmp_path: Path) -> None:
    def answers(received: ReceivedRequest) -> Turn:
        if "new_answer" in received.view.tool_names:
            return use(call("new_answer", content="four" if received.view.results else "  "))
        return say("four")

    async def story() -> None:
        async with ScriptedProvider({"m1": answers}) as server:
            team = config(server, ["m1"])
            finished = await whole_run(tmp_path, team)
            whole = [item.json for item in server.requests]
            assert finished.exit_code == 0 and len(whole) == 2
            server.requests.clear()
            log_dir = cut_behind(finished.log_dir, "AnswerProposed").make(tmp_path)
            assert (await go_on(tmp_path, team, log_dir)).exit_code == 0
            assert [item.json for item in server.requests] == whole[1:]

    asyncio.run(asyncio.wait_for(story(), 250))
