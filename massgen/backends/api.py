"""A provider's API as a `ModelBackend`: our retries, whoever speaks to it (BE-020, BE-022, BE-030)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from decimal import Decimal

from massgen.backends.calling import Line, Reply, Tokens
from massgen.backends.endpoint import Endpoint
from massgen.backends.failures import cut_short, nothing_said
from massgen.backends.gate import EndpointGate, Passage
from massgen.backends.prices import FREE, Price, cost_of
from massgen.backends.protocol import (
    BackendWarning,
    ModelDone,
    ModelEvent,
    ModelRequest,
    Retrying,
    ToolResultMessage,
    Usage,
)
from massgen.backends.resources import SharedResources
from massgen.errors import BackendError, ConnectionFailed, RateLimited, ServerFailed

_WAIT_WORTH_TELLING = 1.0


class ApiBackend:
    """One agent's model. Stateless between calls; a failed try is made again as the retry policy says."""

    def __init__(
        self, line: Line, *, endpoint: Endpoint, resources: SharedResources, warnings: Sequence[str] = ()
    ) -> None:
        self._line = line
        self._endpoint = endpoint
        self._resources = resources
        self._warnings = warnings
        self._said: set[str] = set()
        self._answered = False

    @property
    def model(self) -> str:
        return self._endpoint.model

    @property
    def provider(self) -> str:
        return self._endpoint.type.name

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Make the call, with retries. The text before a `Retrying` does not count (BE-030)."""
        for warning in self._new(self._warnings):
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
            for warning in self._new(self._what_to_do(failure)):
                yield warning
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
        one = await self._line.open(request)
        async with aclosing(one.events()) as deltas:
            async for delta in deltas:
                if not passage.left:
                    passage.answered()
                    self._answered = True
                if delta is not None:
                    yield delta
        for warning in self._new(one.warnings):
            yield warning
        yield self._done(one.reply(), request)

    def _done(self, reply: Reply, request: ModelRequest) -> ModelDone:
        message = reply.message
        if reply.finish is None and not self._endpoint.is_local:
            raise cut_short(self._endpoint)
        finish = reply.finish or ("tool_calls" if message.tool_calls else "stop")
        silent = not message.text.strip() and not message.tool_calls
        after_tools = bool(request.messages) and isinstance(request.messages[-1], ToolResultMessage)
        if silent and not (finish == "stop" and after_tools):
            raise nothing_said(finish, self._endpoint)
        return ModelDone(
            message=message,
            usage=_usage(reply.tokens, cost_of(reply, self.model, self._prices())),
            finish_reason=finish,
            model=reply.model or self.model,
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

    def _what_to_do(self, error: BackendError) -> Iterator[str]:
        """Before a server has ever answered it is more likely not there than busy: whoever can start it reads how
        before the tries are used up (BE-043)."""
        if isinstance(error, ConnectionFailed) and error.hint is not None and not self._answered:
            yield f"{error.message}. {error.hint}"

    def _new(self, texts: Iterable[str]) -> Iterator[BackendWarning]:
        """Warnings not given before by this backend."""
        for text in texts:
            if text not in self._said:
                self._said.add(text)
                yield BackendWarning(text=text)


def _is_shared(error: BackendError) -> bool:
    """True for failures that everybody at the same endpoint should wait out together."""
    return isinstance(error, RateLimited) or (isinstance(error, ServerFailed) and error.status in (503, 529))


def _usage(tokens: Tokens | None, cost: Decimal | None) -> Usage:
    """Token counts; a response that reported none has None everywhere, never 0."""
    if tokens is None:
        return Usage(cost=cost)
    return Usage(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        reasoning_tokens=tokens.reasoning,
        cached_input_tokens=tokens.cached,
        cost=cost,
    )
