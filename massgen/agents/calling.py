"""One model call of a round: stream it to whoever watches, fold it into the conversation, record it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from massgen.agents.buffer import AgentConversationBuffer
from massgen.agents.compression import Compression
from massgen.agents.record import Entry
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
from massgen.errors import BackendError, BadResponse, ContextTooLong

ANSWER_TOOL = "new_answer"
SUMMARY_PHASE = "compression"


class CallRecord(Struct, frozen=True, kw_only=True):
    """One finished model call; `done` is None where it failed with `error`."""

    request: ModelRequest
    milliseconds: float
    done: ModelDone | None = None
    error: BackendError | None = None


class CallObserver(Protocol):
    """Watches the calls of one agent. `grew` is told what a request has behind the last response."""

    def grew(self, entries: tuple[Entry, ...]) -> None: ...

    def text(self, text: str) -> None: ...

    def reasoning(self, text: str) -> None: ...

    def retrying(self, event: Retrying) -> None: ...

    def warning(self, text: str) -> None: ...

    def finished(self, record: CallRecord) -> None: ...


class _Unheard(Struct, frozen=True):
    """Watches a call whose words are nobody's answer: its cost, its failures and its end still count."""

    observer: CallObserver

    def grew(self, entries: tuple[Entry, ...]) -> None:
        return None

    def text(self, text: str) -> None:
        return None

    def reasoning(self, text: str) -> None:
        return None

    def retrying(self, event: Retrying) -> None:
        self.observer.retrying(event)

    def warning(self, text: str) -> None:
        self.observer.warning(text)

    def finished(self, record: CallRecord) -> None:
        self.observer.finished(record)


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

    `before` is awaited before each call; what it raises ends the round without one. With `compression` a
    conversation that does not fit is shortened, and the call is made once more (MEM-074).
    """

    backend: ModelBackend
    observer: CallObserver
    agent_id: str
    round: int
    phase: str
    before: Callable[[], Awaitable[None]] | None = None
    compression: Compression | None = None
    _cut_off: AssistantMessage = field(default_factory=AssistantMessage)

    async def call(
        self, system: str, buffer: AgentConversationBuffer, tools: tuple[ToolSpec, ...]
    ) -> AssistantMessage:
        """One call; the response is in the buffer when this returns. Raises `BackendError`."""
        compression = self.compression
        if compression is None:
            return await self._once(system, buffer, tools, self.observer, self.phase)
        await compression.before(buffer, self._summarise)
        try:
            return await self._once(system, buffer, tools, self.observer, self.phase)
        except ContextTooLong:
            cut_off = self._cut_off
        await compression.recover(buffer, cut_off, self._summarise)
        return await self._once(system, buffer, tools, self.observer, self.phase)

    async def _summarise(self, system: str, text: str) -> str:
        buffer = AgentConversationBuffer()
        buffer.add_user(text)
        return (await self._once(system, buffer, (), _Unheard(self.observer), SUMMARY_PHASE)).text

    async def _once(
        self,
        system: str,
        buffer: AgentConversationBuffer,
        tools: tuple[ToolSpec, ...],
        observer: CallObserver,
        phase: str,
    ) -> AssistantMessage:
        if self.before is not None:
            await self.before()
        new = buffer.take_new()
        if new:
            observer.grew(new)
        messages: tuple[Message, ...] = buffer.to_messages()
        request = ModelRequest(
            system=system,
            messages=messages,
            tools=tools,
            agent_id=self.agent_id,
            round=self.round,
            phase=phase,
        )
        started = time.monotonic()
        try:
            done = await self._stream(request, buffer, observer)
        except BackendError as error:
            self._cut_off = buffer.discard_pending()
            observer.finished(CallRecord(request=request, milliseconds=_since(started), error=error))
            raise
        observer.finished(CallRecord(request=request, milliseconds=_since(started), done=done))
        if self.compression is not None and phase == self.phase:
            self.compression.after(done.usage)
        return buffer.flush_turn(done.message)

    async def _stream(
        self, request: ModelRequest, buffer: AgentConversationBuffer, observer: CallObserver
    ) -> ModelDone:
        answer = _AnswerText(observer)
        done: ModelDone | None = None
        async with aclosing(self.backend.stream(request)) as events:
            async for event in events:
                match event:
                    case TextDelta(text=text):
                        answer.said = True
                        buffer.add_content(text)
                        observer.text(text)
                    case ToolCallDelta():
                        piece = f"{event.name} {event.arguments}" if event.name else event.arguments
                        buffer.add_call_part(event.index, piece)
                        answer.feed(event)
                    case ReasoningDelta(text=text):
                        buffer.add_reasoning(text)
                        observer.reasoning(text)
                    case Retrying():
                        buffer.discard_pending()
                        answer = _AnswerText(observer)
                        observer.retrying(event)
                    case BackendWarning(text=text):
                        observer.warning(text)
                    case ModelDone():
                        done = event
        if done is None:
            raise BadResponse("The model's stream ended without an end.")
        return done


def _since(started: float) -> float:
    return (time.monotonic() - started) * 1000
