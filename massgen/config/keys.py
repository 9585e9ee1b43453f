"""Unknown keys, empty sections, and keys without effect yet (CFG-020, CFG-043, CFG-074)."""

from __future__ import annotations

import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from massgen.config.diagnostics import Path, nearest
from massgen.config.findings import Findings
from massgen.config.not_yet import NOT_YET, NOT_YET_VALUES
from massgen.config.schema.base import Section
from massgen.config.schema.root import OLD_FORM, Config
from massgen.config.source import SourceList, SourceMap

FREE_PREFIX = "x-"


@cache
def shape(annotation: Any) -> tuple[type[Section] | None, str, bool]:
    """What an annotation holds: (section, "one" | "list" | "map" | "", may be null)."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return shape(get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation, "one", False
    if origin in (Union, types.UnionType):
        members = get_args(annotation)
        inner = [shape(member) for member in members if member is not type(None)]
        section, kind = next(((item[0], item[1]) for item in inner if item[0]), (None, inner[0][1]))
        return section, kind, type(None) in members
    if origin is tuple:
        return shape(get_args(annotation)[0])[0], "list", False
    if origin is dict:
        return shape(get_args(annotation)[1])[0], "map", False
    return None, "", False


def examine(root: SourceMap, findings: Findings) -> None:
    """Report unknown and ineffective keys; empty sections (`orchestrator:`) are taken as left out."""
    _section(Config, root, "", (), findings)


def _section(model: type[Section], values: SourceMap, pattern: str, path: Path, findings: Findings) -> None:
    for key in list(values):
        here = (*path, key)
        field = model.model_fields.get(key)
        if field is None:
            if not (path == () and (key.startswith(FREE_PREFIX) or key in OLD_FORM)):
                _unknown(model, values, key, here, findings)
            continue
        dotted = f"{pattern}.{key}" if pattern else key
        value = values[key]
        section, kind, nullable = shape(field.annotation)
        if value is None and kind and not nullable:
            del values[key]
            continue
        _effect(dotted, value, here, findings)
        if section:
            for suffix, item, item_path in _items(kind, value, here):
                _section(section, item, dotted + suffix, item_path, findings)


def _items(kind: str, value: Any, path: Path) -> Iterator[tuple[str, SourceMap, Path]]:
    if kind == "one" and isinstance(value, SourceMap):
        yield "", value, path
    elif kind == "list" and isinstance(value, SourceList):
        for index, item in enumerate(value):
            if isinstance(item, SourceMap):
                yield "[]", item, (*path, index)
    elif kind == "map" and isinstance(value, SourceMap):
        for name, item in value.items():
            if isinstance(item, SourceMap):
                yield ".*", item, (*path, name)


def _unknown(model: type[Section], values: SourceMap, key: str, path: Path, findings: Findings) -> None:
    known = [*model.model_fields, *(name for name in model.also if name.isidentifier())]
    guess = nearest(key, known)
    shown, mark = values.path_of(key), values.keys_at.get(key, values.mark)
    if model.open:
        if guess:
            message = f"'{key}' is passed to the provider as it is"
            findings.put("hint", shown, mark, message, f"Did you mean '{guess}'?", "unknown-key")
        return
    place = None if guess else _home(key)
    suggestion = f"Did you mean '{guess}'?" if guess else place and f"'{key}' belongs below '{place}'"
    findings.put("warning", shown, mark, f"Unknown key '{key}', it has no effect", suggestion, "unknown-key")


def _effect(pattern: str, value: Any, path: Path, findings: Findings) -> None:
    reason = NOT_YET.get(pattern)
    if reason is None and isinstance(value, str):
        reason = NOT_YET_VALUES.get(pattern, {}).get(value)
    if reason and value not in (None, False, [], {}, 0):
        findings.hint(path, f"'{path[-1]}' has no effect yet: {reason}", code="not-yet")


@cache
def key_homes() -> dict[str, str]:
    """For every key of the tree the pattern of the section it stands in first."""
    homes: dict[str, str] = {}
    for pattern, model in walk_sections():
        for key in model.model_fields:
            homes.setdefault(key, pattern)
    return homes


def walk_sections() -> Iterator[tuple[str, type[Section]]]:
    """All sections of the tree with their patterns, parents first; a section inside itself only once."""
    queue: list[tuple[str, type[Section], tuple[type[Section], ...]]] = [("", Config, ())]
    while queue:
        pattern, model, above = queue.pop(0)
        yield pattern, model
        for key, field in model.model_fields.items():
            section, kind, _ = shape(field.annotation)
            if section and section not in above and section is not model:
                suffix = {"one": "", "list": "[]", "map": ".*"}[kind]
                dotted = f"{pattern}.{key}" if pattern else key
                queue.append((dotted + suffix, section, (*above, model)))


def _home(key: str) -> str | None:
    homes = key_homes()
    place = homes.get(key)
    if place is None and (guess := nearest(key, homes)):
        place = homes[guess]
    return place or None
