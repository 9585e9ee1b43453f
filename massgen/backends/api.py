"""A provider's API as a `ModelBackend`: our limits, our retries, the library's words (BE-020, BE-022, BE-030)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from pydantic_ai.models import ModelRequestParameters

from massgen.backends.endpoint import Endpoint
from massgen.backends.failures import cut_short, nothing_said
from massgen.backends.gate import EndpointGate, Passage
from massgen.backends.limits import CallLimits
from massgen.backends.messages import assistant_message, finish_of, native_history, native_tools, usage_of
from massgen.backends.prices import FREE, Price, cost_of
from massgen.backends.protocol import (
    BackendWarning,
    ModelDone,
    ModelEvent,
    ModelRequest,
    Retrying,
    ToolResultMessage,
)
from massgen.backends.request_settings import RequestSettings
from massgen.backends.resources import SharedResources
from massgen.backends.streaming import NativeStream
from massgen.errors import BackendError, RateLimited, ServerFailed

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse
    from pydantic_ai.models import Model

_WAIT_WORTH_TELLING = 1.0


class ApiBackend:
    """One agent's model. Stateless between calls; a failed try is made again as the retry policy says."""

    def __init__(
        self,
        model: Model,
        *,
        endpoint: Endpoint,
        settings: RequestSettings,
        limits: CallLimits,
        resources: SharedResources,
    ) -> None:
        self._native = model
        self._endpoint = endpoint
        self._settings = settings
        self._limits = limits
        self._resources = resources
        self._said: set[str] = set()

    @property
    def model(self) -> str:
        return self._endpoint.model

    @property
    def provider(self) -> str:
        return self._endpoint.type.name

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Make the call, with retries. The text before a `Retrying` does not count (BE-030)."""
        for warning in self._new(self._settings.warnings):
            yield warning
        attempt = 1
        while True:
            try:
                async with aclosing(self._one_try(request)) as events:
                    async for event in events:
                        yield event
                return
            except BackendError as error:
                delay = self._resources.retries.delay(error, attempt, self._resources.chance)
                if delay is None:
                    raise
                failure = error
            self._hold_back(failure, delay)
            attempt += 1
            yield Retrying(attempt=attempt, delay_seconds=delay, reason=failure.message, kind=failure.kind)
            if not _is_shared(failure):
                await asyncio.sleep(delay)

    async def close(self) -> None:
        """Connections belong to the shared resources."""

    async def _one_try(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        gate = self._gate()
        if gate.wait_seconds > _WAIT_WORTH_TELLING:
            yield BackendWarning(text=f"{self._endpoint.type.label} asked to slow down; waiting.")
        passage = await gate.enter()
        try:
            async with aclosing(self._events(request, passage)) as events:
                async for event in events:
                    yield event
        finally:
            passage.leave()

    async def _events(self, request: ModelRequest, passage: Passage) -> AsyncGenerator[ModelEvent]:
        stream = NativeStream(
            self._native,
            native_history(request),
            self._settings.for_tools(bool(request.tools)),
            ModelRequestParameters(
                function_tools=native_tools(request.tools), native_tools=list(self._settings.native_tools)
            ),
            endpoint=self._endpoint,
            limits=self._limits,
        )
        async with aclosing(stream.events()) as deltas:
            async for delta in deltas:
                if not passage.left:
                    passage.answered()
                if delta is not None:
                    yield delta
        for warning in self._new(stream.ambient.warnings):
            yield warning
        yield self._done(stream.response(), request)

    def _done(self, response: ModelResponse, request: ModelRequest) -> ModelDone:
        message = assistant_message(response)
        finish = finish_of(response, message)
        if response.finish_reason is None and not self._endpoint.is_local:
            raise cut_short(self._endpoint)
        silent = not message.text.strip() and not message.tool_calls
        after_tools = bool(request.messages) and isinstance(request.messages[-1], ToolResultMessage)
        if silent and not (finish == "stop" and after_tools):
            raise nothing_said(finish, self._endpoint)
        return ModelDone(
            message=message,
            usage=usage_of(response.usage, cost_of(response, self.model, self._prices())),
            finish_reason=finish,
            model=response.model_name or self.model,
        )

    def _prices(self) -> dict[str, Price]:
        own = {self.model: FREE} if self._endpoint.is_local else {}
        return {**own, **self._resources.prices}

    def _gate(self) -> EndpointGate:
        address = self._endpoint.base_url or self._endpoint.type.name
        return self._resources.gate(address, self._endpoint.api_key)

    def _hold_back(self, error: BackendError, delay: float) -> None:
        if _is_shared(error):
            self._gate().slow_down(delay)

    def _new(self, texts: Iterable[str]) -> Iterator[BackendWarning]:
        """Warnings not given before by this backend."""
        for text in texts:
            if text not in self._said:
                self._said.add(text)
                yield BackendWarning(text=text)


def _is_shared(error: BackendError) -> bool:
    """True for failures that everybody at the same endpoint should wait out together."""
    return isinstance(error, RateLimited) or (isinstance(error, ServerFailed) and error.status in (503, 529))
