"""A caller's own functions: offered to whoever presents, called by it, run by the caller, and gone on from."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from massgen.testing import Turn, answer_then_vote, call, say
from tests.server.place import serving

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city now.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TIME = {"type": "function", "function": {"name": "get_time"}}
QUESTION = {"role": "user", "content": "What is the weather in Paris?"}
RESULT = "18 degrees and sunny"


def meteorologist(request):
    """Calls what is offered until it knows the weather."""
    if RESULT in request.view.text:
        return answer_then_vote("It is sunny in Paris.")(request)
    if "get_weather" in request.view.tool_names:
        return Turn(text="Let me look.", calls=(call("get_weather", city="Paris"), call("get_weather", city="Lyon")))
    return answer_then_vote("Call get_weather for Paris.")(request)


def play(story) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(250):
            await story()

    asyncio.run(bounded())


TEAM = {"model-a": meteorologist, "model-b": meteorologist}
ALONE = {"model-a": meteorologist}


@pytest.mark.spec("SRV-011")
@pytest.mark.parametrize("models", [TEAM, ALONE], ids=["two", "one"])
def test_calls_of_the_presenter_come_back_and_their_results_lead_to_the_answer(
    tmp_path: Path, models: dict[str, Any]
) -> None:
    async def story() -> None:
        async with serving(tmp_path, models) as place, place.openai() as client:
            asked: list[Any] = [QUESTION]
            create = client.chat.completions.create
            first = await create(model="massgen", messages=asked, tools=[WEATHER], tool_choice="auto")
            choice = first.choices[0]
            assert choice.finish_reason == "tool_calls"
            assert choice.message.content == "Let me look."
            calls = choice.message.tool_calls or []
            assert [json.loads(one.function.arguments)["city"] for one in calls] == ["Paris", "Lyon"]
            assert len({one.id for one in calls}) == 2
            results = [{"role": "tool", "tool_call_id": one.id, "content": RESULT} for one in calls]
            second = await create(model="massgen", messages=[*asked, choice.message, *results], tools=[WEATHER])
            assert second.choices[0].finish_reason == "stop"
            assert second.choices[0].message.content == "It is sunny in Paris."
            assert second.choices[0].message.tool_calls is None

    play(story)


@pytest.mark.spec("SRV-011")
def test_only_whoever_presents_is_offered_the_functions_and_all_are_told_of_them(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, TEAM) as place:
            await place.chat(QUESTION["content"], tools=[WEATHER])
            requests = place.provider.requests
            offered = [request for request in requests if "get_weather" in request.view.tool_names]
            assert offered == requests[-1:]
            assert all("get_weather(city): The weather in a city now." in item.view.system for item in requests)
            spec = next(tool for tool in offered[0].view.tools if tool.name == "get_weather")
            assert spec.schema["required"] == ["city"]
            events = next(place.logs[0].rglob("events.jsonl")).read_text()
            assert '"get_weather"' in events

    play(story)


@pytest.mark.spec("SRV-011", "SRV-010")
def test_a_stream_ends_with_the_calls(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, TEAM) as place, place.openai() as client:
            asked: list[Any] = [QUESTION]
            stream = await client.chat.completions.create(
                model="massgen", messages=asked, tools=[WEATHER], stream=True
            )
            choices = [piece.choices[0] async for piece in stream if piece.choices]
            calls = [one for choice in choices for one in choice.delta.tool_calls or []]
            assert [(one.index, one.function.name) for one in calls if one.function] == [
                (0, "get_weather"), (1, "get_weather"),
            ]  # fmt: skip
            assert "".join(choice.delta.content or "" for choice in choices) == "Let me look."
            assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["tool_calls"]

    play(story)


@pytest.mark.spec("SRV-011")
def test_the_choice_of_tools_narrows_what_is_offered(tmp_path: Path) -> None:
    def offered(request):
        names = request.view.tool_names
        if "new_answer" in names or "vote" in names:
            return answer_then_vote("An answer.")(request)
        return say(",".join(sorted(names)) or "nothing")

    async def story() -> None:
        one = {"type": "function", "function": {"name": "get_time"}}
        async with serving(tmp_path, {"model-a": offered, "model-b": offered}) as place:
            for choice, wanted in (("none", "nothing"), (one, "get_time"), ("required", "get_time,get_weather")):
                reply = (await place.chat(tools=[WEATHER, TIME], tool_choice=choice)).json()
                assert reply["choices"][0]["message"]["content"] == wanted

    play(story)


@pytest.mark.spec("SRV-011")
def test_calls_are_given_back_also_where_the_team_judges_its_answers(tmp_path: Path) -> None:
    async def story() -> None:
        judging = {"coordination": {"max_orchestration_restarts": 1}, "final_answer_strategy": "winner_reuse"}
        async with serving(tmp_path, TEAM, orchestrator=judging) as place:
            reply = (await place.chat(QUESTION["content"], tools=[WEATHER])).json()
            assert reply["choices"][0]["finish_reason"] == "tool_calls"
            assert len(reply["choices"][0]["message"]["tool_calls"]) == 2

    play(story)


BAD = [
    ({"tools": "x"}, "must be a list"),
    ({"tools": [WEATHER] * 129}, "at most 128"),
    ({"tools": [WEATHER, WEATHER]}, "twice"),
    ({"tools": [{"type": "custom", "custom": {}}]}, "of type function"),
    ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "letters"),
    ({"tools": [{"type": "function", "function": {"name": "a", "parameters": ["x"]}}]}, "JSON Schema"),
    ({"tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": "array"}}}]}, "JSON Schema"),
    ({"tools": [WEATHER], "tool_choice": "some"}, "'tool_choice' must be"),
    ({"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "b"}}}, "not in 'tools'"),
]


@pytest.mark.spec("SRV-011")
def test_tools_that_are_none_are_a_400_with_a_sentence(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, TEAM) as place:
            for body, words in BAD:
                reply = await place.chat(**body)
                assert (reply.status_code, words in reply.json()["error"]["message"]) == (400, True), body
            calls = {"role": "assistant", "content": None, "tool_calls": ["x"]}
            assert (await place.chat(messages=[QUESTION, calls])).status_code == 400
            assert (await place.chat(messages=[{"role": "tool", "content": "18"}])).status_code == 400
            assert place.provider.requests == []

    play(story)


@pytest.mark.spec("SRV-011", "IOP-019")
def test_an_agent_of_pydantic_ai_runs_its_tools_for_the_team(tmp_path: Path) -> None:
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    cities: list[str] = []

    def get_weather(city: str) -> str:
        """The weather in a city now."""
        cities.append(city)
        return RESULT

    async def story() -> None:
        async with serving(tmp_path, TEAM) as place, place.openai() as client:
            model = OpenAIChatModel("massgen", provider=OpenAIProvider(openai_client=client))
            result = await Agent(model, tools=[get_weather]).run("What is the weather in Paris?")
            assert result.output == "It is sunny in Paris."
            assert sorted(cities) == ["Lyon", "Paris"]

    play(story)
