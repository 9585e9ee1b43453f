"""Gemini's generateContent. Its tool calls come whole and carry an object, never text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from massgen.testing.replies import Call, HttpError, Tokens, Turn
from massgen.testing.requests import GivenResult, MadeCall, OfferedTool, View
from massgen.testing.wires.wire import Events, Exchange, JsonObject, Wire, data, split, template

FINISH = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
ERROR_KINDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    529: "UNAVAILABLE",
}


def view(body: Mapping[str, Any]) -> View:
    """The common form of a request body. Gemini's role `model` is `assistant` here."""
    messages: list[tuple[str, str]] = []
    calls: list[MadeCall] = []
    results: list[GivenResult] = []
    for content in body.get("contents", []):
        role = "assistant" if content.get("role") == "model" else "user"
        for part in content.get("parts") or ():
            if made := part.get("functionCall"):
                arguments = json.dumps(made.get("args") or {}, ensure_ascii=False)
                calls.append(MadeCall(name=made["name"], arguments=arguments, call_id=made.get("id") or ""))
            elif given := part.get("functionResponse"):
                text = response_text(given.get("response"))
                results.append(GivenResult(call_id=given.get("id") or "", name=given["name"], text=text))
                messages.append(("tool", text))
            elif part.get("text") and not part.get("thought"):
                messages.append((role, part["text"]))
    system = (body.get("systemInstruction") or body.get("system_instruction") or {}).get("parts") or ()
    tools = body.get("tools") or []
    return View(
        system="\n".join(part["text"] for part in system if part.get("text")),
        messages=tuple(messages),
        tools=tuple(offered_tool(one) for tool in tools for one in tool.get("functionDeclarations") or ()),
        native_tools=tuple(name for tool in tools for name in tool if name != "functionDeclarations"),
        calls=tuple(calls),
        results=tuple(results),
    )


def offered_tool(declared: Mapping[str, Any]) -> OfferedTool:
    schema = declared.get("parametersJsonSchema") or declared.get("parameters_json_schema")
    schema = schema or declared.get("parameters") or {}
    return OfferedTool(name=declared["name"], description=declared.get("description") or "", schema=schema)


def response_text(response: object) -> str:
    """The text of a function's response: its only string value, else the object as JSON."""
    if isinstance(response, dict) and len(response) == 1:
        (value,) = response.values()
        if isinstance(value, str):
            return value
    return json.dumps(response, ensure_ascii=False)


def usage_of(tokens: Tokens) -> JsonObject:
    """Usage as Gemini counts it: thoughts stand beside the candidates' tokens."""
    return {
        "promptTokenCount": tokens.input,
        "candidatesTokenCount": tokens.output - tokens.reasoning,
        "thoughtsTokenCount": tokens.reasoning,
        "cachedContentTokenCount": tokens.cached,
        "totalTokenCount": tokens.input + tokens.output,
    }


def function_call(made: Call) -> JsonObject | None:
    """The call as a part; None where the arguments are no JSON object, which Gemini cannot express."""
    try:
        arguments = json.loads(made.arguments)
    except ValueError:
        return None
    if not isinstance(arguments, dict):
        return None
    part = {"name": made.name, "args": arguments}
    return {"functionCall": part | {"id": made.call_id} if made.call_id else part}


def answer(parts: list[JsonObject], exchange: Exchange, finish: str | None = None) -> JsonObject:
    """One response object, which is also one event of a stream."""
    candidate: JsonObject = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    key = f"response-{exchange.serial}"
    return {"candidates": [candidate], "modelVersion": exchange.model, "responseId": key}


def ending(turn: Turn, exchange: Exchange, parts: list[JsonObject]) -> JsonObject:
    """The response with its finish reason and usage."""
    broken = any(function_call(made) is None for made in turn.calls)
    finish = "MALFORMED_FUNCTION_CALL" if broken else FINISH[turn.finish or "stop"]
    last = answer(parts, exchange, finish)
    return last | {"usageMetadata": usage_of(exchange.usage)} if exchange.usage else last


def calls_of(turn: Turn) -> list[JsonObject]:
    parts = (function_call(made) for made in turn.calls)
    return [part for part in parts if part is not None]


def stream(turn: Turn, exchange: Exchange) -> Events:
    """The turn as events: texts in pieces, each call whole, then an event with the finish reason."""
    thought = template(data(answer([{"text": "@@", "thought": True}], exchange)))
    pieces = [thought(text) for text in split(turn.reasoning, turn.chunks)]
    said = template(data(answer([{"text": "@@"}], exchange)))
    pieces += [said(text) for text in split(turn.text, turn.chunks)]
    pieces += [data(answer([part], exchange)) for part in calls_of(turn)]
    return Events(pieces=pieces, closing=data(ending(turn, exchange, [])))


def whole(turn: Turn, exchange: Exchange) -> JsonObject:
    """The turn as one response."""
    parts: list[JsonObject] = [{"text": turn.reasoning, "thought": True}] if turn.reasoning else []
    if turn.text:
        parts.append({"text": turn.text})
    return ending(turn, exchange, parts + calls_of(turn))


def error(fault: HttpError, message: str) -> JsonObject:
    """An error's body; a rate limit also says there when to come back."""
    if fault.context:
        message = fault.message or (
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
        )
    kind = ERROR_KINDS.get(fault.status, "INTERNAL")
    body: JsonObject = {"code": fault.status, "message": message, "status": kind}
    if fault.retry_after.isdigit():
        retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{fault.retry_after}s"}
        body["details"] = [retry]
    return {"error": body}


def stream_error(message: str) -> bytes:
    return data({"error": {"code": 503, "message": message, "status": "UNAVAILABLE"}})


WIRE = Wire(view=view, stream=stream, whole=whole, error=error, stream_error=stream_error)
