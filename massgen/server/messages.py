"""OpenAI's chat request, read with care, and errors in its shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from massgen.backends.protocol import ToolSpec
from massgen.runs.chats import BadChatRequest, Chat, parse_messages
from massgen.server.functions import described, parse_functions


class ChatRequest(Struct, frozen=True, kw_only=True):
    """A chat for the team that `model` names; `functions` are the caller's own. Other fields of OpenAI's request
    are tolerated."""

    model: str
    chat: Chat
    stream: bool
    include_usage: bool
    functions: tuple[ToolSpec, ...] = ()


def parse_chat(body: object) -> ChatRequest:
    """Raises `BadChatRequest` with a sentence for the caller."""
    if not isinstance(body, Mapping):
        raise BadChatRequest("The body must be a JSON object.")
    options = body.get("stream_options")
    functions = parse_functions(body)
    chat = parse_messages(body.get("messages"))
    if functions:
        chat = replace(chat, instructions=(*chat.instructions, described(functions)))
    return ChatRequest(
        model=model_name(body),
        chat=chat,
        functions=functions,
        stream=body.get("stream") is True,
        include_usage=isinstance(options, Mapping) and options.get("include_usage") is True,
    )


def model_name(body: Mapping[str, object]) -> str:
    model = body.get("model", "massgen")
    if not isinstance(model, str) or not model:
        raise BadChatRequest("'model' must be a text such as massgen.", "model")
    return model


def error_body(message: str, *, kind: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
