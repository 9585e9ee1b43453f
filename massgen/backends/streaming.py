"""One try of one call: opens the library's stream and turns its events into ours.

This is the hot path: one small function a chunk, no copies of what was already said.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import (
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)

from massgen.backends.ambient import Ambient
from massgen.backends.calling import arguments_text
from massgen.backends.endpoint import Endpoint
from massgen.backends.library_failures import classified
from massgen.backends.limits import CallLimits
from massgen.backends.protocol import ModelEvent, ReasoningDelta, TextDelta, ToolCallDelta
from massgen.backends.watch import Watch
from massgen.backends.wires import WIRES

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model, ModelRequestParameters
    from pydantic_ai.settings import ModelSettings


class NativeStream:
    """The stream of one try. `events` may be iterated once; `response` is whole afterwards.

    Raises `BackendError`. Limits are kept around each wait for the provider, never while the consumer works.
    """

    def __init__(
        self,
        model: Model,
        history: list[ModelMessage],
        settings: ModelSettings,
        parameters: ModelRequestParameters,
        *,
        endpoint: Endpoint,
        limits: CallLimits,
    ) -> None:
        self._opening = model_request_stream(
            model, history, model_settings=settings, model_request_parameters=parameters, instrument=False
        )
        self._endpoint = endpoint
        self._limits = limits
        self._calls: dict[int, int] = {}
        self._stream: Any = None
        self.ambient = Ambient(connect=limits.connect, joins=WIRES[endpoint.type.name].name)

    async def events(self) -> AsyncGenerator[ModelEvent | None]:
        """Deltas as they come; None where the provider showed life without saying anything."""
        watch = Watch(self._endpoint, self._limits, lambda error: classified(error, self._endpoint))
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.ambient.close)
            self._stream = await watch.within(self.ambient, stack.enter_async_context(self._opening))
            source = aiter(self._stream)
            while (event := await watch.within(self.ambient, anext(source, None))) is not None:
                watch.heard()
                yield self._ours(event)

    def response(self) -> ModelResponse:
        """What has been received, whole once `events` has ended."""
        return self._stream.get()

    def _ours(self, event: Any) -> ModelEvent | None:
        if isinstance(event, PartDeltaEvent):
            return self._delta(event)
        if isinstance(event, PartStartEvent):
            return self._start(event)
        return None

    def _delta(self, event: PartDeltaEvent) -> ModelEvent | None:
        delta = event.delta
        if isinstance(delta, TextPartDelta):
            return TextDelta(text=delta.content_delta) if delta.content_delta else None
        if isinstance(delta, ToolCallPartDelta):
            return self._call_delta(event.index, delta)
        if isinstance(delta, ThinkingPartDelta):
            return ReasoningDelta(text=delta.content_delta) if delta.content_delta else None
        return None

    def _call_delta(self, part: int, delta: ToolCallPartDelta) -> ModelEvent | None:
        args = delta.args_delta
        if not args and not delta.tool_name_delta:
            return None
        index = self._calls.setdefault(part, len(self._calls))
        text = arguments_text(args) if args else ""
        return ToolCallDelta(index=index, name=delta.tool_name_delta or "", arguments=text)

    def _start(self, event: PartStartEvent) -> ModelEvent | None:
        part = event.part
        if isinstance(part, TextPart):
            return TextDelta(text=part.content) if part.content else None
        if isinstance(part, ThinkingPart):
            return ReasoningDelta(text=part.content) if part.content else None
        if isinstance(part, ToolCallPart):
            index = self._calls.setdefault(event.index, len(self._calls))
            text = arguments_text(part.args) if part.args else ""
            return ToolCallDelta(index=index, name=part.tool_name, arguments=text)
        return None
