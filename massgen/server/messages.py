"""OpenAI's chat request, read with care: everything in it comes from the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from massgen.backends.protocol import AssistantMessage, Message, UserMessage


class BadChatRequest(Exception):
    """The request cannot be answered; `param` names the field."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A chat as the team needs it: the last user message is the question, system texts are instructions (SRV-012)."""

    model: str
    question: str
    history: tuple[Message, ...]
    instructions: tuple[str, ...]
    stream: bool
    include_usage: bool


def parse_chat(body: object) -> ChatRequest:
    """Raises `BadChatRequest` with a sentence for the caller."""
    if not isinstance(body, Mapping):
        raise BadChatRequest("The body must be a JSON object.")
    model = body.get("model", "massgen")
    if not isinstance(model, str) or not model:
        raise BadChatRequest("'model' must be a text such as massgen.", "model")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadChatRequest("'messages' must be a list with at least one message.", "messages")
    instructions: list[str] = []
    turns: list[Message] = []
    for position, item in enumerate(messages):
        _take(item, position, instructions, turns)
    if not turns or not isinstance(turns[-1], UserMessage) or not turns[-1].text.strip():
        raise BadChatRequest("The last message must be a user message with text.", "messages")
    options = body.get("stream_options")
    return ChatRequest(
        model=model,
        question=turns[-1].text,
        history=tuple(turns[:-1]),
        instructions=tuple(instructions),
        stream=body.get("stream") is True,
        include_usage=isinstance(options, Mapping) and options.get("include_usage") is True,
    )


def _take(item: object, position: int, instructions: list[str], turns: list[Message]) -> None:
    where = f"messages[{position}]"
    if not isinstance(item, Mapping):
        raise BadChatRequest(f"{where} must be an object with role and content.", where)
    role = item.get("role")
    text = _content(item.get("content"), where)
    match role:
        case "system" | "developer":
            instructions.append(text)
        case "user":
            turns.append(UserMessage(text=text))
        case "assistant":
            turns.append(AssistantMessage(text=text))
        case "tool" | "function":
            turns.append(UserMessage(text=f"[tool result] {text}"))
        case _:
            raise BadChatRequest(f"{where}.role must be system, user, assistant or tool.", f"{where}.role")


def _content(content: object, where: str) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        raise BadChatRequest(f"{where}.content must be a text or a list of parts.", f"{where}.content")
    texts: list[str] = []
    for part in content:
        if not isinstance(part, Mapping) or part.get("type") not in ("text", "input_text"):
            raise BadChatRequest(f"{where}.content may only hold text parts.", f"{where}.content")
        texts.append(str(part.get("text", "")))
    return "\n".join(texts)


def error_body(message: str, *, kind: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
