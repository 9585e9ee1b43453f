"""The real clients of the four formats, pointed at the scripted provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from massgen.testing import ScriptedProvider

FORMATS = ("chat", "responses", "anthropic", "gemini")
each_format = pytest.mark.parametrize("kind", FORMATS)


@dataclass(slots=True, kw_only=True)
class Heard:
    """What a client understood: text, reasoning, (tool, arguments) and how many events came."""

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    usage: Any = None
    finish: str | None = None
    events: int = 0


@asynccontextmanager
async def model(kind: str, server: ScriptedProvider, name: str = "m") -> AsyncIterator[Any]:
    """A pydantic-ai model for `kind` without retries; its connections are closed at the end."""
    import httpx2

    async with httpx2.AsyncClient(timeout=250) as http:
        yield build(kind, server, name, http)


def build(kind: str, server: ScriptedProvider, name: str, http: Any) -> Any:
    match kind:
        case "anthropic":
            from anthropic import AsyncAnthropic
            from pydantic_ai.models.anthropic import AnthropicModel
            from pydantic_ai.providers.anthropic import AnthropicProvider

            client = AsyncAnthropic(base_url=server.base_url, api_key="k", http_client=http, max_retries=0)
            return AnthropicModel(name, provider=AnthropicProvider(anthropic_client=client))
        case "gemini":
            from pydantic_ai.models.google import GoogleModel
            from pydantic_ai.providers.google import GoogleProvider

            provider = GoogleProvider(base_url=server.base_url, api_key="k", http_client=http)
            return GoogleModel(name, provider=provider)
        case _:
            from openai import AsyncOpenAI
            from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
            from pydantic_ai.providers.openai import OpenAIProvider

            client = AsyncOpenAI(base_url=server.openai_url, api_key="k", http_client=http, max_retries=0)
            chosen = OpenAIChatModel if kind == "chat" else OpenAIResponsesModel
            return chosen(name, provider=OpenAIProvider(openai_client=client))


def parameters() -> Any:
    """The request parameters with one tool, `new_answer`."""
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.tools import ToolDefinition

    schema = {"type": "object", "properties": {"content": {"type": "string"}}, "required": ["content"]}
    tool = ToolDefinition(name="new_answer", description="Hand in.", parameters_json_schema=schema)
    return ModelRequestParameters(function_tools=[tool])


def prompt(text: str = "What is 2+2?") -> list[Any]:
    from pydantic_ai.messages import ModelRequest, UserPromptPart

    return [ModelRequest(parts=[UserPromptPart(text)], instructions="Be brief.")]


async def listen(client: Any, messages: list[Any] | None = None, *, stream: bool = True) -> Heard:
    """One call by pydantic-ai's request layer."""
    from pydantic_ai.direct import model_request, model_request_stream

    events = 0
    if not stream:
        response = await model_request(client, messages or prompt(), model_request_parameters=parameters())
        return heard(response, events)
    opened = model_request_stream(client, messages or prompt(), model_request_parameters=parameters())
    async with opened as events_of:
        async for _ in events_of:
            events += 1
    return heard(events_of.get(), events)


def heard(response: Any, events: int) -> Heard:
    from pydantic_ai.messages import TextPart, ThinkingPart, ToolCallPart

    result = Heard(usage=response.usage, finish=response.finish_reason, events=events)
    for part in response.parts:
        match part:
            case TextPart():
                result.text += part.content
            case ThinkingPart():
                result.reasoning += part.content
            case ToolCallPart():
                result.calls.append((part.tool_name, part.args))
    return result
