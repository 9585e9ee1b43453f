"""Several turns of one conversation, and what programs are told of the votes."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from massgen.backends.protocol import UserMessage
from massgen.config import load_config
from massgen.errors import EXIT_INTERRUPTED
from massgen.events.codec import read_run
from massgen.events.types import Event, NewAnswer, StartedStreaming, Vote, WinnerSelected
from massgen.runs.conversation import Conversation
from massgen.runs.program_results import vote_results
from massgen.runs.request import RunRequest
from massgen.testing import ReceivedRequest, ScriptedProvider, answer_then_vote, call, use
from massgen.testing.policies import visible_answers
from tests.runs.place import play, team, worker


def first_file(request: ReceivedRequest) -> tuple[Any, ...]:
    name = "mcp__filesystem__write_file"
    wanted = name if name in request.view.tool_names else "write_file"
    return (call(wanted, path="sums.txt", content="2+2=4"),)


@pytest.mark.spec("COORD-028")
def test_every_question_runs_the_whole_machine_anew_and_knows_what_came_before(tmp_path: Path) -> None:
    async def story() -> None:
        scripts: dict[str, Any] = {"m1": worker("Four.", first_file), "m2": answer_then_vote("It is 4.")}
        async with ScriptedProvider(scripts) as server, asyncio.timeout(250):
            config = {"agents": team(server.openai_url, scripts, cwd="work"), "orchestrator": {}}
            chat = Conversation(RunRequest(loaded=load_config(config, launch=tmp_path), question="", launch=tmp_path))
            assert (await chat.turn("What is 2+2?").execute()).exit_code == 0
            before = len(server.requests_for("m2"))
            assert (await chat.turn("And doubled?").execute()).exit_code == 0
            assert chat.last is not None
            log = chat.last.log_dir
            first = server.requests_for("m2")[before].view
        for turn in (1, 2):
            assert (log / f"turn_{turn}" / "attempt_1" / "status.json").is_file()
            bodies = [event.body for event in read_run(log) if event.turn == turn]
            assert len([body for body in bodies if isinstance(body, NewAnswer)]) >= 2
            assert len([body for body in bodies if isinstance(body, Vote)]) >= 2
        assert [role for role, _ in first.messages] == ["user", "assistant", "user"]
        assert "What is 2+2?" in first.messages[0][1] and first.messages[1][1] == "Four."
        assert "And doubled?" in first.last_user
        shown = re.search(r"^- (\S+turn_1\S*) \(read\): result of an earlier turn", first.system, re.MULTILINE)
        assert shown and (Path(shown.group(1)) / "agent1" / "sums.txt").read_text() == "2+2=4"

    asyncio.run(story())


@pytest.mark.spec("COORD-129")
def test_words_said_too_late_become_a_question_that_stays_when_its_turn_is_cancelled(tmp_path: Path) -> None:
    late = "Use whole numbers, please."

    async def story() -> None:
        scripts: dict[str, Any] = {"m1": answer_then_vote("Four.")}
        async with ScriptedProvider(scripts) as server, asyncio.timeout(250):
            loaded = load_config({"agents": team(server.openai_url, scripts)}, launch=tmp_path)
            chat = Conversation(RunRequest(loaded=loaded, question="", launch=tmp_path))
            first = chat.turn("What is 2+2?")

            def say_late(event: Event) -> None:
                if isinstance(event.body, WinnerSelected):
                    first.inject(late)

            first.stream.subscribe(say_late)
            await first.execute()
            assert first.unheard == (late,)
            second = chat.turn(first.unheard[0])

            def stop(event: Event) -> None:
                if isinstance(event.body, StartedStreaming):
                    second.cancel()

            second.stream.subscribe(stop)
            assert (await second.execute()).exit_code == EXIT_INTERRUPTED
            said = [message.text for message in second.session.history() if isinstance(message, UserMessage)]
            assert said == ["What is 2+2?", late]
            stored = json.loads((second.session.directory(2) / "metadata.json").read_text())
            assert stored["task"] == late and stored["status"] != "complete"
            third = len(server.requests)
            await chat.turn("Go on.").execute()
            assert late in server.requests[third].view.text

    asyncio.run(story())


@pytest.mark.spec("COORD-049")
def test_programs_get_the_votes_by_letter(tmp_path: Path) -> None:
    def voting(text: str, target: str) -> Any:
        def decide(request: ReceivedRequest) -> Any:
            seen = visible_answers(request.view)
            if "vote" in request.view.tool_names and 0 < len(seen) < 3:
                return use(call("vote", agent_id=next(iter(seen)), reason="so far"))
            return answer_then_vote(text, target, reason=f"{text} says so")(request)

        return decide

    played = play(
        tmp_path,
        {"m1": voting("One", "agent2"), "m2": voting("Two", "agent2"), "m3": voting("Three", "agent1")},
        orchestrator={"defer_voting_until_all_answered": True, "max_new_answers_per_agent": 1},
    )
    assert vote_results(played.result) == {
        "vote_counts": {"agent_b": 2, "agent_a": 1},
        "voter_details": {
            "agent_b": [
                {"voter": "agent_a", "reason": "One says so"},
                {"voter": "agent_b", "reason": "Two says so"},
            ],
            "agent_a": [{"voter": "agent_c", "reason": "Three says so"}],
        },
        "winner": "agent_b",
        "is_tie": False,
        "total_votes": 3,
        "agents_with_answers": 3,
        "agents_voted": 3,
    }
