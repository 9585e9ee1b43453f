"""LangChain: its LiteLLM model on the team in the process, its OpenAI model on the team behind the server."""

from __future__ import annotations

from pathlib import Path

import pytest

import massgen
from tests.api.place import place, play
from tests.server.place import serving
from tests.server.test_functions import RESULT, TEAM


@pytest.mark.spec("API-068", "IOP-018")
def test_chat_litellm_asks_the_team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from langchain_community.chat_models import ChatLiteLLM

    monkeypatch.chdir(tmp_path)
    massgen.register_with_litellm()

    async def story() -> None:
        async with place(tmp_path) as here:
            reply = await ChatLiteLLM(model=f"massgen/path:{here.config}").ainvoke("What is 2+2?")
            assert reply.content in ("Four, says the first.", "4, says the second.")

    play(story)
    assert ChatLiteLLM(model="massgen/demo/duo").invoke("Tabs or spaces?").content


@pytest.mark.spec("IOP-019")
def test_chat_openai_asks_the_server_whole_and_streamed(tmp_path: Path) -> None:
    from langchain_openai import ChatOpenAI

    async def story() -> None:
        async with serving(tmp_path) as served:
            model = ChatOpenAI(model="massgen", base_url=f"{served.url}/v1", api_key="not-needed", max_retries=0)
            reply = await model.ainvoke([("system", "Answer like a pirate."), ("human", "What is 2+2?")])
            assert reply.content == "Four, says the first."
            assert reply.usage_metadata is not None
            assert reply.usage_metadata["total_tokens"] > 0
            assert "Answer like a pirate." in served.provider.requests_for("model-a")[0].view.system
            pieces = [piece.content async for piece in model.astream("What is 2+2?")]
            assert "".join(map(str, pieces)) == "Four, says the first."

    play(story)


@pytest.mark.spec("SRV-011", "IOP-019")
def test_chat_openai_gets_calls_of_its_tools_and_goes_on_from_their_results(tmp_path: Path) -> None:
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_openai import ChatOpenAI

    def get_weather(city: str) -> str:
        """The weather in a city now."""
        return f"sunny in {city}"

    async def story() -> None:
        async with serving(tmp_path, TEAM) as served:
            model = ChatOpenAI(model="massgen", base_url=f"{served.url}/v1", api_key="not-needed", max_retries=0)
            asked = HumanMessage("What is the weather in Paris?")
            reply = await model.bind_tools([get_weather]).ainvoke([asked])
            assert [one["args"]["city"] for one in reply.tool_calls] == ["Paris", "Lyon"]
            results = [ToolMessage(RESULT, tool_call_id=one["id"]) for one in reply.tool_calls]
            last = await model.bind_tools([get_weather]).ainvoke([asked, reply, *results])
            assert last.content == "It is sunny in Paris."

    play(story)
