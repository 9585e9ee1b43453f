"""Schemas of tools in the form that OpenAI's format wants: closed objects, no titles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KEPT = frozenset(
    (
        "type",
        "properties",
        "required",
        "description",
        "enum",
        "items",
        "default",
        "additionalProperties",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "minItems",
        "maxItems",
        "uniqueItems",
        "examples",
        "const",
    )
)
_DROPPED = frozenset(("title", "$schema", "discriminator"))
_KNOWN = _KEPT | _DROPPED
_DEEPEST = 30
JsonObject = dict[str, Any]


def plain(schema: object, depth: int = 0) -> bool:
    """Whether `closed` does with a schema all that the library would do: no references, no unions, no odd types."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST or not schema.keys() <= _KNOWN:
        return False
    kind, properties, items = schema.get("type"), schema.get("properties"), schema.get("items")
    more = schema.get("additionalProperties")
    if kind != "object" and (properties is not None or "additionalProperties" in schema):
        return False
    if kind != "array" and items is not None:
        return False
    inner = [] if properties is None else list(properties.values()) if isinstance(properties, Mapping) else [None]
    inner += [] if items is None else [items]
    inner += [] if more is None or isinstance(more, bool) else [more]
    return all(plain(item, depth + 1) for item in inner)


def closed(schema: Mapping[str, Any]) -> JsonObject:
    """A `plain` schema whose objects say what else they may hold: nothing, unless they allow it."""
    found = {name: value for name, value in schema.items() if name not in _DROPPED}
    if found.get("type") == "object":
        found["properties"] = {name: closed(item) for name, item in found.get("properties", {}).items()}
        more = found.get("additionalProperties")
        found["additionalProperties"] = closed(more) if isinstance(more, Mapping) else more or False
    if "items" in found:
        found["items"] = closed(found["items"])
    return found
