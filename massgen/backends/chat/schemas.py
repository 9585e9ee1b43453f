"""Schemas of tools in the form that OpenAI's format wants: closed objects, no titles, references alone.

What most tools and servers write is known here: objects, arrays, unions, nullable types, definitions and references to
them. Anything stranger is left to the library.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
        "examples",
        "const",
        "deprecated",
        "readOnly",
        "writeOnly",
        "nullable",
        "$comment",
    )
)
_DROPPED = frozenset(("title", "$schema", "discriminator"))
_UNIONS = ("anyOf", "oneOf", "allOf")
_KNOWN = _KEPT | _DROPPED | {*_UNIONS, "$ref"}
_DEFINED = "#/$defs/"
_DEEPEST = 30
JsonObject = dict[str, Any]


def plain(schema: object) -> bool:
    """Whether `closed` does with the schema of a tool all that the library would do."""
    if not isinstance(schema, Mapping) or "$ref" in schema:
        return False
    defined = schema.get("$defs", {})
    if not isinstance(defined, Mapping):
        return False
    top = {name: value for name, value in schema.items() if name != "$defs"}
    return _plain(top, 0) and all(_plain(item, 1) for item in defined.values())


def _plain(schema: object, depth: int) -> bool:
    if not isinstance(schema, Mapping) or depth > _DEEPEST or not schema.keys() <= _KNOWN:
        return False
    kind, more = schema.get("type"), schema.get("additionalProperties")
    if not _is_type(kind):
        return False
    if kind != "object" and (schema.get("properties") is not None or "additionalProperties" in schema):
        return False
    if kind != "array" and schema.get("items") is not None:
        return False
    if not all(_is_union(schema[name]) for name in _UNIONS if name in schema) or not _is_alone(schema):
        return False
    if not isinstance(schema.get("properties") or {}, Mapping):
        return False
    inner = [*_below(schema), *([] if more is None or isinstance(more, bool) else [more])]
    return all(_plain(item, depth + 1) for item in inner)


def _is_type(kind: object) -> bool:
    if isinstance(kind, list):
        return all(isinstance(name, str) for name in kind)
    return kind is None or isinstance(kind, str)


def _is_union(members: object) -> bool:
    """The library merges a union of one into what stands around it."""
    return isinstance(members, list) and len(members) > 1


def _is_alone(schema: Mapping[str, Any]) -> bool:
    """Whether a reference, if there is one, can be moved into a union of its own."""
    if "$ref" not in schema:
        return True
    target = schema["$ref"]
    return isinstance(target, str) and target.startswith(_DEFINED) and not any(name in schema for name in _UNIONS)


def _below(schema: Mapping[str, Any]) -> Iterator[object]:
    yield from (schema.get("properties") or {}).values()
    if schema.get("items") is not None:
        yield schema["items"]
    for name in _UNIONS:
        yield from schema.get(name, ())


def closed(schema: Mapping[str, Any]) -> JsonObject:
    """A `plain` schema whose objects say what else they may hold: nothing, unless they allow it."""
    found = _closed({name: value for name, value in schema.items() if name != "$defs"})
    if schema.get("$defs"):
        found["$defs"] = {name: _closed(item) for name, item in schema["$defs"].items()}
    return found


def _closed(schema: Mapping[str, Any]) -> JsonObject:
    found = {name: value for name, value in schema.items() if name not in _DROPPED}
    if found.get("type") == "object":
        found["properties"] = {name: _closed(item) for name, item in (found.get("properties") or {}).items()}
        more = found.get("additionalProperties")
        found["additionalProperties"] = _closed(more) if isinstance(more, Mapping) else more or False
    if found.get("items") is not None:
        found["items"] = _closed(found["items"])
    for name in _UNIONS:
        if name in found:
            found[name] = [_closed(member) for member in found[name]]
    if "$ref" in found and len(found) > 1:
        found["anyOf"] = [{"$ref": found.pop("$ref")}]
    return found
