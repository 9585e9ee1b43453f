"""Anthropic messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from massgen.testing.replies import HttpError, Tokens, Turn
from massgen.testing.requests import GivenResult, MadeCall, OfferedTool, View
from massgen.testing.wires.wire import (
    Events,
    Exchange,
    JsonObject,
    Wire,
    call_id,
    event,
    finish_of,
    split,
    template,
    text_of,
)

STOP = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "content_filter": "refusal"}
ERROR_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
SIGNATURE = "c2NyaXB0ZWQ="


def view(body: Mapping[str, Any]) -> View:
    """The common form of a request body. A message with tool results gives a `tool` message for each."""
    messages: list[tuple[str, str]] = []
    calls: list[MadeCall] = []
    results: list[GivenResult] = []
    names: dict[str, str] = {}
    for message in body.get("messages", []):
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            match block["type"]:
                case "text":
                    messages.append((message["role"], block["text"]))
                case "tool_use":
                    names[block["id"]] = block["name"]
                    arguments = json.dumps(block["input"], ensure_ascii=False)
                    calls.append(MadeCall(name=block["name"], arguments=arguments, call_id=block["id"]))
                case "tool_result":
                    key, text = block["tool_use_id"], text_of(block.get("content"))
                    results.append(GivenResult(call_id=key, name=names.get(key, ""), text=text))
                    messages.append(("tool", text))
    tools = body.get("tools") or []
    return View(
        system=text_of(body.get("system")),
        messages=tuple(messages),
        tools=tuple(
            OfferedTool(name=tool["name"], description=tool.get("description") or "", schema=tool["input_schema"])
            for tool in tools
            if "input_schema" in tool
        ),
        native_tools=tuple(tool["type"] for tool in tools if "input_schema" not in tool),
        calls=tuple(calls),
        results=tuple(results),
    )


def usage_of(tokens: Tokens | None) -> JsonObject:
    """Usage as Anthropic counts it: cached input stands beside the rest, not within."""
    tokens = tokens or Tokens()
    return {
        "input_tokens": tokens.input - tokens.cached,
        "cache_read_input_tokens": tokens.cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": tokens.output,
    }


def arguments_of(raw: str) -> object:
    """The arguments as a whole body carries them: an object, or the raw text where it is not JSON."""
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def whole(turn: Turn, exchange: Exchange) -> JsonObject:
    """The turn as one message."""
    blocks: list[JsonObject] = []
    if turn.reasoning:
        blocks.append({"type": "thinking", "thinking": turn.reasoning, "signature": SIGNATURE})
    if turn.text:
        blocks.append({"type": "text", "text": turn.text})
    for position, made in enumerate(turn.calls):
        key = call_id(made, exchange, position, "toolu")
        block = {"type": "tool_use", "id": key, "name": made.name}
        blocks.append(block | {"input": arguments_of(made.arguments)})
    return {
        "id": f"msg_{exchange.serial}",
        "type": "message",
        "role": "assistant",
        "model": exchange.model,
        "content": blocks,
        "stop_reason": STOP[finish_of(turn)],
        "stop_sequence": None,
        "usage": usage_of(exchange.usage),
    }


def stream(turn: Turn, exchange: Exchange) -> Events:
    """The turn as events: one block for reasoning, text and each call."""
    final = whole(turn, exchange)
    begun = final | {"content": [], "stop_reason": None, "usage": final["usage"] | {"output_tokens": 1}}
    opening = event("message_start", {"type": "message_start", "message": begun})
    events = Events(opening=opening + event("ping", {"type": "ping"}))
    arguments = iter(turn.calls)
    for index, block in enumerate(final["content"]):
        match block["type"]:
            case "thinking":
                empty, delta, text = {"thinking": "", "signature": ""}, "thinking", turn.reasoning
            case "text":
                empty, delta, text = {"text": ""}, "text", turn.text
            case _:
                empty, delta, text = {"input": {}}, "partial_json", next(arguments).arguments
        events.pieces += block_events(index, block | empty, delta, split(text, turn.chunks))
    ending = {"stop_reason": final["stop_reason"], "stop_sequence": None}
    last = {"type": "message_delta", "delta": ending, "usage": {"output_tokens": 0}}
    if exchange.usage:
        last["usage"] = {"output_tokens": exchange.usage.output}
    events.closing = event("message_delta", last) + event("message_stop", {"type": "message_stop"})
    return events


def block_events(index: int, start: JsonObject, delta: str, texts: list[str]) -> list[bytes]:
    """The events of one content block; its start leaves with the first piece, its stop with the last."""
    kind = "input_json_delta" if delta == "partial_json" else f"{delta}_delta"
    make = template(content_delta(index, {"type": kind, delta: "@@"}))
    before = event("content_block_start", {"type": "content_block_start", "index": index, "content_block": start})
    after = event("content_block_stop", {"type": "content_block_stop", "index": index})
    if delta == "thinking":
        after = content_delta(index, {"type": "signature_delta", "signature": SIGNATURE}) + after
    pieces = [make(text) for text in texts] or [b""]
    pieces[0] = before + pieces[0]
    pieces[-1] += after
    return pieces


def content_delta(index: int, delta: JsonObject) -> bytes:
    return event("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})


def error(fault: HttpError, message: str) -> JsonObject:
    """An error's body."""
    if fault.context:
        message = fault.message or "prompt is too long: 209001 tokens > 200000 maximum"
    kind = ERROR_KINDS.get(fault.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_scripted"}


def stream_error(message: str) -> bytes:
    return event("error", {"type": "error", "error": {"type": "overloaded_error", "message": message}})


WIRE = Wire(
    view=view,
    stream=stream,
    whole=whole,
    error=error,
    stream_error=stream_error,
    delta_event="content_block_delta",
)
