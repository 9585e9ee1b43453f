"""One model call of a round: stream it to whoever watches, fold it into the conversation, record it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from massgen.agents.buffer import AgentConversationBuffer
from massgen.backends.partial_json import FieldReader
from massgen.backends.protocol import (
    AssistantMessage,
    BackendWarning,
    Message,
    ModelBackend,
    ModelDone,
    ModelRequest,
    ReasoningDelta,
    Retrying,
    TextDelta,
    ToolCallDelta,
    ToolSpec,
)
from massgen.errors import BackendError, BadResponse

ANSWER_TOOL = "new_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One finished model call; `done` is None where it failed with `error`."""

    request: ModelRequest
    milliseconds: float
    done: ModelDone | None = None
    error: BackendError | None = None


class CallObserver(Protocol):
    """Watches the calls of one agent."""

    def text(self, text: str) -> None: ...

    def reasoning(self, text: str) -> None: ...

    def retrying(self, event: Retrying) -> None: ...

    def warning(self, text: str) -> None: ...

    def finished(self, record: CallRecord) -> None: ...


@dataclass(slots=True)
class _AnswerText:
    """The text of a streaming `new_answer`, shown as the agent's own while its JSON is still partial."""

    observer: CallObserver
    said: bool = False
    readers: dict[int, FieldReader | None] = field(default_factory=dict)

    def feed(self, delta: ToolCallDelta) -> None:
        if delta.name:
            self.readers[delta.index] = FieldReader("content") if delta.name == ANSWER_TOOL else None
        reader = self.readers.get(delta.index)
        if reader is not None and delta.arguments:
            text = reader.feed(delta.arguments)
            if text:
                self.observer.text(f"\n\n{text}" if self.said else text)
                self.said = False


@dataclass(slots=True)
class ModelCaller:
    """Calls one agent's model. `agent_id`, `round` and `phase` label the request for logs.

    `before` is awaited before each call; what it raises ends the round without one.
    """

    backend: ModelBackend
    observer: CallObserver
    agent_id: str
    round: int
    phase: str
    before: Callable[[], Awaitable[None]] | None = None

    async def call(
        self, system: str, buffer: AgentConversationBuffer, tools: tuple[ToolSpec, ...]
    ) -> AssistantMessage:
        """One call; the response is in the buffer when this returns. Raises `BackendError`."""
        if self.before is not None:
            await self.before()
        messages: tuple[Message, ...] = buffer.to_messages()
        request = ModelRequest(
            system=system,
            messages=messages,
            tools=tools,
            agent_id=self.agent_id,
            round=self.round,
            phase=self.phase,
        )
        started = time.monotonic()
        try:
            done = await self._stream(request, buffer)
        except BackendError as error:
            buffer.discard_pending()
            self.observer.finished(CallRecord(request=request, milliseconds=_since(started), error=error))
            raise
        self.observer.finished(CallRecord(request=request, milliseconds=_since(started), done=done))
        return buffer.flush_turn(done.message)

    async def _stream(self, request: ModelRequest, buffer: AgentConversationBuffer) -> ModelDone:
        answer = _AnswerText(self.observer)
        done: ModelDone | None = None
        async with aclosing(self.backend.stream(request)) as events:
            async for event in events:
                match event:
                    case TextDelta(text=text):
                        answer.said = True
                        buffer.add_content(text)
                        self.observer.text(text)
                    case ToolCallDelta():
                        answer.feed(event)
                    case ReasoningDelta(text=text):
                        buffer.add_reasoning(text)
                        self.observer.reasoning(text)
                    case Retrying():
                        buffer.discard_pending()
                        answer = _AnswerText(self.observer)
                        self.observer.retrying(event)
                    case BackendWarning(text=text):
                        self.observer.warning(text)
                    case ModelDone():
                        done = event
        if done is None:
            raise BadResponse("The model's stream ended without an end.")
        return done


def _since(started: float) -> float:
    return (time.monotonic() - started) * 1000
