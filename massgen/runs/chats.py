"""A chat in OpenAI's shape as a team needs it, read with care: everything in it may come from the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from massgen.backends.protocol import AssistantMessage, Message, UserMessage
from massgen.config import LoadedConfig


class BadChatRequest(Exception):
    """The request cannot be answered; `param` names the field, `status` the HTTP status."""

    def __init__(self, message: str, param: str | None = None, *, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """The last user message is the question, system texts are instructions (SRV-012)."""

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
    if not turns or not isinstance(turns[-1], UserMessage) or not turns[-1].text.strip():
        raise BadChatRequest("The last message must be a user message with text.", "messages")
    return Chat(question=turns[-1].text, history=tuple(turns[:-1]), instructions=tuple(instructions))


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
            turns.append(AssistantMessage(text=text))
        case "tool" | "function":
            turns.append(UserMessage(text=f"[tool result] {text}"))
        case _:
            raise BadChatRequest(f"{where}.role must be system, user, assistant or tool.", f"{where}.role")


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


def with_instructions(loaded: LoadedConfig, instructions: Sequence[str]) -> LoadedConfig:
    """The same team with the caller's system messages after those of each agent (SRV-012)."""
    if not instructions:
        return loaded
    config = loaded.require()
    extra = "\n\n".join(instructions)
    agents = tuple(
        agent.model_copy(update={"system_message": "\n\n".join(filter(None, (agent.system_message, extra)))})
        for agent in config.agents
    )
    return replace(loaded, config=config.model_copy(update={"agents": agents}))
