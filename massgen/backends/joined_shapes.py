"""The deltas of the four wire formats that may be joined, by their exact shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeGuard

from massgen.backends.joiner import Delta, Shape

JsonObject = dict[str, Any]
_CHAT = frozenset(
    ["id", "object", "created", "model", "choices", "system_fingerprint", "service_tier", "usage", "obfuscation"]
)
_CHAT_CHOICE = frozenset(["index", "delta", "finish_reason", "logprobs"])
_CHAT_TEXTS = ("content", "reasoning", "reasoning_content")
_CHAT_DELTA = frozenset([*_CHAT_TEXTS, "role", "refusal", "tool_calls"])
_CHAT_CALL = frozenset(["index", "type", "id", "function"])
_RESPONSES = {
    "response.output_text.delta",
    "response.reasoning_summary_text.delta",
    "response.reasoning_text.delta",
    "response.function_call_arguments.delta",
}
_RESPONSES_KEYS = frozenset(
    [
        "type",
        "item_id",
        "output_index",
        "content_index",
        "summary_index",
        "delta",
        "sequence_number",
        "logprobs",
        "obfuscation",
    ]
)
_ANTHROPIC = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
_GEMINI = frozenset(["candidates", "usageMetadata", "modelVersion", "responseId"])
_GEMINI_CANDIDATE = frozenset(["content", "index"])


def chat(event: JsonObject) -> Delta | None:
    """OpenAI chat completions: text, reasoning, or more arguments of one call."""
    choices = event.get("choices")
    if not event.keys() <= _CHAT or not _alone(choices) or event.get("usage") is not None:
        return None
    choice = choices[0]
    delta = choice.get("delta")
    if not choice.keys() <= _CHAT_CHOICE or choice.get("finish_reason") or choice.get("logprobs"):
        return None
    if not isinstance(delta, dict) or not delta.keys() <= _CHAT_DELTA or delta.get("refusal"):
        return None
    said = [name for name in _CHAT_TEXTS if delta.get(name)]
    if delta.get("tool_calls"):
        return None if said else _chat_call(event, choice, delta)
    if len(said) != 1 or not isinstance(delta[said[0]], str):
        return None
    (name,) = said
    return Delta(
        delta[name],
        _frozen(_without(event, "obfuscation") | {"choices": [choice | {"delta": delta | {name: ""}}]}, name),
        lambda text: event | {"choices": [choice | {"delta": delta | {name: text}}]},
    )


def _chat_call(event: JsonObject, choice: JsonObject, delta: JsonObject) -> Delta | None:
    calls = delta["tool_calls"]
    if not _alone(calls) or not calls[0].keys() <= _CHAT_CALL or calls[0].get("id") is not None:
        return None
    call = calls[0]
    function = call.get("function")
    if not isinstance(function, dict) or function.keys() != {"arguments"}:
        return None
    if not isinstance(function["arguments"], str) or not isinstance(call.get("index"), int):
        return None

    def having(text: str) -> JsonObject:
        made = call | {"function": {"arguments": text}}
        return event | {"choices": [choice | {"delta": delta | {"tool_calls": [made]}}]}

    return Delta(function["arguments"], _frozen(_without(having(""), "obfuscation"), "arguments"), having)


def responses(event: JsonObject) -> Delta | None:
    """OpenAI responses: text, reasoning and arguments; numbers and padding of the last event stay."""
    kind, text = event.get("type"), event.get("delta")
    if kind not in _RESPONSES or not event.keys() <= _RESPONSES_KEYS or event.get("logprobs"):
        return None
    if not isinstance(text, str):
        return None
    same = _frozen(_without(event, "sequence_number", "obfuscation", "delta"), kind)
    return Delta(text, same, lambda joined: event | {"delta": joined})


def anthropic(event: JsonObject) -> Delta | None:
    """Anthropic messages: text, thinking and arguments of one block."""
    delta = event.get("delta")
    if event.keys() != {"type", "index", "delta"} or event["type"] != "content_block_delta":
        return None
    if not isinstance(delta, dict):
        return None
    name = _ANTHROPIC.get(str(delta.get("type")))
    if name is None or delta.keys() != {"type", name} or not isinstance(delta[name], str):
        return None
    same = _frozen({"index": event["index"]}, name)
    return Delta(delta[name], same, lambda text: event | {"delta": delta | {name: text}})


def gemini(event: JsonObject) -> Delta | None:
    """Gemini: text or a thought of the one candidate; the counts of the last chunk stay, they include the others."""
    candidates = event.get("candidates")
    if not event.keys() <= _GEMINI or not _alone(candidates) or not candidates[0].keys() <= _GEMINI_CANDIDATE:
        return None
    content = candidates[0].get("content")
    if not isinstance(content, dict) or not content.keys() <= {"parts", "role"}:
        return None
    parts = content.get("parts")
    if not _alone(parts):
        return None
    part = parts[0]
    if not part.keys() <= {"text", "thought"} or not isinstance(part.get("text"), str):
        return None

    def having(text: str) -> JsonObject:
        return event | {"candidates": [candidates[0] | {"content": content | {"parts": [part | {"text": text}]}}]}

    return Delta(part["text"], _frozen(_without(having(""), "usageMetadata"), "gemini"), having)


def _alone(values: object) -> TypeGuard[list[JsonObject]]:
    """Whether `values` is a list of one object."""
    return isinstance(values, list) and len(values) == 1 and isinstance(values[0], dict)


def _without(values: JsonObject, *names: str) -> JsonObject:
    return {name: value for name, value in values.items() if name not in names}


def _frozen(values: JsonObject, kind: str) -> tuple[str, str]:
    return kind, json.dumps(values, sort_keys=True)


SHAPES: Mapping[str, Shape] = {
    "chat": chat,
    "azure": chat,
    "responses": responses,
    "anthropic": anthropic,
    "gemini": gemini,
}
"""By the name of the wire format."""
