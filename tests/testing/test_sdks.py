"""The providers' own SDKs, without a layer between."""

from __future__ import annotations

import asyncio
from typing import Any

from massgen.testing import ScriptedProvider, Tokens, Turn, call, say

TURN = Turn(text="Four.", calls=(call("vote", agent_id="agent1"),), usage=Tokens(input=7, output=3))
MESSAGES: Any = [{"role": "user", "content": "2+2?"}]


def test_openai_reads_chat_completions() -> None:
    from openai import AsyncOpenAI

    async def run() -> None:
        async with (
            ScriptedProvider({"m": TURN}) as server,
            AsyncOpenAI(base_url=server.openai_url, api_key="k") as client,
        ):
            answer = await client.chat.completions.create(model="m", messages=MESSAGES)
            stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
            chunks = [chunk async for chunk in stream]
            models = [entry.id async for entry in client.models.list()]
        message = answer.choices[0].message
        assert (message.content, answer.choices[0].finish_reason) == ("Four.", "tool_calls")
        assert answer.usage is not None
        assert answer.usage.total_tokens == 10
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Four."
        assert models == ["m"]
        assert all(chunk.usage is None for chunk in chunks), "usage is only for those who ask for it"

    asyncio.run(run())


def test_openai_reads_responses() -> None:
    from openai import AsyncOpenAI

    async def run() -> None:
        async with ScriptedProvider({"m": TURN}) as server:
            async with AsyncOpenAI(base_url=server.openai_url, api_key="k") as client:
                answer = await client.responses.create(model="m", input="2+2?", instructions="Be brief.")
                async with client.responses.stream(model="m", input="2+2?") as stream:
                    kinds = [event.type async for event in stream]
                    final = await stream.get_final_response()
            assert [request.view.messages for request in server.requests] == [(("user", "2+2?"),)] * 2
        assert (answer.output_text, final.output_text) == ("Four.", "Four.")
        assert kinds[0] == "response.created"
        assert kinds[-1] == "response.completed"
        assert [item.type for item in final.output] == ["message", "function_call"]

    asyncio.run(run())


def test_anthropic_reads_messages() -> None:
    from anthropic import AsyncAnthropic

    async def run() -> None:
        async with ScriptedProvider({"m": TURN}) as server:
            async with AsyncAnthropic(base_url=server.base_url, api_key="k") as client:
                answer = await client.messages.create(model="m", max_tokens=9, messages=MESSAGES, system="Hm.")
                async with client.messages.stream(model="m", max_tokens=9, messages=MESSAGES) as stream:
                    final = await stream.get_final_message()
            assert server.requests[0].view.system == "Hm."
        assert [block.type for block in answer.content] == ["text", "tool_use"]
        assert [block.type for block in final.content] == ["text", "tool_use"]
        assert final.content[1].to_dict()["input"] == {"agent_id": "agent1"}
        assert (final.usage.input_tokens, final.usage.output_tokens) == (7, 3)
        assert final.stop_reason == "tool_use"

    asyncio.run(run())


def test_google_reads_generate_content() -> None:
    from google import genai

    async def run() -> None:
        async with ScriptedProvider({"m": TURN, "other": say("x")}) as server:
            client = genai.Client(api_key="k", http_options={"base_url": server.base_url})
            async with client.aio as aio:
                answer = await aio.models.generate_content(model="m", contents="2+2?")
                stream = await aio.models.generate_content_stream(model="m", contents="2+2?")
                chunks = [chunk async for chunk in stream]
            client.close()
        parts = [part for chunk in chunks for one in chunk.candidates or () for part in one.content.parts or ()]
        assert [(call.name, call.args) for call in answer.function_calls or ()] == [("vote", {"agent_id": "agent1"})]
        assert "".join(part.text or "" for part in parts) == "Four."
        assert answer.usage_metadata is not None
        assert answer.usage_metadata.total_token_count == 10

    asyncio.run(run())
