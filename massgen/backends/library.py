"""A model spoken to through pydantic-ai's request layer and the provider's SDK."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from pydantic_ai.models import ModelRequestParameters

from massgen.backends.calling import Reply
from massgen.backends.endpoint import Endpoint
from massgen.backends.limits import CallLimits
from massgen.backends.messages import native_history, native_tools, reply_of
from massgen.backends.protocol import ModelEvent, ModelRequest
from massgen.backends.request_settings import RequestSettings
from massgen.backends.streaming import NativeStream

if TYPE_CHECKING:
    from pydantic_ai.models import Model


class LibraryLine:
    """A `Line` over one of the library's models."""

    def __init__(self, model: Model, *, endpoint: Endpoint, settings: RequestSettings, limits: CallLimits) -> None:
        self._model = model
        self._endpoint = endpoint
        self._settings = settings
        self._limits = limits

    async def open(self, request: ModelRequest) -> LibraryTry:
        return LibraryTry(
            NativeStream(
                self._model,
                native_history(request, self._endpoint.type.name),
                self._settings.for_tools(bool(request.tools)),
                ModelRequestParameters(
                    function_tools=native_tools(request.tools), native_tools=list(self._settings.native_tools)
                ),
                endpoint=self._endpoint,
                limits=self._limits,
            )
        )


class LibraryTry:
    """A `Try` over the library's stream."""

    def __init__(self, stream: NativeStream) -> None:
        self._stream = stream

    @property
    def warnings(self) -> list[str]:
        return self._stream.ambient.warnings

    def events(self) -> AsyncGenerator[ModelEvent | None]:
        return self._stream.events()

    def reply(self) -> Reply:
        return reply_of(self._stream.response())
