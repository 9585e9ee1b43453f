"""A run as server-sent events: reasoning as it happens, the answer as it streams, then `[DONE]` (SRV-010)."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping

from massgen.errors import MassGenError
from massgen.events.types import Event, FinalChunk
from massgen.runs.request import RunResult
from massgen.server.functions import tool_calls
from massgen.server.replies import Narrator, chunk, finish_reason, metadata, usage
from massgen.server.serving import NO_ANSWER, Ticket


async def stream(ticket: Ticket, request_id: str, *, include_usage: bool) -> AsyncIterator[bytes]:
    """The frames of a streamed chat completion; ends the run where the reader stops early."""
    created = int(time.time())
    sent: list[str] = []
    narrator: Narrator | None = None

    def piece(delta: Mapping[str, object], **more: object) -> bytes:
        return frame(chunk(request_id, ticket.model, created, delta, **more))

    try:
        yield piece({"role": "assistant", "content": ""})
        while True:
            told = await ticket.watch.get()
            if not isinstance(told, Event):
                break
            narrator = narrator or Narrator(ticket.run.agents)
            delta = _delta(narrator, told, sent)
            if delta:
                yield piece(delta)
        for last, more in _ending(told, "".join(sent), ticket):
            yield piece(last, **more)
        if include_usage and isinstance(told, RunResult):
            last = chunk(request_id, ticket.model, created, {}, usage=usage(told))
            yield frame({**last, "choices": []})
        yield b"data: [DONE]\n\n"
    finally:
        ticket.leave()


def _delta(narrator: Narrator, event: Event, sent: list[str]) -> dict[str, str]:
    if isinstance(event.body, FinalChunk):
        sent.append(event.body.text)
        return {"content": event.body.text}
    line = narrator.line(event)
    return {"reasoning_content": f"{line}\n"} if line is not None else {}


def _ending(
    told: RunResult | MassGenError, sent: str, ticket: Ticket
) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """What is left of the answer, or the calls for the caller, then how it ended."""
    if isinstance(told, RunResult) and ticket.calls:
        yield {"tool_calls": tool_calls(ticket.calls, streamed=True)}, {}
        ending = finish_reason(told, calls=True)
        yield {}, {"finish_reason": ending, "massgen_metadata": metadata(told, ticket.used)}
        return
    if isinstance(told, MassGenError) or not told.answer:
        message = (told.message or NO_ANSWER) if told else NO_ANSWER
        yield {}, {"finish_reason": "stop", "error": {"message": message, "type": "server_error"}}
        return
    if told.answer != sent:
        rest = told.answer.removeprefix(sent) if told.answer.startswith(sent) else f"\n\n{told.answer}"
        yield {"content": rest}, {}
    yield {}, {"finish_reason": finish_reason(told), "massgen_metadata": metadata(told, ticket.used)}


def frame(value: dict[str, object]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n\n"
