"""OpenAI chat completions, as OpenAI and most compatible servers speak it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from massgen.testing.replies import HttpError, Tokens, Turn
from massgen.testing.requests import GivenResult, MadeCall, OfferedTool, View
from massgen.testing.wires.wire import (
    CREATED,
    Events,
    Exchange,
    JsonObject,
    Wire,
    call_id,
    data,
    finish_of,
    split,
    template,
    text_of,
)

DONE = b"data: [DONE]\n\n"
ERROR_KINDS = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("insufficient_permissions", None),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


def view(body: Mapping[str, Any]) -> View:
    """The common form of a request body."""
    system: list[str] = []
    messages: list[tuple[str, str]] = []
    calls: list[MadeCall] = []
    results: list[GivenResult] = []
    names: dict[str, str] = {}
    for message in body.get("messages", []):
        role, text = message.get("role", ""), text_of(message.get("content"))
        for made in message.get("tool_calls") or ():
            function = made["function"]
            names[made["id"]] = function["name"]
            calls.append(MadeCall(name=function["name"], arguments=function["arguments"], call_id=made["id"]))
        if role in ("system", "developer"):
            system.append(text)
        elif role == "tool":
            key = message.get("tool_call_id", "")
            results.append(GivenResult(call_id=key, name=names.get(key, ""), text=text))
            messages.append(("tool", text))
        elif text:
            messages.append((role, text))
    offered = [tool for tool in body.get("tools") or () if tool.get("type") == "function"]
    return View(
        system="\n".join(system),
        messages=tuple(messages),
        tools=tuple(offered_tool(tool["function"]) for tool in offered),
        native_tools=tuple(tool["type"] for tool in body.get("tools") or () if tool not in offered),
        calls=tuple(calls),
        results=tuple(results),
    )


def offered_tool(function: Mapping[str, Any]) -> OfferedTool:
    """A tool as both of OpenAI's formats describe it."""
    return OfferedTool(
        name=function["name"],
        description=function.get("description") or "",
        schema=function.get("parameters") or {},
    )


def usage_of(tokens: Tokens) -> JsonObject:
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }


def stream(turn: Turn, exchange: Exchange) -> Events:
    """The turn as chunks; usage comes last, and only where the request asked for it."""

    def chunk(delta: JsonObject, finish: str | None = None) -> JsonObject:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return head(exchange, "chat.completion.chunk") | {"choices": [choice]}

    pieces: list[bytes] = []
    reasoning = template(data(chunk({"reasoning_content": "@@"})))
    pieces += map(reasoning, split(turn.reasoning, turn.chunks))
    pieces += map(template(data(chunk({"content": "@@"}))), split(turn.text, turn.chunks))
    for position, made in enumerate(turn.calls):
        first = {"name": made.name, "arguments": ""}
        key = call_id(made, exchange, position, "call")
        start = {"index": position, "id": key, "type": "function", "function": first}
        pieces.append(data(chunk({"tool_calls": [start]})))
        more = {"index": position, "function": {"arguments": "@@"}}
        pieces += map(template(data(chunk({"tool_calls": [more]}))), split(made.arguments, turn.chunks))
    closing = data(chunk({}, finish_of(turn)))
    asked = (exchange.body.get("stream_options") or {}).get("include_usage")
    if exchange.usage and asked:
        last = head(exchange, "chat.completion.chunk") | {"choices": [], "usage": usage_of(exchange.usage)}
        closing += data(last)
    opening = data(chunk({"role": "assistant", "content": ""}))
    return Events(opening=opening, pieces=pieces, closing=closing + DONE)


def head(exchange: Exchange, kind: str) -> JsonObject:
    key = f"chatcmpl-{exchange.serial}"
    return {"id": key, "object": kind, "created": CREATED, "model": exchange.model}


def whole(turn: Turn, exchange: Exchange) -> JsonObject:
    """The turn as one completion."""
    message: JsonObject = {"role": "assistant", "content": turn.text or None}
    if turn.reasoning:
        message["reasoning_content"] = turn.reasoning
    if turn.calls:
        message["tool_calls"] = [
            {
                "id": call_id(made, exchange, position, "call"),
                "type": "function",
                "function": {"name": made.name, "arguments": made.arguments},
            }
            for position, made in enumerate(turn.calls)
        ]
    choice = {"index": 0, "message": message, "finish_reason": finish_of(turn)}
    body = head(exchange, "chat.completion") | {"choices": [choice]}
    return body | {"usage": usage_of(exchange.usage)} if exchange.usage else body


def error(fault: HttpError, message: str) -> JsonObject:
    """An error's body, the same for chat completions and responses."""
    kind, code = ERROR_KINDS.get(fault.status, ("server_error", None))
    if fault.context:
        message = fault.message or (
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 "
            "tokens. Please reduce the length of the messages."
        )
        code = "context_length_exceeded"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def stream_error(message: str) -> bytes:
    return data({"error": {"message": message, "type": "server_error", "param": None, "code": None}})


WIRE = Wire(view=view, stream=stream, whole=whole, error=error, stream_error=stream_error)
