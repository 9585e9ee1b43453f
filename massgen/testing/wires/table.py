"""Which path belongs to which wire format."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

from massgen.testing.requests import Format
from massgen.testing.wires import anthropic, chat, gemini, responses
from massgen.testing.wires.wire import Wire

WIRES: dict[Format, Wire] = {
    "chat": chat.WIRE,
    "responses": responses.WIRE,
    "anthropic": anthropic.WIRE,
    "gemini": gemini.WIRE,
}
ENDINGS: tuple[tuple[str, Format], ...] = (
    ("/chat/completions", "chat"),
    ("/responses", "responses"),
    ("/messages", "anthropic"),
    ("/models", "models"),
)
GEMINI = re.compile(r"/models/([^/:]+(?:/[^/:]+)*):(generateContent|streamGenerateContent)$")
DEPLOYMENT = re.compile(r"/deployments/([^/]+)/")


class Route(Struct, frozen=True, kw_only=True):
    """What the path says: the format, and for some formats the model and whether to stream."""

    format: Format
    model: str
    stream: bool


def route(target: str, body: Any) -> Route:
    """The route of a request. Any prefix is accepted, so that a base URL may have a path of its own."""
    parts = urlsplit(target)
    path = unquote(parts.path)
    if found := GEMINI.search(path):
        streams = found[2] == "streamGenerateContent" and parse_qs(parts.query).get("alt") == ["sse"]
        return Route(format="gemini", model=found[1], stream=streams)
    wanted: dict[str, Any] = body if isinstance(body, dict) else {}
    model = str(wanted.get("model") or "")
    if not model and (deployment := DEPLOYMENT.search(path)):
        model = deployment[1]
    return Route(format=kind_of(path), model=model, stream=bool(wanted.get("stream")))


def kind_of(path: str) -> Format:
    for ending, kind in ENDINGS:
        if path.endswith(ending):
            return kind
    return "other"
