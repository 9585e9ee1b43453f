"""OpenTelemetry spans of a run: one more fold over its events (LOG-114 to LOG-116).

Only the API is used; without an SDK every span is a no-op. `attach_tracing(run.stream)` before the run starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from massgen.events.stream import EventStream
from massgen.events.types import (
    AttemptStart,
    Event,
    FinalAnswer,
    ModelCall,
    NewAnswer,
    SessionEnd,
    SessionStart,
    StartedStreaming,
    ToolEnd,
    ToolStart,
    Vote,
    WinnerSelected,
)

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

PREVIEW = 200
ROUND_TYPES = {"presentation": "presentation", "vote_only": "voting", "refine": "voting", "initial": "initial_answer"}


def attach_tracing(stream: EventStream, tracer: Tracer | None = None) -> Callable[[], None]:
    """Make spans of everything the stream will say; returns the way to stop. `tracer` is that of the SDK by default."""
    if tracer is None:
        from opentelemetry import trace

        from massgen import __version__

        tracer = trace.get_tracer("massgen", __version__)
    return stream.subscribe(RunSpans(tracer))


@dataclass(slots=True)
class RunSpans:
    """Subscriber. A tracer that fails ends the tracing, never the run."""

    tracer: Tracer
    _root: Span | None = None
    _context: Context | None = None
    _arguments: dict[tuple[str, str], str] = field(default_factory=dict)
    _kinds: dict[str, str] = field(default_factory=dict)
    _broken: bool = False

    def __call__(self, event: Event) -> None:
        if self._broken:
            return
        try:
            self._apply(event)
        except Exception as error:  # noqa: BLE001 - exporters are foreign code (LOG-111)
            import logging

            self._broken = True
            logging.getLogger("massgen.tracing").warning("traces are no longer written: %s", error)

    def _apply(self, event: Event) -> None:
        match event.body:
            case SessionStart() as body:
                self._begin(event, body)
            case AttemptStart() if self._root is not None:
                self._root.add_event("coordination_started", {"attempt": event.attempt}, _ns(event.timestamp))
            case StartedStreaming(round_kind=kind):
                self._kinds[event.agent_id or ""] = kind
            case ModelCall() as body:
                self._model_call(event, body)
            case ToolStart(call_id=call, arguments=arguments):
                self._arguments[event.agent_id or "", call] = arguments
            case ToolEnd() as body:
                self._tool(event, body)
            case SessionEnd() as body:
                self._end(event, body)
            case _:
                self._decision(event)

    def _decision(self, event: Event) -> None:
        own: dict[str, Any] = {"agent_id": event.agent_id or "", "massgen.agent_id": event.agent_id or ""}
        match event.body:
            case NewAnswer(label=label, preview=preview):
                number = label.rpartition(".")[2]
                own |= {"iteration": int(number) if number.isdecimal() else 0, "round": event.round, "preview": preview}
                self._moment(f"Agent answer: {label}", event, own)
            case Vote(label=label, reason=reason):
                self._moment(f"Agent vote: {event.agent_id} -> {label}", event, own | {"reason": reason})
            case WinnerSelected(label=label, votes=votes, how=how) if self._root is not None:
                counts = {f"vote_counts.{name}": count for name, count in votes.items()}
                values = own | {"vote_counts": str(dict(votes)), "how": how} | counts
                self._moment(f"Winner selected: {label}", event, values)
                self._root.add_event("winner_selected", values, _ns(event.timestamp))
            case FinalAnswer(label=label, preview=preview):
                self._moment(f"Final answer: {label}", event, own | {"preview": preview})
            case _:
                return

    def _begin(self, event: Event, body: SessionStart) -> None:
        from opentelemetry import trace

        attributes: dict[str, Any] = {
            "task": body.question,
            "num_agents": len(body.agents),
            "agent_ids": list(body.agents),
            "massgen.session_id": body.session_id,
            "massgen.turn": event.turn,
        }
        self._root = self.tracer.start_span(
            "coordination.session", attributes=attributes, start_time=_ns(event.timestamp)
        )
        self._context = trace.set_span_in_context(self._root)

    def _end(self, event: Event, body: SessionEnd) -> None:
        if self._root is None:
            return
        self._root.set_attribute("massgen.exit_code", body.exit_code)
        self._root.set_attribute("massgen.end_reason", body.reason)
        if body.exit_code != 0:
            _fail(self._root, body.message or body.reason)
        self._root.end(_ns(event.timestamp))
        self._root, self._context = None, None

    def _model_call(self, event: Event, body: ModelCall) -> None:
        attributes: dict[str, Any] = {
            "massgen.agent_id": event.agent_id or "",
            "massgen.round": event.round,
            "massgen.round_type": body.round_kind,
            "llm.provider": body.provider,
            "llm.model": body.model,
            "llm.operation": "stream",
            "gen_ai.system": body.provider,
            "gen_ai.provider.name": body.provider,
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": body.model,
            "gen_ai.response.finish_reasons": [body.finish],
            "gen_ai.usage.input_tokens": body.input_tokens,
            "gen_ai.usage.output_tokens": body.output_tokens,
            "llm.token_count.reasoning": body.reasoning_tokens,
            "llm.token_count.cached": body.cached_input_tokens,
            "llm.cost": body.cost,
            "error.type": body.error_type,
        }
        span = self._span(f"llm.call [{body.model}]", event, body.milliseconds, attributes)
        if body.error_type is not None:
            _fail(span, body.error_type)
        span.end(_ns(event.timestamp))

    def _tool(self, event: Event, body: ToolEnd) -> None:
        arguments = self._arguments.pop((event.agent_id or "", body.call_id), "")
        server, short = mcp_name(body.name)
        values: dict[str, Any] = {
            "agent_id": event.agent_id or "",
            "tool_name": body.name,
            "tool_type": "mcp" if server else "custom",
            "success": not body.is_error,
            "execution_time_ms": body.milliseconds,
            "input_chars": len(arguments),
            "output_chars": len(body.result),
            "error_message": body.result[:PREVIEW] if body.is_error else None,
            "server_name": server,
            "arguments_preview": arguments[:PREVIEW],
            "output_preview": body.result[:PREVIEW],
            "round_number": event.round,
            "round_type": ROUND_TYPES.get(self._kinds.get(event.agent_id or "", ""), "initial_answer"),
        }
        attributes = values | {name: values[source] for name, source in _QUERY_NAMES.items()}
        name = f"mcp.{server}.{short}" if server else f"tool.{body.name}"
        span = self._span(name, event, body.milliseconds, attributes)
        if body.is_error:
            _fail(span, body.result[:PREVIEW])
        span.end(_ns(event.timestamp))

    def _moment(self, name: str, event: Event, attributes: dict[str, Any]) -> None:
        self._span(name, event, 0.0, attributes).end(_ns(event.timestamp))

    def _span(self, name: str, event: Event, milliseconds: float, attributes: dict[str, Any]) -> Span:
        known = {key: value for key, value in attributes.items() if value is not None}
        start = _ns(event.timestamp - milliseconds / 1000)
        return self.tracer.start_span(name, context=self._context, attributes=known, start_time=start)


_QUERY_NAMES = {
    "massgen.agent_id": "agent_id",
    "tool.name": "tool_name",
    "tool.type": "tool_type",
    "tool.success": "success",
    "tool.execution_time_ms": "execution_time_ms",
    "tool.output_chars": "output_chars",
    "tool.arguments_preview": "arguments_preview",
    "tool.error_message": "error_message",
    "mcp.server": "server_name",
}


def mcp_name(name: str) -> tuple[str | None, str]:
    """(server, tool) of `mcp__server__tool`; (None, name) of any other tool."""
    prefix, _, rest = name.partition("__")
    server, _, short = rest.partition("__")
    return (server, short) if prefix == "mcp" and server and short else (None, name)


def _fail(span: Span, message: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_status(Status(StatusCode.ERROR, message))


def _ns(timestamp: float) -> int:
    return int((timestamp or time.time()) * 1_000_000_000)
