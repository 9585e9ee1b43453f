"""What one wire format is, and the pieces that all of them share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from massgen.testing.replies import Call, Finish, HttpError, Tokens, Turn
from massgen.testing.requests import View

JsonObject = dict[str, Any]
PIECE = 16
CREATED = 1_750_000_000


class Exchange(Struct, frozen=True, kw_only=True):
    """What a response repeats of its request. `serial` makes ids unique; `usage` None is left out."""

    model: str
    serial: int
    body: Mapping[str, Any]
    usage: Tokens | None


@dataclass(slots=True, kw_only=True)
class Events:
    """A streamed response: `opening` and `closing` bytes around the pieces that pace and faults count."""

    opening: bytes = b""
    pieces: list[bytes] = field(default_factory=list)
    closing: bytes = b""


class Wire(Struct, frozen=True, kw_only=True):
    """One format as functions; `stream_error` words an error within a stream.

    `delta_event` is the name of its ordinary event, "" where events have no names.
    """

    view: Callable[[Mapping[str, Any]], View]
    stream: Callable[[Turn, Exchange], Events]
    whole: Callable[[Turn, Exchange], JsonObject]
    error: Callable[[HttpError, str], JsonObject]
    stream_error: Callable[[str], bytes]
    delta_event: str = ""


def data(value: object) -> bytes:
    """One server-sent event without a name."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def event(kind: str, value: object) -> bytes:
    """One server-sent event with a name."""
    return f"event: {kind}\ndata: {json.dumps(value)}\n\n".encode()


def template(frame: bytes) -> Callable[[str], bytes]:
    """A fast way to make frames that differ in one string, which is the word `@@` in `frame`."""
    before, after = frame.split(b'"@@"')
    encode = json.dumps
    return lambda text: before + encode(text).encode() + after


def split(text: str, chunks: int | None) -> list[str]:
    """`text` in `chunks` pieces of nearly equal length, or in pieces of 16 characters; [] for no text."""
    if not text:
        return []
    count = min(len(text), chunks) if chunks else -(-len(text) // PIECE)
    size, rest = divmod(len(text), count)
    pieces, start = [], 0
    for number in range(count):
        end = start + size + (number < rest)
        pieces.append(text[start:end])
        start = end
    return pieces


def call_id(call: Call, exchange: Exchange, position: int, prefix: str) -> str:
    """The id that the scripted call has, or one that is unique at this server."""
    return call.call_id or f"{prefix}_{exchange.serial}_{position}"


def finish_of(turn: Turn) -> Finish:
    """Why the turn ends: as scripted, else tool calls where there are any."""
    return turn.finish or ("tool_calls" if turn.calls else "stop")


def text_of(content: object) -> str:
    """The text of a message's content: a string, or the text of its text parts in order."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [part if isinstance(part, str) else part.get("text") or "" for part in content if part]
    return "\n".join(text for text in texts if isinstance(text, str) and text)
