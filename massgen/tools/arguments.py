"""The arguments a model wrote, made into a value of the tool's schema, or words about what is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from massgen.backends.protocol import JsonSchema, ToolSpec
from massgen.errors import MassGenError
from massgen.tools.cleaning import shorten

MAX_ARGUMENT_CHARACTERS = 10_000_000
MAX_DEPTH = 64
_MESSAGE_CHARACTERS = 300


class BadArguments(MassGenError):
    """The model must write the call again; the message says what to change."""


class ArgumentReader:
    """Parses and checks arguments; validators are built once per tool.

    jsonschema (which the MCP library brings anyway) checks, because tools of MCP servers use all of JSON
    Schema. It takes 0.1 s to import; `prefetch_checks` does it while models are asked. Keywords that can take for
    ever (regular expressions, uniqueness) are left to the tool: a schema of a foreign server could hang us with one.
    """

    def __init__(self) -> None:
        self._validators: dict[str, Any] = {}

    def read(self, spec: ToolSpec, raw: str) -> dict[str, Any]:
        """The arguments of one call; raises `BadArguments`."""
        arguments = _repaired(parse_object(raw), spec.parameters)
        validator = self._validators.get(spec.name)
        if validator is None:
            validator = self._validators[spec.name] = _validator(spec.parameters)
        error = _first_error(validator, arguments)
        if error is None:
            return arguments
        place = ".".join(str(part) for part in error.absolute_path)
        where = f" at '{place}'" if place else ""
        what = shorten(error.message, _MESSAGE_CHARACTERS)
        raise BadArguments(f"Invalid arguments{where}: {what}. Expected: {signature(spec.parameters)}")


def prefetch_checks() -> None:
    """Import what checks arguments, for the first call of a tool; safe in a thread."""
    import_module("jsonschema")


def parse_object(raw: str) -> dict[str, Any]:
    """The JSON object in `raw` (empty means no arguments); raises `BadArguments`."""
    if not raw.strip():
        return {}
    if len(raw) > MAX_ARGUMENT_CHARACTERS:
        raise BadArguments(f"The arguments are longer than {MAX_ARGUMENT_CHARACTERS} characters.")
    value = _parsed(raw)
    if isinstance(value, str):  # some models encode twice
        value = _parsed(value)
    if not isinstance(value, dict):
        raise BadArguments(f"The arguments must be a JSON object, not {_kind(value)}.")
    return value


def signature(schema: JsonSchema) -> str:
    """One line about the parameters: `path (string), recursive (boolean, optional)`."""
    required = schema.get("required", ())
    parts = []
    for name, field in schema.get("properties", {}).items():
        kind = field.get("type", "any") if isinstance(field, Mapping) else "any"
        kind = "/".join(map(str, kind)) if isinstance(kind, list) else str(kind)
        parts.append(f"{name} ({kind})" if name in required else f"{name} ({kind}, optional)")
    return ", ".join(parts) or "no arguments"


def _parsed(raw: str) -> Any:
    try:
        value = json.loads(raw, parse_constant=_no_constant, strict=False)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BadArguments(f"The arguments are not valid JSON: {reason}. Write the call again.") from None
    return _sound(value, 0)


def _sound(value: Any, depth: int) -> Any:
    """`value` with texts that can be encoded; raises `BadArguments` where it is nested too deeply."""
    if depth > MAX_DEPTH:
        raise BadArguments(f"The arguments are nested more than {MAX_DEPTH} levels deep.")
    match value:
        case str():
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case dict():
            return {_sound(key, depth): _sound(item, depth + 1) for key, item in value.items()}
        case list():
            return [_sound(item, depth + 1) for item in value]
        case _:
            return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def _kind(value: Any) -> str:
    return {list: "a list", str: "a text", bool: "a boolean", type(None): "null"}.get(type(value), "a number")


def _repaired(arguments: dict[str, Any], schema: JsonSchema) -> dict[str, Any]:
    """Undo two habits of models: null for an optional parameter left out, and a value written as text."""
    fields, required = schema.get("properties", {}), schema.get("required", ())
    result = {}
    for name, value in arguments.items():
        field = fields.get(name)
        kinds = field.get("type") if isinstance(field, Mapping) else None
        allowed = kinds if isinstance(kinds, list) else [kinds]
        if value is None and kinds is not None and "null" not in allowed and name not in required:
            continue
        if isinstance(value, str) and kinds is not None and "string" not in allowed:
            with suppress(BadArguments):  # stays a text then, and the schema check says so
                value = _parsed(value)
        result[name] = value
    return result


def _validator(schema: JsonSchema) -> Any:
    jsonschema = import_module("jsonschema")
    base = jsonschema.Draft202012Validator
    own: dict[str, Any] = {"pattern": _skip, "patternProperties": _skip, "uniqueItems": _skip}
    for keyword in ("additionalProperties", "unevaluatedProperties"):
        own[keyword] = _unless_patterns(base.VALIDATORS[keyword])
    checked = jsonschema.validators.extend(base, own)
    try:
        checked.check_schema(dict(schema))
    except jsonschema.SchemaError:
        return checked({"type": "object"})
    return checked(dict(schema), registry=import_module("referencing").Registry())


def _first_error(validator: Any, arguments: dict[str, Any]) -> Any:
    """The most telling error; a schema that cannot be followed checks nothing (the tool will)."""
    unresolvable = import_module("referencing.exceptions").Unresolvable
    try:
        return import_module("jsonschema.exceptions").best_match(validator.iter_errors(arguments))
    except (unresolvable, RecursionError):
        return None


def _skip(*_: Any) -> None:
    return None


def _unless_patterns(check: Any) -> Any:
    """`check` for schemas without patternProperties, whose expressions it would run."""

    def checked(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        return () if "patternProperties" in schema else check(validator, value, instance, schema)

    return checked
