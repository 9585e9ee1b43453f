"""Turns what happens inside an agent's calls into events and records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from massgen.agents.calling import SUMMARY_PHASE, CallRecord
from massgen.agents.record import Entry, UnfinishedRound, response_record
from massgen.backends.protocol import Retrying
from massgen.events.continuing import ConversationGrew
from massgen.events.stream import EventStream
from massgen.events.types import Injection, ModelCall, Retry, ToolEnd, ToolStart, Warned
from massgen.tools.protocol import ToolOutcome


class CallArchive(Protocol):
    """Keeps whole model calls for people (`llm_calls/`)."""

    def keep(self, number: int, record: CallRecord) -> None: ...


@dataclass(slots=True)
class CallCounter:
    """Numbers the model calls of a run."""

    count: int = 0

    def next(self) -> int:
        self.count += 1
        return self.count


@dataclass(slots=True)
class RoundWatcher:
    """Implements `CallObserver` for one round of one agent.

    `channel` is where the agent's text goes: its own content, the final answer, or nowhere ("silent").
    """

    stream: EventStream
    agent_id: str
    round: int
    round_kind: str
    model: str
    provider: str
    counter: CallCounter
    archive: CallArchive | None = None
    channel: str = "text"
    final_parts: list[str] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _reasoning: list[str] = field(default_factory=list)

    def take_up(self, unfinished: UnfinishedRound) -> UnfinishedRound:
        """The round goes on in this process: calls that were interrupted have their end in the log."""
        tools = ToolWatcher(stream=self.stream, agent_id=self.agent_id, round=self.round)
        for call_id, name in unfinished.interrupted:
            tools.finished(call_id, name, unfinished.outcomes[call_id], 0.0)
        return unfinished

    def grew(self, entries: tuple[Entry, ...]) -> None:
        if self.channel != "silent":
            self.stream.emit(ConversationGrew(entries=entries), agent_id=self.agent_id, round=self.round)

    def text(self, text: str) -> None:
        if self.channel == "silent":
            return
        if self.channel == "final":
            self.final_parts.append(text)
        self._text.append(text)
        self.stream.text(self.agent_id, self.round, self.channel, text)

    def reasoning(self, text: str) -> None:
        if self.channel == "silent":
            return
        self._reasoning.append(text)
        self.stream.text(self.agent_id, self.round, "reasoning", text)

    def retrying(self, event: Retrying) -> None:
        self._text.clear()
        self._reasoning.clear()
        body = Retry(
            try_number=event.attempt,
            delay_seconds=event.delay_seconds,
            error_type=event.kind,
            reason=event.reason,
        )
        self.stream.emit(body, agent_id=self.agent_id, round=self.round)

    def warning(self, text: str) -> None:
        self.stream.emit(Warned(text=text), agent_id=self.agent_id, round=self.round)

    def finished(self, record: CallRecord) -> None:
        number = self.counter.next()
        usage = record.done.usage if record.done is not None else None
        body = ModelCall(
            call=number,
            round_kind=self.round_kind,
            model=(record.done.model if record.done else "") or self.model,
            provider=self.provider,
            milliseconds=round(record.milliseconds, 3),
            input_tokens=usage.input_tokens if usage else None,
            output_tokens=usage.output_tokens if usage else None,
            reasoning_tokens=usage.reasoning_tokens if usage else None,
            cached_input_tokens=usage.cached_input_tokens if usage else None,
            cost=float(usage.cost) if usage and usage.cost is not None else None,
            finish=record.done.finish_reason if record.done else "other",
            error_type=record.error.kind if record.error else None,
            response=self._response(record),
        )
        self.stream.emit(body, agent_id=self.agent_id, round=self.round)
        if self.archive is not None:
            self.archive.keep(number, record)

    def _response(self, record: CallRecord) -> dict[str, Any] | None:
        """What was said, for a process that goes on with the round; calls beside the round are no part of it."""
        text, reasoning = "".join(self._text), "".join(self._reasoning)
        self._text.clear()
        self._reasoning.clear()
        if record.done is None or self.channel == "silent" or record.request.phase == SUMMARY_PHASE:
            return None
        return response_record(record.done.message, text, reasoning)


@dataclass(slots=True)
class ToolWatcher:
    """Implements the runner's `ToolObserver` for one round of one agent."""

    stream: EventStream
    agent_id: str
    round: int = 0

    def started(self, call_id: str, name: str, arguments: Mapping[str, Any]) -> None:
        text = json.dumps(arguments, ensure_ascii=False, default=str)
        body = ToolStart(call_id=call_id, name=name, arguments=text)
        self.stream.emit(body, agent_id=self.agent_id, round=self.round)

    def finished(self, call_id: str, name: str, outcome: ToolOutcome, milliseconds: float) -> None:
        body = ToolEnd(
            call_id=call_id,
            name=name,
            result=outcome.text,
            is_error=outcome.is_error,
            milliseconds=round(milliseconds, 3),
            media=tuple(
                {"file": self.stream.keep(item.data), "type": item.media_type, "name": item.name}
                for item in outcome.media
            ),
            whole=outcome.whole,
        )
        self.stream.emit(body, agent_id=self.agent_id, round=self.round)
        for injection in outcome.injections:
            body = Injection(source="hook", text=injection.content, strategy=injection.strategy)
            self.stream.emit(body, agent_id=self.agent_id, round=self.round)

    def told(self, text: str) -> None:
        """Results of background jobs were put behind a tool's result (BG-014)."""
        self.stream.emit(Injection(source="background", text=text), agent_id=self.agent_id, round=self.round)
