"""A request as the JSON body of a chat completion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from pydantic_core import from_json, to_json

from massgen.backends.chat.said import TAGS, Said
from massgen.backends.chat.schemas import closed
from massgen.backends.protocol import AssistantMessage, Message, ModelRequest, ToolResultMessage, ToolSpec, UserMessage

_FIELDS = ("reasoning", "reasoning_content")
JsonObject = dict[str, Any]


def body_of(request: ModelRequest, model: str, settings: Mapping[str, Any], extra: Mapping[str, Any]) -> JsonObject:
    """`settings` are those of `RequestSettings`; `extra` is put in as it is and wins."""
    body: JsonObject = {"model": model, "stream": True, "messages": _messages(request)}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        body["tool_choice"] = "auto"
        if "parallel_tool_calls" in settings:
            body["parallel_tool_calls"] = settings["parallel_tool_calls"]
    body["stream_options"] = {"include_usage": True}
    for name in ("temperature", "top_p", "max_tokens"):
        if name in settings:
            body[name] = settings[name]
    if settings.get("openai_reasoning_effort"):
        body["reasoning_effort"] = settings["openai_reasoning_effort"]
    body.update(extra)
    return body


def _tool(tool: ToolSpec) -> JsonObject:
    function = {"name": tool.name, "description": tool.description, "parameters": closed(tool.parameters)}
    return {"type": "function", "function": function}


def _messages(request: ModelRequest) -> list[JsonObject]:
    found: list[JsonObject] = [{"role": "system", "content": request.system}] if request.system else []
    for message in request.messages:
        made = _message(message)
        if made is not None:
            found.append(made)
    _complete_reasoning(found)
    return found


def _message(message: Message) -> JsonObject | None:
    match message:
        case UserMessage(text=text):
            return {"role": "user", "content": text}
        case ToolResultMessage(call_id=call_id, text=text, is_error=failed):
            content = to_json({"error": text}).decode() if failed else text
            return {"role": "tool", "tool_call_id": call_id, "content": content}
        case AssistantMessage():
            return _assistant(message)
        case _:
            assert_never(message)


def _assistant(message: AssistantMessage) -> JsonObject | None:
    said = message.native if isinstance(message.native, Said) else None
    texts, reasoning = _pieces(said) if said is not None else ([message.text] if message.text else [], {})
    if not texts and not message.tool_calls:
        return None
    made: JsonObject = {"role": "assistant"}
    made.update((name, "\n\n".join(parts)) for name, parts in reasoning.items())
    made["content"] = "\n\n".join(texts) if texts else None
    if message.tool_calls:
        extras = said.extras if said is not None else {}
        made["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": _arguments(call.arguments)},
            }
            | ({"extra_content": extras[call.call_id]} if call.call_id in extras else {})
            for call in message.tool_calls
        ]
    return made


def _arguments(text: str) -> str:
    """Arguments as compact JSON; what is no JSON object goes back inside one, because servers refuse it as it is."""
    if not text:
        return "{}"
    try:
        made = from_json(text)
    except ValueError:
        made = None
    return to_json(made if isinstance(made, dict) else {"INVALID_JSON": text}).decode()


def _pieces(said: Said) -> tuple[list[str], dict[str, list[str]]]:
    """Texts, and reasoning by the field that it goes back in: reasoning from tags goes back in tags."""
    texts: list[str] = []
    reasoning: dict[str, list[str]] = {}
    for piece in said.pieces:
        if piece.reasoning is None:
            texts.append(piece.text)
        elif piece.reasoning == TAGS:
            texts.append(f"<think>\n{piece.text}\n</think>")
        else:
            reasoning.setdefault(piece.reasoning, []).append(piece.text)
    return texts, reasoning


def _complete_reasoning(messages: Sequence[JsonObject]) -> None:
    """A server that wants its reasoning back wants the field on every turn with calls since the last question."""
    assistants = [message for message in messages if message["role"] == "assistant"]
    used = {name for message in assistants for name in _FIELDS if name in message}
    if len(used) != 1:
        return
    (name,) = used
    last = max((number for number, message in enumerate(messages) if message["role"] == "user"), default=-1)
    for message in messages[last + 1 :]:
        if message["role"] == "assistant" and "tool_calls" in message and name not in message:
            message[name] = ""
