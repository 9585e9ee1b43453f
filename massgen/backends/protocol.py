"""What a model backend is: one request in, one stream of events out.

Messages are neutral values; `AssistantMessage.native` carries what the provider's library needs to continue
a conversation exactly (thinking signatures and the like) and is opaque to everybody else.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, Protocol

from msgspec import Struct, field

JsonSchema = Mapping[str, Any]


class ToolSpec(Struct, frozen=True, kw_only=True):
    """A tool as a model sees it; `parameters` is a JSON Schema of type object."""

    name: str
    description: str
    parameters: JsonSchema


class ToolCall(Struct, frozen=True, kw_only=True):
    """A call a model made: `arguments` is the raw JSON text, whole but not yet validated."""

    call_id: str
    name: str
    arguments: str


class Media(Struct, frozen=True, kw_only=True):
    """Bytes beside text (an image, a document); `data` is the content, `media_type` its MIME type."""

    data: bytes
    media_type: str
    name: str = ""


class UserMessage(Struct, frozen=True, kw_only=True):
    """Text (and media) put before the model by the program or a person."""

    text: str
    media: tuple[Media, ...] = ()


class AssistantMessage(Struct, frozen=True, kw_only=True):
    """One finished model response."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    native: object | None = None


class ToolResultMessage(Struct, frozen=True, kw_only=True):
    """The result of one call, given back to the model under the same `call_id`."""

    call_id: str
    name: str
    text: str
    is_error: bool = False
    media: tuple[Media, ...] = ()


Message = UserMessage | AssistantMessage | ToolResultMessage


class ModelRequest(Struct, frozen=True, kw_only=True):
    """One model call. `messages` end with a user message or tool results.

    `agent_id`, `round` and `phase` are for logs and scripted backends only; they never reach a provider.
    `visible` maps what the reader may see (label -> text) for scripted backends.
    """

    system: str
    messages: Sequence[Message]
    tools: Sequence[ToolSpec] = ()
    agent_id: str = ""
    round: int = 0
    phase: str = ""


class Usage(Struct, frozen=True, kw_only=True):
    """Tokens of one call; None where the provider did not say (never 0 for unknown). `cost` in USD."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_input_tokens: int | None = None
    cost: Decimal | None = None


class TextDelta(Struct, frozen=True, kw_only=True):
    text: str


class ReasoningDelta(Struct, frozen=True, kw_only=True):
    text: str


class ToolCallDelta(Struct, frozen=True, kw_only=True):
    """More of a call: `index` tells calls of one response apart, `name` is set on the first piece."""

    index: int
    name: str
    arguments: str


class Retrying(Struct, frozen=True, kw_only=True):
    """The call failed and will be made again; text of the failed try must be discarded (BE-030)."""

    attempt: int
    delay_seconds: float
    reason: str
    kind: str


class BackendWarning(Struct, frozen=True, kw_only=True):
    """Something the person should know; the call goes on."""

    text: str


FinishReason = Literal["stop", "tool_calls", "length", "content_filter", "other"]


class ModelDone(Struct, frozen=True, kw_only=True):
    """The last event of a stream: the fold of its deltas."""

    message: AssistantMessage
    usage: Usage = field(default_factory=Usage)
    finish_reason: FinishReason = "stop"
    model: str = ""


ModelEvent = TextDelta | ReasoningDelta | ToolCallDelta | Retrying | BackendWarning | ModelDone


class ModelBackend(Protocol):
    """A provider's model, ready to be called.

    `stream` makes one call: deltas, then exactly one `ModelDone`. It raises `BackendError`. Cancelling the
    consuming task, or closing the generator, closes the connection.
    """

    @property
    def model(self) -> str: ...

    @property
    def provider(self) -> str: ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]: ...

    async def close(self) -> None: ...
