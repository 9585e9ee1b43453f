"""How one model is called, whoever speaks to it: `Line.open` a try, read its events, take its reply."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Protocol

from msgspec import Struct

from massgen.backends.protocol import AssistantMessage, FinishReason, ModelEvent, ModelRequest


class Tokens(Struct, frozen=True, kw_only=True):
    """What a provider counted; `cached` is the part of `input` read from a cache.

    `billed` is the library's own account of it where there is one: it may hold more that costs money (searches).
    """

    input: int
    output: int
    reasoning: int | None = None
    cached: int = 0
    billed: object | None = None


class Reply(Struct, frozen=True, kw_only=True):
    """One finished response. `finish` is None where the provider ended without saying why.

    `tokens` is None where nothing was counted; `model` is the name the provider gave its model; `seller` and
    `seller_url` are how the price table knows the provider.
    """

    message: AssistantMessage
    finish: FinishReason | None
    tokens: Tokens | None = None
    model: str = ""
    seller: str | None = None
    seller_url: str | None = None


class Try(Protocol):
    """One try of one call. `events` may be iterated once and raises `BackendError`; `reply` is whole afterwards.

    An event is None where the provider showed life without saying anything. `warnings` are for the person.
    """

    @property
    def warnings(self) -> list[str]: ...

    def events(self) -> AsyncGenerator[ModelEvent | None]: ...

    def reply(self) -> Reply: ...


class Line(Protocol):
    """A model that can be called. `open` prepares a try; nothing is sent before its events are asked for."""

    async def open(self, request: ModelRequest) -> Try: ...


def arguments_text(args: object) -> str:
    """Arguments as JSON text; a model that sends none means an empty object."""
    if isinstance(args, str):
        return args or "{}"
    return json.dumps(args or {}, ensure_ascii=False, default=str)
