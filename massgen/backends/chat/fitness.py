"""What we say ourselves and what is left to the library, which knows the models of many vendors."""

from __future__ import annotations

import re
from collections.abc import Sequence

from massgen.backends.chat.said import Said
from massgen.backends.chat.schemas import plain
from massgen.backends.protocol import AssistantMessage, Message, ModelRequest, ToolResultMessage, UserMessage
from massgen.backends.request_settings import RequestSettings

_KNOWN_SETTINGS = frozenset({"temperature", "top_p", "max_tokens", "parallel_tool_calls", "openai_reasoning_effort"})

_CONTROL = re.compile(
    r"<\||<｜|\|>|<[\u200b-\u200d\u2060\ufeff]|[\[\]][\u200b-\u200d\u2060\ufeff]"
    r"|<(?:start|end)_of_turn>|\[\||\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_)|\[e~\[|\]~"
)
"""Text that a server may take for a control token of the model. The library breaks such tokens and mends them again."""


def settings_known(settings: RequestSettings) -> bool:
    return not settings.native_tools and settings.values.keys() <= _KNOWN_SETTINGS


def takes(request: ModelRequest) -> bool:
    """Whether this request holds nothing but text and calls, and tools with plain schemas."""
    return (
        not _CONTROL.search(request.system)
        and all(map(_plain_message, request.messages))
        and all(plain(tool.parameters) for tool in request.tools)
    )


def _plain_message(message: Message) -> bool:
    if isinstance(message, UserMessage | ToolResultMessage):
        return not message.media and not _CONTROL.search(message.text)
    if message.native is not None and not isinstance(message.native, Said):
        return False
    return not any(map(_CONTROL.search, _texts(message)))


def _texts(message: AssistantMessage) -> Sequence[str]:
    return (message.text, message.reasoning, *(call.arguments for call in message.tool_calls))
