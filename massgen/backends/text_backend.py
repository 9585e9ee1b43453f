"""Gives a model without tool calls the same face as one with them (BE-021)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import count
from typing import cast

from msgspec.structs import replace

from massgen.backends.protocol import (
    AssistantMessage,
    Message,
    ModelBackend,
    ModelDone,
    ModelEvent,
    ModelRequest,
    Retrying,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolResultMessage,
    ToolSpec,
    UserMessage,
)
from massgen.backends.text_protocol import FENCE, TextCall, describe_tools, find_call, format_call


class TextProtocolBackend:
    """Wraps `inner`: tools are described in the system text, a fenced JSON object becomes a `ToolCall`."""

    def __init__(self, inner: ModelBackend) -> None:
        self._inner = inner
        self._numbers = count(1)

    @property
    def model(self) -> str:
        return self._inner.model

    @property
    def provider(self) -> str:
        return self._inner.provider

    async def close(self) -> None:
        await self._inner.close()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Stream text as it comes; what may be a call is held back until it is known to be one."""
        plain = plain_request(request)
        shown = _Shown()
        inner = cast("AsyncGenerator[ModelEvent]", self._inner.stream(plain))
        async with aclosing(inner) as events:
            async for event in events:
                match event:
                    case TextDelta(text=text):
                        if piece := shown.add(text):
                            yield TextDelta(text=piece)
                    case Retrying():
                        shown = _Shown()
                        yield event
                    case ModelDone():
                        for last in self._finish(event, request.tools, shown):
                            yield last
                    case _:
                        yield event

    def _finish(self, done: ModelDone, tools: Sequence[ToolSpec], shown: _Shown) -> list[ModelEvent]:
        found = find_call(done.message.text, {tool.name for tool in tools})
        if found is None:
            rest = shown.rest()
            return [*([TextDelta(text=rest)] if rest else []), done]
        return [ToolCallDelta(index=0, name=found.name, arguments=found.arguments), self._done(done, found)]

    def _done(self, done: ModelDone, found: TextCall) -> ModelDone:
        call = ToolCall(call_id=f"text_{next(self._numbers)}", name=found.name, arguments=found.arguments)
        message = replace(done.message, text=found.before, tool_calls=(call,))
        return replace(done, message=message, finish_reason="tool_calls")


class _Shown:
    """Text that may be shown: everything before the first fence, and before an object at the very start."""

    def __init__(self) -> None:
        self._text = ""
        self._given = 0
        self._held = False

    def add(self, text: str) -> str:
        if self._held:
            self._text += text
            return ""
        self._text += text
        self._held = self._text.lstrip().startswith("{")
        end = self._given if self._held else self._end_of_plain_text()
        piece, self._given = self._text[self._given : end], end
        self._text, self._given = self._text[end:], 0
        return piece

    def rest(self) -> str:
        return self._text[self._given :]

    def _end_of_plain_text(self) -> int:
        fence = self._text.find(FENCE, self._given)
        if fence >= 0:
            self._held = True
            return fence
        return len(self._text) - (len(self._text) - len(self._text.rstrip("`")))


def plain_request(request: ModelRequest) -> ModelRequest:
    """The request without tools: they, their calls and their results are written out as text."""
    offered = describe_tools(request.tools)
    system = "\n\n".join(part for part in (request.system, offered) if part)
    messages = tuple(_plain(message) for message in request.messages)
    return replace(request, system=system, messages=messages, tools=())


def _plain(message: Message) -> Message:
    match message:
        case ToolResultMessage():
            kind = "Error" if message.is_error else "Result"
            return UserMessage(text=f"{kind} of {message.name}:\n{message.text}", media=message.media)
        case AssistantMessage(native=None, tool_calls=calls) if calls:
            blocks = [format_call(call.name, call.arguments) for call in calls]
            return AssistantMessage(text="\n\n".join(part for part in (message.text, *blocks) if part))
        case _:
            return message
