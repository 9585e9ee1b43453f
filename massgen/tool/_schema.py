"""A function's signature and docstring as the schema of a tool (TOOL-007, TOOL-008, TOOL-013)."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import inspect
import re
import types
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

Json = dict[str, Any]

_PLAIN: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_LISTS = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Iterable)
_SECTION = re.compile(
    r"^(Args|Arguments|Parameters|Params|Returns?|Raises|Yields?|Examples?|Notes?|Attributes|Warnings?|See Also):\s*$"
)
_PARAMETER = re.compile(r"^\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")


def function_schema(function: Callable[..., Any], *, hidden: Collection[str] = ()) -> tuple[str, Json]:
    """Description and JSON Schema (type object) of `function`; parameters in `hidden` are left out.

    A function with `**kwargs` takes whatever else is sent. Raises TypeError with the name of function and parameter
    where a type hint is missing.
    """
    name = getattr(function, "__name__", type(function).__name__)
    signature = inspect.signature(function)
    hints = _hints(function, name)
    description, words = parse_docstring(inspect.getdoc(function) or "")
    properties: dict[str, Json] = {}
    required: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or parameter.name in hidden:
            continue
        if parameter.annotation is parameter.empty:
            raise TypeError(
                f"cannot create schema for function '{name}': parameter '{parameter.name}' has no type hint"
            )
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise TypeError(f"cannot create schema for function '{name}': '{parameter.name}' is positional only")
        hint = hints.get(parameter.name, parameter.annotation)
        field = type_schema(hint)
        if parameter.name in words:
            field["description"] = words[parameter.name]
        if parameter.default is not parameter.empty and _is_json(parameter.default):
            field["default"] = parameter.default
        properties[parameter.name] = field
        if parameter.default is parameter.empty and not _is_optional(hint):
            required.append(parameter.name)
    schema: Json = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values()):
        schema["additionalProperties"] = True
    return description, schema


def type_schema(hint: Any) -> Json:
    """JSON Schema of one type hint, in the part of JSON Schema that every provider takes."""
    if isinstance(hint, typing.TypeVar) or hint is Any or hint is inspect.Parameter.empty:
        return {}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _annotated(arguments)
    if origin in (typing.Union, types.UnionType):
        return _union([each for each in arguments if each is not type(None)])
    if origin is Literal:
        return _choices(list(arguments))
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    kind = origin or hint
    if kind in _LISTS:
        inner = [each for each in arguments if each is not Ellipsis]
        return {"type": "array", "items": _union(inner) if inner else {}}
    if kind in (dict, collections.abc.Mapping, collections.abc.MutableMapping):
        return _mapping(arguments)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _choices([member.value for member in hint])
    return _structured(hint)


def parse_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The text before the first section, and what the Google-style `Args:` section says of each parameter."""
    lines = text.splitlines()
    starts = [index for index, line in enumerate(lines) if _SECTION.match(line.strip())]
    body = lines[: starts[0]] if starts else lines
    description = "\n".join(line.rstrip() for line in body).strip()
    words: dict[str, str] = {}
    for start in starts:
        if lines[start].strip()[:-1] not in ("Args", "Arguments", "Parameters", "Params"):
            continue
        margin: int | None = None
        last = ""
        for line in lines[start + 1 :]:
            if _SECTION.match(line.strip()) or (line and not line[0].isspace()):
                break
            indent = len(line) - len(line.lstrip())
            margin = indent if margin is None and line.strip() else margin
            match = _PARAMETER.match(line.strip())
            if match and indent == margin:
                last = match[1]
                words[last] = match[2].strip()
            elif last and line.strip():
                words[last] = f"{words[last]} {line.strip()}".strip()
    return description, words


def argument_problem(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What is wrong with `arguments` at the first level ("" if nothing): missing, unknown, or of a wrong type."""
    properties, takes_more = schema.get("properties", {}), schema.get("additionalProperties") is True
    for name in schema.get("required", ()):
        if name not in arguments:
            return f"missing parameter '{name}'"
    for name, value in arguments.items():
        if name not in properties and not takes_more:
            return f"unknown parameter '{name}'"
        kind = properties.get(name, {}).get("type")
        if value is None and name not in schema.get("required", ()):
            continue
        if kind and not _fits(value, kind):
            return f"parameter '{name}' must be of type {kind}, not {type(value).__name__}"
    return ""


def converted(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`arguments` as the function's hints want them: enums, dataclasses, models and the like are built.

    Raises ValueError (pydantic's included) where a value does not fit.
    """
    hints = _hints(function, getattr(function, "__name__", "tool"))
    result = dict(arguments)
    for name, value in arguments.items():
        hint = hints.get(name)
        if value is not None and hint is not None and not _plain_hint(hint):
            from pydantic import TypeAdapter

            result[name] = TypeAdapter(hint).validate_python(value)
        elif hint is float and isinstance(value, int) and not isinstance(value, bool):
            result[name] = float(value)
    return result


def _hints(function: Callable[..., Any], name: str) -> dict[str, Any]:
    target = function if inspect.isroutine(function) else type(function).__call__
    try:
        return typing.get_type_hints(target, include_extras=True)
    except NameError as error:
        raise TypeError(f"cannot create schema for function '{name}': {error}") from error


def _annotated(arguments: tuple[Any, ...]) -> Json:
    schema = type_schema(arguments[0])
    for extra in arguments[1:]:
        text = extra if isinstance(extra, str) else getattr(extra, "description", None)
        if isinstance(text, str):
            schema["description"] = text
    return schema


def _union(members: list[Any]) -> Json:
    schemas = [type_schema(member) for member in members]
    if len(schemas) == 1:
        return schemas[0]
    return {"anyOf": schemas} if all(schemas) else {}


def _choices(values: list[Any]) -> Json:
    kinds = {_PLAIN.get(type(value)) for value in values}
    schema: Json = {"enum": values}
    if len(kinds) == 1 and None not in kinds:
        schema["type"] = kinds.pop()
    return schema


def _mapping(arguments: tuple[Any, ...]) -> Json:
    schema: Json = {"type": "object"}
    values = type_schema(arguments[1]) if len(arguments) == 2 else {}
    schema["additionalProperties"] = values or True
    return schema


def _structured(hint: Any) -> Json:
    """Models, dataclasses, typed dicts, dates, paths: whatever pydantic knows."""
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

    try:
        return TypeAdapter(hint).json_schema()
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise TypeError(f"cannot create schema for function: the type {hint!r} is not supported") from error


def _plain_hint(hint: Any) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal or hint in _PLAIN or hint in (Any, type(None), list, dict):
        return True
    if origin in (typing.Union, types.UnionType, list, dict):
        return all(map(_plain_hint, arguments))
    if origin is typing.Annotated:
        return _plain_hint(arguments[0])
    return False


def _is_optional(hint: Any) -> bool:
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    return typing.get_origin(hint) in (typing.Union, types.UnionType) and type(None) in typing.get_args(hint)


def _is_json(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    return value is None or (type(value) in _PLAIN and not dataclasses.is_dataclass(value))


def _fits(value: Any, kind: str | list[str]) -> bool:
    if isinstance(kind, list):
        return any(_fits(value, each) for each in kind)
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list | tuple)
        case "object":
            return isinstance(value, Mapping)
        case _:
            return True
