"""What the tests of this room share: the four wire formats, a tool, and calls made over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings

from massgen.backends import CallLimits, RetryPolicy, SharedResources, create_backend
from massgen.backends.protocol import (
    ModelBackend,
    ModelDone,
    ModelEvent,
    ModelRequest,
    ToolSpec,
    UserMessage,
)
from massgen.testing import ScriptedProvider

FORMATS = {
    "chatcompletion": "gpt-4o",
    "openai": "gpt-5-mini",
    "claude": "claude-sonnet-4-20250514",
    "gemini": "gemini-2.5-flash",
}
"""Backend type to model, one for each wire format."""

KEY = "sk-a-key-that-nobody-may-see"
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For properties: a busy machine is no failure."""

ONCE = RetryPolicy(attempts=1)
AT_ONCE = RetryPolicy(base=0.0)
ANSWER = ToolSpec(
    name="new_answer",
    description="Give your answer.",
    parameters={"type": "object", "properties": {"content": {"type": "string"}}, "required": ["content"]},
)
Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(work)


def ask(text: str = "What is 2+2?", *, tools: tuple[ToolSpec, ...] = (ANSWER,)) -> ModelRequest:
    return ModelRequest(system="Be brief.", messages=(UserMessage(text=text),), tools=tools)


def address(server: ScriptedProvider, type_name: str) -> str:
    return server.base_url if type_name in ("claude", "gemini", "azure_openai") else server.openai_url


class Bench:
    """A running provider and the resources of one run."""

    def __init__(self, server: ScriptedProvider, resources: SharedResources) -> None:
        self.server = server
        self.resources = resources

    def backend(self, type_name: str, *, limits: CallLimits | None = None, **config: Any) -> ModelBackend:
        """A backend of a type at the provider; `config` adds to its section or replaces parts of it."""
        section = {
            "type": type_name,
            "model": FORMATS.get(type_name, "some-model"),
            "base_url": address(self.server, type_name),
            "api_key": KEY,
        }
        section |= config
        return create_backend(section, agent_id="agent_a", resources=self.resources, limits=limits)


@asynccontextmanager
async def bench(scripts: Any = None, *, retries: RetryPolicy = ONCE, **more: Any) -> AsyncIterator[Bench]:
    """`scripts` is one for every model, or a mapping by model."""
    given = {"scripts": scripts} if isinstance(scripts, dict) else {"default": scripts}
    async with (
        ScriptedProvider(**given) as server,
        SharedResources(seed=1, retries=retries, **more) as resources,
    ):
        yield Bench(server, resources)


async def events_of(backend: ModelBackend, request: ModelRequest | None = None) -> list[ModelEvent]:
    return [event async for event in backend.stream(request or ask())]


async def done_of(backend: ModelBackend, request: ModelRequest | None = None) -> ModelDone:
    last = (await events_of(backend, request))[-1]
    assert isinstance(last, ModelDone)
    return last


def sent(scripts: Any, use: Callable[[Bench], Coroutine[Any, Any, Any]], **more: Any) -> Any:
    """Run `use` at a provider; returns the JSON body of the last request it received."""

    async def work() -> Any:
        async with bench(scripts, **more) as place:
            await use(place)
            return place.server.requests[-1].json

    return run(work())
