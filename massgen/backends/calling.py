"""How one model is called, whoever speaks to it: `Line.open` a try, read its events, take its reply."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from typing import Protocol

from msgspec import Struct

from massgen.backends.protocol import AssistantMessage, FinishReason, ModelEvent, ModelRequest

_HALF = re.compile(r"[\ud800-\udfff]")
_HALF_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")


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


def whole(text: str) -> str:
    """`text` without halves of characters, which nobody can encode: models that are cut within one leave them.
    Two that belong together become the character."""
    if _HALF.search(text) is None:
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def whole_arguments(text: str) -> str:
    """Arguments without halves of characters, written out or as escapes; unchanged where there are none."""
    text = whole(text)
    if _HALF_ESCAPED.search(text) is None:
        return text
    try:
        written = json.dumps(json.loads(text, strict=False), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
    mended = whole(written)
    return text if mended == written else mended


def arguments_text(args: object) -> str:
    """Arguments as JSON text; a model that sends none means an empty object."""
    if isinstance(args, str):
        return args or "{}"
    return json.dumps(args or {}, ensure_ascii=False, default=str)
