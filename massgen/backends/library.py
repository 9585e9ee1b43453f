"""A model spoken to through pydantic-ai's request layer and the provider's SDK."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
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

_LEFT_OUT = (
    "Web search and code execution are left out: {model} takes no built-in tools beside others. "
    "Use a Gemini 3 model, or set 'text_protocol: true' in its backend."
)


class LibraryLine:
    """A `Line` over one of the library's models."""

    def __init__(self, model: Model, *, endpoint: Endpoint, settings: RequestSettings, limits: CallLimits) -> None:
        self._model = model
        self._endpoint = endpoint
        self._settings = settings
        self._limits = limits

    async def open(self, request: ModelRequest) -> LibraryTry:
        built_in, warnings = list(self._settings.native_tools), []
        if built_in and request.tools and not self._takes_both():
            built_in, warnings = [], [_LEFT_OUT.format(model=self._endpoint.model)]
        return LibraryTry(
            NativeStream(
                self._model,
                native_history(request, self._endpoint.type.name),
                self._settings.for_tools(bool(request.tools)),
                ModelRequestParameters(function_tools=native_tools(request.tools), native_tools=built_in),
                endpoint=self._endpoint,
                limits=self._limits,
            ),
            warnings,
        )

    def _takes_both(self) -> bool:
        """Whether a request may carry the provider's tools beside ours; a Gemini before 3 refuses that (BE-025)."""
        if self._endpoint.type.name != "gemini":
            return True
        return bool(self._model.profile.get("google_supports_tool_combination", False))


class LibraryTry:
    """A `Try` over the library's stream."""

    def __init__(self, stream: NativeStream, warnings: Sequence[str] = ()) -> None:
        self._stream = stream
        self._warnings = warnings

    @property
    def warnings(self) -> list[str]:
        return [*self._warnings, *self._stream.ambient.warnings]

    def events(self) -> AsyncGenerator[ModelEvent | None]:
        return self._stream.events()

    def reply(self) -> Reply:
        return reply_of(self._stream.response())
