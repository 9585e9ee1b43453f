"""A chat in OpenAI's shape as a team needs it, read with care: everything in it may come from the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from msgspec import Struct

from massgen.backends.protocol import AssistantMessage, Message, ToolCall, ToolResultMessage, UserMessage

_CALLED = "For this question functions were called already; go on from their results:"


class BadChatRequest(Exception):
    """The request cannot be answered; `param` names the field, `status` the HTTP status."""

    def __init__(self, message: str, param: str | None = None, *, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.status = status


class Chat(Struct, frozen=True, kw_only=True):
    """The last user message is the question, system texts are instructions (SRV-012). What the caller's functions
    gave after the question stands behind it (SRV-011)."""

    question: str
    history: tuple[Message, ...] = ()
    instructions: tuple[str, ...] = ()


def parse_messages(messages: object) -> Chat:
    """Raises `BadChatRequest` with a sentence for the caller."""
    if not isinstance(messages, list) or not messages:
        raise BadChatRequest("'messages' must be a list with at least one message.", "messages")
    instructions: list[str] = []
    turns: list[Message] = []
    for position, item in enumerate(messages):
        _take(item, f"messages[{position}]", instructions, turns)
    position = max((number for number, turn in enumerate(turns) if isinstance(turn, UserMessage)), default=-1)
    after = turns[position + 1 :]
    answered = not after or isinstance(after[-1], ToolResultMessage)
    if position < 0 or not answered or not turns[position].text.strip():
        text = "The last message must be a user message with text, or the results of function calls after one."
        raise BadChatRequest(text, "messages")
    question = "\n\n".join((turns[position].text, *_told(after)))
    history = tuple(_plain(turn) for turn in turns[:position])
    return Chat(question=question, history=history, instructions=tuple(instructions))


def _told(turns: Sequence[Message]) -> list[str]:
    """Calls and results as text: agents that may not call a function know what it gave."""
    return [_CALLED, *(_plain(turn).text for turn in turns)] if turns else []


def _plain(turn: Message) -> UserMessage | AssistantMessage:
    """A message of the caller's chat without calls: no provider takes calls of functions that it was not offered."""
    match turn:
        case UserMessage():
            return turn
        case AssistantMessage(text=text, tool_calls=calls):
            called = [f"[called {call.name}({call.arguments}) as {call.call_id}]" for call in calls]
            return AssistantMessage(text="\n".join(filter(None, (text, *called))))
        case ToolResultMessage(call_id=call_id, text=text):
            return UserMessage(text=f"[result of {call_id}] {text}" if call_id else f"[tool result] {text}")
        case _:
            assert_never(turn)


def _take(item: object, where: str, instructions: list[str], turns: list[Message]) -> None:
    if not isinstance(item, Mapping):
        raise BadChatRequest(f"{where} must be an object with role and content.", where)
    text = content_text(item.get("content"), where)
    match item.get("role"):
        case "system" | "developer":
            instructions.append(text)
        case "user":
            turns.append(UserMessage(text=text))
        case "assistant":
            turns.append(AssistantMessage(text=text, tool_calls=_calls(item.get("tool_calls"), where)))
        case "tool" | "function":
            call_id = str(item.get("tool_call_id") or item.get("name") or "")
            turns.append(ToolResultMessage(call_id=call_id, name="", text=text))
        case _:
            raise BadChatRequest(f"{where}.role must be system, user, assistant or tool.", f"{where}.role")


def _calls(value: object, where: str) -> tuple[ToolCall, ...]:
    """The calls of an assistant message."""
    found = []
    for item in value if isinstance(value, list) else []:
        function = item.get("function") if isinstance(item, Mapping) else None
        if not isinstance(function, Mapping):
            raise BadChatRequest(f"{where}.tool_calls must hold function calls.", f"{where}.tool_calls")
        name, arguments = str(function.get("name", "")), str(function.get("arguments", ""))
        found.append(ToolCall(call_id=str(item.get("id", "")), name=name, arguments=arguments))
    return tuple(found)


def content_text(content: object, where: str) -> str:
    """The text of a message's content: a string, or a list of text parts."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        raise BadChatRequest(f"{where}.content must be a text or a list of parts.", f"{where}.content")
    texts: list[str] = []
    for part in content:
        kinds = ("text", "input_text", "output_text")
        if not isinstance(part, Mapping) or part.get("type") not in kinds or not isinstance(part.get("text"), str):
            raise BadChatRequest(f"{where}.content may only hold text parts.", f"{where}.content")
        texts.append(part["text"])
    return "\n".join(texts)
