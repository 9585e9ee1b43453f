"""Backends that need no network: a policy function decides each turn, and its words are streamed.

`PolicyBackend` is the engine's partner in tests; the rehearsed team (`massgen.backends.rehearsal`) is a
policy read from a script file. Neither imports a provider's library.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import count
from typing import Any

from msgspec import Struct, field

from massgen.backends.protocol import (
    AssistantMessage,
    BackendWarning,
    FinishReason,
    ModelDone,
    ModelEvent,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from massgen.errors import BackendError

CHUNK = 12
"""Characters of a streamed piece, about three tokens."""


class Turn(Struct, frozen=True, kw_only=True):
    """What a simulated model says in one call.

    `calls` are (tool name, arguments) pairs; arguments given as a string are sent as they are, valid or not.
    `chunks` fixes the pieces in which the text is streamed (and the text, where `text` is empty). `delay` is
    the time in seconds before the first word, `pause` that between two pieces. `error` is raised after
    the text and before any call; give no text for a call that fails outright.
    """

    text: str = ""
    reasoning: str = ""
    calls: Sequence[tuple[str, Mapping[str, Any] | str]] = ()
    chunks: Sequence[str] = ()
    delay: float = 0.0
    pause: float = 0.0
    error: BackendError | None = None
    warning: str = ""
    usage: Usage = field(default_factory=lambda: Usage(cost=Decimal(0)))
    finish_reason: FinishReason | None = None


Policy = Callable[[ModelRequest], Turn | Awaitable[Turn]]


class PolicyBackend:
    """A `ModelBackend` whose turns come from `policy`, which may be async and may raise `BackendError`."""

    def __init__(self, policy: Policy, *, model: str = "policy", provider: str = "simulated") -> None:
        self._policy = policy
        self._model = model
        self._provider = provider
        self._call_numbers = count(1)

    @property
    def model(self) -> str:
        return self._model

    @property
    def provider(self) -> str:
        return self._provider

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Play one turn as deltas and one `ModelDone`; pieces of the same turn are paced by `Turn.pause`."""
        turn = self._policy(request)
        if inspect.isawaitable(turn):
            turn = await turn
        calls = tuple(
            ToolCall(call_id=f"call_{next(self._call_numbers)}", name=name, arguments=_as_json(arguments))
            for name, arguments in turn.calls
        )
        if turn.delay:
            await asyncio.sleep(turn.delay)
        for event in _deltas(turn, calls):
            yield event
            await asyncio.sleep(turn.pause)
        if turn.error is not None:
            raise turn.error
        text = turn.text or "".join(turn.chunks)
        yield ModelDone(
            message=AssistantMessage(text=text, reasoning=turn.reasoning, tool_calls=calls),
            usage=turn.usage,
            finish_reason=turn.finish_reason or ("tool_calls" if calls else "stop"),
            model=self._model,
        )

    async def close(self) -> None:
        """Nothing is held open."""


def _deltas(turn: Turn, calls: Sequence[ToolCall]) -> Iterator[ModelEvent]:
    if turn.warning:
        yield BackendWarning(text=turn.warning)
    for piece in _pieces(turn.reasoning):
        yield ReasoningDelta(text=piece)
    for piece in turn.chunks or _pieces(turn.text):
        yield TextDelta(text=piece)
    if turn.error is not None:
        return
    for index, call in enumerate(calls):
        yield ToolCallDelta(index=index, name=call.name, arguments="")
        for piece in _pieces(call.arguments):
            yield ToolCallDelta(index=index, name="", arguments=piece)


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), CHUNK):
        yield text[start : start + CHUNK]


def _as_json(arguments: Mapping[str, Any] | str) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
