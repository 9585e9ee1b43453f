"""Our messages and tools as pydantic-ai's, and its finished response as ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, assert_never

from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.messages import ModelRequest as NativeRequest
from pydantic_ai.tools import ToolDefinition

from massgen.backends.calling import Reply, Tokens, arguments_text, whole, whole_arguments
from massgen.backends.chat.said import Piece, Said
from massgen.backends.protocol import (
    AssistantMessage,
    FinishReason,
    Media,
    ModelRequest,
    ToolCall,
    ToolResultMessage,
    ToolSpec,
    UserMessage,
)

if TYPE_CHECKING:
    from pydantic_ai.usage import RequestUsage


def native_history(request: ModelRequest, provider: str) -> list[ModelMessage]:
    """The conversation as pydantic-ai takes it: system text first, neighbours of one side in one message.

    `provider` is the name under which reasoning that we received ourselves goes back.
    """
    history: list[ModelMessage] = []
    parts: list[Any] = [SystemPromptPart(content=request.system)] if request.system else []
    for message in request.messages:
        if isinstance(message, AssistantMessage):
            if parts:
                history.append(NativeRequest(parts=parts))
                parts = []
            history.append(native_response(message, provider))
        else:
            parts.append(_native_part(message))
    if parts:
        history.append(NativeRequest(parts=parts))
    return history


def native_tools(tools: Sequence[ToolSpec]) -> list[ToolDefinition]:
    """Function tools as the library takes them; schemas are sent as they are."""
    return [
        ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=dict(tool.parameters))
        for tool in tools
    ]


def _native_part(message: UserMessage | ToolResultMessage) -> UserPromptPart | ToolReturnPart:
    match message:
        case UserMessage(text=text, media=media):
            return UserPromptPart(content=[text, *map(_binary, media)] if media else text)
        case ToolResultMessage():
            content: Any = [message.text, *map(_binary, message.media)] if message.media else message.text
            return ToolReturnPart(
                tool_name=message.name,
                content=content,
                tool_call_id=message.call_id,
                outcome="failed" if message.is_error else "success",
            )
        case _:
            assert_never(message)


def _binary(media: Media) -> BinaryContent:
    return BinaryContent(data=media.data, media_type=media.media_type)


def native_response(message: AssistantMessage, provider: str = "") -> ModelResponse:
    """A response of the model in the library's form; `provider` as in `native_history`."""
    if isinstance(message.native, ModelResponse):
        return message.native
    parts: list[Any] = [TextPart(content=message.text)] if message.text else []
    if isinstance(message.native, Said):
        parts = [_native_piece(piece, provider) for piece in message.native.pieces]
    parts += [
        ToolCallPart(tool_name=call.name, args=call.arguments, tool_call_id=call.call_id) for call in message.tool_calls
    ]
    return ModelResponse(parts=parts)


def _native_piece(piece: Piece, provider: str) -> TextPart | ThinkingPart:
    if piece.reasoning is None:
        return TextPart(content=piece.text)
    return ThinkingPart(content=piece.text, id=piece.reasoning, provider_name=provider)


def assistant_message(response: ModelResponse) -> AssistantMessage:
    """A finished response; the library's own form travels along so that signatures survive."""
    text: list[str] = []
    reasoning: list[str] = []
    calls: list[ToolCall] = []
    for part in response.parts:
        if isinstance(part, TextPart):
            part.content = whole(part.content)
            text.append(part.content)
        elif isinstance(part, ThinkingPart):
            part.content = whole(part.content)
            reasoning.append(part.content)
        elif isinstance(part, ToolCallPart):
            given = arguments_text(part.args)
            arguments = whole_arguments(given)
            if arguments != given:
                part.args = arguments
            calls.append(ToolCall(call_id=part.tool_call_id, name=part.tool_name, arguments=arguments))
    return AssistantMessage(text="".join(text), reasoning="".join(reasoning), tool_calls=tuple(calls), native=response)


def tokens_of(usage: RequestUsage) -> Tokens | None:
    """Token counts; None where the response reported none."""
    if not usage.input_tokens and not usage.output_tokens:
        return None
    return Tokens(
        input=usage.input_tokens,
        output=usage.output_tokens,
        reasoning=usage.details.get("reasoning_tokens", usage.details.get("thoughts_tokens")),
        cached=usage.cache_read_tokens,
        billed=usage,
    )


def reply_of(response: ModelResponse) -> Reply:
    """A finished response as a `Reply`."""
    message = assistant_message(response)
    return Reply(
        message=message,
        finish=finish_of(response, message),
        tokens=tokens_of(response.usage),
        model=response.model_name or "",
        seller=response.provider_name,
        seller_url=response.provider_url,
    )


def finish_of(response: ModelResponse, message: AssistantMessage) -> FinishReason | None:
    """Why the model stopped, in our words; None where it was not said."""
    match response.finish_reason:
        case "length":
            return "length"
        case "content_filter":
            return "content_filter"
        case "tool_call" | "stop":
            return "tool_calls" if message.tool_calls else "stop"
        case "error":
            return "other"
        case None:
            return None
        case _:
            assert_never(response.finish_reason)
