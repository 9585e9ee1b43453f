"""Chat completions: what a client sends reaches the team, and what the team did comes back."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from massgen.testing import answer_then_vote
from tests.server.place import TEAM, serving


@pytest.mark.spec("SRV-003", "SRV-008")
def test_the_official_client_gets_the_answer_usage_and_all_metadata(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as place, place.openai() as client:
            reply = await client.chat.completions.create(
                model="massgen", messages=[{"role": "user", "content": "What is 2+2?"}], temperature=0.3, user="x"
            )
            assert reply.object == "chat.completion"
            assert re.fullmatch(r"chatcmpl-req_[0-9a-f]+", reply.id)
            assert reply.choices[0].message.content == "Four, says the first."
            assert reply.choices[0].finish_reason == "stop"
            assert reply.usage is not None
            assert reply.usage.prompt_tokens > 0
            assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
            found = (reply.model_extra or {})["massgen_metadata"]
            assert set(found) == {
                "session_id", "config_used", "log_directory", "final_answer_path", "selected_agent", "vote_results",
                "answers", "agent_mapping",
            }  # fmt: skip
            assert re.fullmatch(r"api_session_\d{8}_\d{6}", found["session_id"])
            assert found["config_used"] == str(place.config)
            assert found["log_directory"] == str(place.logs[0])
            assert found["selected_agent"] == "agent_a"
            assert found["vote_results"]["vote_counts"] == {"agent_a": 2}
            assert sorted(item["label"] for item in found["answers"]) == ["agent1.1", "agent2.1"]
            assert found["agent_mapping"] == {"agent_a": "research-agent", "agent_b": "analysis-agent"}
            assert (Path(found["final_answer_path"]) / "research-agent" / "answer.txt").is_file()

    asyncio.run(story())


@pytest.mark.spec("SRV-007")
def test_reasoning_has_a_line_for_each_event_and_names_agents_by_alias_only(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as place:
            message = (await place.chat()).json()["choices"][0]["message"]
            lines = message["reasoning_content"].splitlines()
            assert lines[0] == "[system] Starting coordination..."
            assert "[orchestrator] Vote: agent_a" in lines
            assert "[orchestrator] Winner: agent_a" in lines
            assert all(re.match(r"\[(system|orchestrator|agent_[ab])\] ", line) for line in lines)
            assert "research-agent" not in message["reasoning_content"]

    asyncio.run(story())


@pytest.mark.spec("SRV-010")
def test_a_stream_gives_reasoning_first_and_the_answer_last(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as place, place.openai() as client:
            stream = await client.chat.completions.create(
                model="massgen",
                messages=[{"role": "user", "content": "What is 2+2?"}],
                stream=True,
                stream_options={"include_usage": True},
            )
            pieces = [piece async for piece in stream]
            deltas = [piece.choices[0].delta for piece in pieces if piece.choices]
            assert "".join(delta.content or "" for delta in deltas) == "Four, says the first."
            trace = "".join((delta.model_extra or {}).get("reasoning_content", "") for delta in deltas)
            assert trace.startswith("[system] Starting coordination...\n")
            assert "[orchestrator] Winner: agent_a\n" in trace
            assert [p.choices[0].finish_reason for p in pieces if p.choices and p.choices[0].finish_reason] == ["stop"]
            assert pieces[-1].usage is not None
            assert pieces[-1].usage.total_tokens > 0
            assert not pieces[-1].choices
            assert any("massgen_metadata" in (piece.model_extra or {}) for piece in pieces)

    asyncio.run(story())


@pytest.mark.spec("SRV-010")
def test_frames_are_server_sent_events_that_end_with_done(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as place:
            reply = await place.chat(stream=True)
            assert reply.headers["content-type"].startswith("text/event-stream")
            frames = reply.text.strip().split("\n\n")
            assert frames[-1] == "data: [DONE]"
            parsed = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-1]]
            assert {item["object"] for item in parsed} == {"chat.completion.chunk"}
            assert len({item["id"] for item in parsed}) == 1

    asyncio.run(story())


@pytest.mark.spec("SRV-010")
def test_switched_off_streaming_is_answered_with_501(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, streaming=False) as place:
            reply = await place.chat(stream=True)
            assert reply.status_code == 501
            assert reply.json()["error"]["type"] == "not_implemented_error"

    asyncio.run(story())


@pytest.mark.spec("SRV-012")
def test_earlier_messages_are_history_and_system_messages_instructions(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as place:
            messages = [
                {"role": "system", "content": "Answer like a pirate."},
                {"role": "user", "content": "My name is Ada."},
                {"role": "assistant", "content": "Ahoy, Ada!"},
                {"role": "user", "content": [{"type": "text", "text": "What is my name?"}]},
            ]
            assert (await place.chat(messages=messages)).status_code == 200
            for model in TEAM:
                view = place.provider.requests_for(model)[0].view
                assert "Answer like a pirate." in view.system
                assert "My name is Ada." in view.text
                assert "Ahoy, Ada!" in view.text
                assert "What is my name?" in view.last_user

    asyncio.run(story())


@pytest.mark.spec("SRV-013")
def test_several_questions_at_once_get_their_own_answers_while_health_answers(tmp_path: Path) -> None:
    def mirror(request):  # the answer names the question it was asked
        asked = re.search(r"number (\d+)", request.view.text)
        return answer_then_vote(f"Answer {asked.group(1) if asked else '?'}")(request)

    async def story() -> None:
        async with serving(tmp_path, {"model-a": mirror, "model-b": mirror}) as place, asyncio.TaskGroup() as group:
            asked = [group.create_task(place.chat(f"This is number {number}.")) for number in range(5)]
            async with place.http() as client:
                assert (await client.get("/health")).json() == {"status": "ok"}
            replies = [(await task).json() for task in asked]
            said = [reply["choices"][0]["message"]["content"] for reply in replies]
            assert said == [f"Answer {number}" for number in range(5)]
            assert len({reply["massgen_metadata"]["log_directory"] for reply in replies}) == 5
            assert len({reply["massgen_metadata"]["session_id"] for reply in replies}) == 5

    asyncio.run(story())


@pytest.mark.spec("IOP-019")
def test_pydantic_ai_talks_to_the_team_as_to_a_model(tmp_path: Path) -> None:
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    async def story() -> None:
        async with serving(tmp_path) as place, place.openai() as client:
            agent = Agent(OpenAIChatModel("massgen", provider=OpenAIProvider(openai_client=client)))
            result = await agent.run("What is 2+2?")
            assert result.output == "Four, says the first."

    asyncio.run(story())
