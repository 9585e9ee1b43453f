"""OpenAI responses, with its semantic events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from massgen.testing.replies import Tokens, Turn
from massgen.testing.requests import GivenResult, MadeCall, View
from massgen.testing.wires.chat import error, offered_tool
from massgen.testing.wires.wire import (
    CREATED,
    Events,
    Exchange,
    JsonObject,
    Wire,
    call_id,
    event,
    split,
    template,
    text_of,
)


def view(body: Mapping[str, Any]) -> View:
    """The common form of a request body."""
    system = [body["instructions"]] if body.get("instructions") else []
    messages: list[tuple[str, str]] = []
    calls: list[MadeCall] = []
    results: list[GivenResult] = []
    given = body.get("input") or []
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    names: dict[str, str] = {}
    for item in items:
        match item.get("type", "message"):
            case "function_call":
                names[item["call_id"]] = item["name"]
                calls.append(MadeCall(name=item["name"], arguments=item["arguments"], call_id=item["call_id"]))
            case "function_call_output":
                key, text = item["call_id"], text_of(item["output"])
                results.append(GivenResult(call_id=key, name=names.get(key, ""), text=text))
                messages.append(("tool", text))
            case "message" if item["role"] in ("system", "developer"):
                system.append(text_of(item["content"]))
            case "message":
                messages.append((item["role"], text_of(item["content"])))
    tools = body.get("tools") or []
    return View(
        system="\n".join(system),
        messages=tuple(messages),
        tools=tuple(offered_tool(tool) for tool in tools if tool.get("type") == "function"),
        native_tools=tuple(tool["type"] for tool in tools if tool.get("type") != "function"),
        calls=tuple(calls),
        results=tuple(results),
    )


def usage_of(tokens: Tokens) -> JsonObject:
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {"cached_tokens": tokens.cached},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
    }


def items(turn: Turn, exchange: Exchange) -> list[JsonObject]:
    """The finished output items of the turn, in order."""
    serial = exchange.serial
    output: list[JsonObject] = []
    if turn.reasoning:
        summary = [{"type": "summary_text", "text": turn.reasoning}]
        output.append({"id": f"rs_{serial}", "type": "reasoning", "summary": summary})
    if turn.text:
        part = {"type": "output_text", "text": turn.text, "annotations": [], "logprobs": []}
        message = {"id": f"msg_{serial}", "type": "message", "role": "assistant", "status": "completed"}
        output.append(message | {"content": [part]})
    for position, made in enumerate(turn.calls):
        output.append(
            {
                "id": f"fc_{serial}_{position}",
                "type": "function_call",
                "status": "completed",
                "call_id": call_id(made, exchange, position, "call"),
                "name": made.name,
                "arguments": made.arguments,
            }
        )
    return output


def whole(turn: Turn, exchange: Exchange) -> JsonObject:
    """The turn as one response object."""
    cut = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(turn.finish or "")
    return {
        "id": f"resp_{exchange.serial}",
        "object": "response",
        "created_at": CREATED,
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": cut} if cut else None,
        "error": None,
        "instructions": None,
        "metadata": {},
        "model": exchange.model,
        "output": items(turn, exchange),
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "top_p": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage_of(exchange.usage) if exchange.usage else None,
    }


def stream(turn: Turn, exchange: Exchange) -> Events:
    """The turn as events; the response object comes at both ends."""
    final = whole(turn, exchange)
    begun = final | {"status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    opening = named({"type": "response.created", "response": begun})
    opening += named({"type": "response.in_progress", "response": begun})
    events = Events(opening=opening)
    for index, item in enumerate(final["output"]):
        match item["type"]:
            case "reasoning":
                events.pieces += reasoning(item, index, turn)
            case "message":
                events.pieces += message(item, index, turn)
            case _:
                events.pieces += function_call(item, index, turn)
    events.closing = named({"type": f"response.{final['status']}", "response": final})
    return events


def named(value: JsonObject) -> bytes:
    return event(value["type"], {"sequence_number": 0} | value)


def added(item: JsonObject, index: int, **unfinished: object) -> bytes:
    begun = item | {"status": "in_progress"} | unfinished
    return named({"type": "response.output_item.added", "output_index": index, "item": begun})


def done(item: JsonObject, index: int) -> bytes:
    return named({"type": "response.output_item.done", "output_index": index, "item": item})


def around(pieces: list[bytes], before: bytes, after: bytes) -> list[bytes]:
    """The pieces with `before` joined to the first and `after` to the last."""
    if not pieces:
        return [before + after]
    pieces[0] = before + pieces[0]
    pieces[-1] += after
    return pieces


def reasoning(item: JsonObject, index: int, turn: Turn) -> list[bytes]:
    at = {"item_id": item["id"], "output_index": index, "summary_index": 0}
    kind = "response.reasoning_summary"
    part = {"type": "summary_text", "text": turn.reasoning}
    before = added(item, index, summary=[])
    before += named({"type": f"{kind}_part.added", "part": part | {"text": ""}} | at)
    make = template(named({"type": f"{kind}_text.delta", "delta": "@@"} | at))
    after = named({"type": f"{kind}_text.done", "text": turn.reasoning} | at)
    after += named({"type": f"{kind}_part.done", "part": part} | at) + done(item, index)
    return around([make(piece) for piece in split(turn.reasoning, turn.chunks)], before, after)


def message(item: JsonObject, index: int, turn: Turn) -> list[bytes]:
    at = {"item_id": item["id"], "output_index": index, "content_index": 0}
    part = item["content"][0]
    before = added(item, index, content=[])
    before += named({"type": "response.content_part.added", "part": part | {"text": ""}} | at)
    make = template(named({"type": "response.output_text.delta", "delta": "@@", "logprobs": []} | at))
    after = named({"type": "response.output_text.done", "text": turn.text, "logprobs": []} | at)
    after += named({"type": "response.content_part.done", "part": part} | at) + done(item, index)
    return around([make(piece) for piece in split(turn.text, turn.chunks)], before, after)


def function_call(item: JsonObject, index: int, turn: Turn) -> list[bytes]:
    at = {"item_id": item["id"], "output_index": index}
    kind = "response.function_call_arguments"
    make = template(named({"type": f"{kind}.delta", "delta": "@@"} | at))
    after = named({"type": f"{kind}.done", "arguments": item["arguments"], "name": item["name"]} | at)
    pieces = [make(piece) for piece in split(item["arguments"], turn.chunks)]
    return around(pieces, added(item, index, arguments=""), after + done(item, index))


def stream_error(message: str) -> bytes:
    return named({"type": "error", "code": "server_error", "message": message, "param": None})


WIRE = Wire(
    view=view,
    stream=stream,
    whole=whole,
    error=error,
    stream_error=stream_error,
    delta_event="response.output_text.delta",
)
