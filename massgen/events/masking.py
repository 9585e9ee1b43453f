"""Masks secrets in the texts of an event at the moment it enters the stream (invariant 11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from massgen.events.types import Body, Unknown

Redact = Callable[[str], str]


def masked(body: Body, redact: Redact) -> Body:
    """`body` with every text redacted; the same object where nothing changed."""
    if isinstance(body, Unknown):
        return replace(body, data=_value(body.data, redact))
    changed: dict[str, Any] = {}
    for name in body.__struct_fields__:
        old = getattr(body, name)
        new = _value(old, redact)
        if new != old:
            changed[name] = new
    return replace(body, **changed) if changed else body


def _value(value: Any, redact: Redact) -> Any:
    match value:
        case str():
            return redact(value)
        case tuple():
            return tuple(_value(item, redact) for item in value)
        case list():
            return [_value(item, redact) for item in value]
        case dict():
            return {key: _value(item, redact) for key, item in value.items()}
        case _:
            return value
