"""YAML text to plain values that remember where they stood (CFG-009).

The parser is libyaml's event stream; values are built here, so that every key and value has its line and
column, keys that occur twice are refused, tags cannot run code, and neither depth, aliases nor size can
exhaust the machine. Booleans are `true` and `false` only: a bare `no` or `on` is the text it looks like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from massgen.config.diagnostics import Diagnostic, Path, path_text

MAX_BYTES = 2_000_000
MAX_DEPTH = 60
MAX_NODES = 100_000
MERGE_KEY = "<<"
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,15}\Z")
_OCTAL = re.compile(r"0o[0-7]{1,20}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", "+.inf"), float("inf")),
    "-.inf": float("-inf"),
    ".nan": float("nan"),
}
_TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null", "map", "seq")}

Mark = tuple[int, int]
"""Line and column, counted from 1."""


class SourceMap(dict[str, Any]):
    """A map that knows its path in the file and where each key and value stood.

    `origins` holds the path of keys that were moved here from elsewhere.
    """

    __slots__ = ("keys_at", "mark", "origins", "path", "values_at")

    def __init__(self, path: Path = (), mark: Mark | None = None) -> None:
        super().__init__()
        self.path = path
        self.mark = mark
        self.keys_at: dict[str, Mark] = {}
        self.values_at: dict[str, Mark] = {}
        self.origins: dict[str, Path] = {}

    def path_of(self, key: str) -> Path:
        """Where `key` stands in the file."""
        return self.origins.get(key, (*self.path, key))

    def put(self, key: str, value: Any, *, source: SourceMap | None = None, source_key: str = "") -> None:
        """Set `key`, with the place of `source[source_key]` where it came from there."""
        self[key] = value
        if source is not None:
            self.origins[key] = source.path_of(source_key)
            for mine, theirs in ((self.keys_at, source.keys_at), (self.values_at, source.values_at)):
                if source_key in theirs:
                    mine[key] = theirs[source_key]


class SourceList(list[Any]):
    """A list that knows its path in the file and where each item stood."""

    __slots__ = ("items_at", "mark", "path")

    def __init__(self, path: Path = (), mark: Mark | None = None) -> None:
        super().__init__()
        self.path = path
        self.mark = mark
        self.items_at: list[Mark | None] = []


class SourceProblem(Exception):
    """The text is no configuration; carries the finding."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def _problem(message: str, mark: Mark | None, path: Path = (), suggestion: str | None = None) -> SourceProblem:
    line, column = mark or (None, None)
    return SourceProblem(
        Diagnostic(
            level="error",
            path=path_text(path),
            message=message,
            suggestion=suggestion,
            line=line,
            column=column,
        )
    )


def parse_yaml(text: str) -> Any:
    """The value of the one document in `text`. Raises `SourceProblem`."""
    import yaml

    loader = getattr(yaml, "CLoader", yaml.Loader)
    try:
        return _Builder(yaml.parse(text, Loader=loader)).document()
    except yaml.MarkedYAMLError as error:
        if text.lstrip()[:1] == "{" and (found := _as_json(text)) is not None:
            return found
        at = error.problem_mark or error.context_mark
        mark = (at.line + 1, at.column + 1) if at else None
        raise _problem(f"The YAML cannot be read: {error.problem or error.context}", mark) from None
    except yaml.reader.ReaderError as error:
        raise _problem(*_reader_message(text, error)) from None
    except (yaml.YAMLError, UnicodeEncodeError, RecursionError) as error:
        raise _problem(f"The YAML cannot be read: {type(error).__name__}", None) from None


def _as_json(text: str) -> SourceMap | None:
    """The value of JSON that YAML cannot read (escaped surrogate pairs), without places; else None."""
    import json

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) < len(pairs):
            raise ValueError("a key occurs twice")
        return found

    try:
        value = from_plain(json.loads(text, object_pairs_hook=unique))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, SourceMap) else None


def _reader_message(text: str, error: Any) -> tuple[str, Mark | None]:
    position = error.position if isinstance(error.position, int) else 0
    before = text.encode("utf-8", "replace")[:position].decode("utf-8", "replace")
    mark = (before.count("\n") + 1, (position and len(before) - (before.rfind("\n") + 1) + 1) or 1)
    return f"The YAML cannot be read: {error.reason}", mark


def decode(data: bytes) -> str:
    """The text of a configuration file. Raises `SourceProblem` for what is no text."""
    if len(data) > MAX_BYTES:
        raise _problem(f"The file is larger than {MAX_BYTES // 1_000_000} MB; this is no configuration", None)
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        mark = (before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
        raise _problem("The file is not UTF-8 text", mark) from None


@dataclass(slots=True)
class _Builder:
    events: Iterator[Any]
    anchors: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    nodes: int = 0

    def document(self) -> Any:
        import yaml

        value: Any = None
        seen = False
        for event in self.events:
            match event:
                case yaml.StreamStartEvent() | yaml.StreamEndEvent() | yaml.DocumentEndEvent():
                    continue
                case yaml.DocumentStartEvent():
                    if seen:
                        raise _problem("The file holds more than one document", _mark(event))
                    seen = True
                    value = self._node(next(self.events), (), 0)
                case _:
                    raise _problem("The YAML cannot be read", _mark(event))
        return value

    def _node(self, event: Any, path: Path, depth: int) -> Any:
        import yaml

        mark = _mark(event)
        self._count(1, mark, path)
        if depth > MAX_DEPTH:
            raise _problem(f"Nested more than {MAX_DEPTH} levels deep", mark, path)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, mark, path)
        if event.anchor and event.anchor in self.anchors:
            del self.anchors[event.anchor]
        before = self.nodes
        match event:
            case yaml.ScalarEvent():
                value = _scalar(event, mark, path)
            case yaml.MappingStartEvent():
                _check_tag(event.tag, "map", mark, path)
                value = self._map(path, mark, depth)
            case _:
                _check_tag(event.tag, "seq", mark, path)
                value = self._list(path, mark, depth)
        if event.anchor:
            self.anchors[event.anchor] = value
            self.sizes[event.anchor] = self.nodes - before + 1
        return value

    def _count(self, amount: int, mark: Mark, path: Path) -> None:
        self.nodes += amount
        if self.nodes > MAX_NODES:
            raise _problem(f"More than {MAX_NODES} values, aliases included", mark, path)

    def _alias(self, anchor: str, mark: Mark, path: Path) -> Any:
        if anchor not in self.anchors:
            raise _problem(f"The alias *{anchor} has no anchor before it", mark, path)
        self._count(self.sizes[anchor], mark, path)
        return copy_source(self.anchors[anchor], path)

    def _map(self, path: Path, mark: Mark, depth: int) -> SourceMap:
        import yaml

        result = SourceMap(path, mark)
        merged: list[Any] = []
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key_at = _mark(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise _problem("A key must be plain text", key_at, path)
            key = event.value
            value_event = next(self.events)
            value = self._node(value_event, (*path, key), depth + 1)
            if key == MERGE_KEY and event.implicit[0]:
                merged.extend(value if isinstance(value, list) else [value])
                continue
            if key in result:
                first = result.keys_at[key]
                raise _problem(f"The key '{key}' occurs twice; the first is in line {first[0]}", key_at, (*path, key))
            result[key] = value
            result.keys_at[key] = key_at
            result.values_at[key] = _mark(value_event)
        for source in merged:
            _merge(result, source, mark)
        return result

    def _list(self, path: Path, mark: Mark, depth: int) -> SourceList:
        import yaml

        result = SourceList(path, mark)
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            result.append(self._node(event, (*path, len(result)), depth + 1))
            result.items_at.append(_mark(event))
        return result


def _mark(event: Any) -> Mark:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _merge(target: SourceMap, source: Any, mark: Mark) -> None:
    if not isinstance(source, SourceMap):
        raise _problem("`<<` needs a map, or a list of maps", mark, target.path)
    for key, value in source.items():
        if key not in target:
            target[key] = copy_source(value, (*target.path, key))
            target.keys_at[key] = source.keys_at.get(key, mark)
            target.values_at[key] = source.values_at.get(key, mark)


def copy_source(value: Any, path: Path) -> Any:
    """A copy for use at `path`, whose containers are its own; line and column are kept."""
    match value:
        case SourceMap():
            copied = SourceMap(path, value.mark)
            copied.update({key: copy_source(item, (*path, key)) for key, item in value.items()})
            copied.keys_at, copied.values_at = dict(value.keys_at), dict(value.values_at)
            return copied
        case SourceList():
            items = SourceList(path, value.mark)
            items.extend(copy_source(item, (*path, index)) for index, item in enumerate(value))
            items.items_at = list(value.items_at)
            return items
        case _:
            return value


def from_plain(value: Any, path: Path = ()) -> Any:
    """Plain Python maps and lists as source values without places. Raises `SourceProblem`."""
    if len(path) > MAX_DEPTH:
        raise _problem(f"Nested more than {MAX_DEPTH} levels deep", None, path[:5])
    match value:
        case Mapping():
            result = SourceMap(path)
            for key, item in value.items():
                if not isinstance(key, str):
                    raise _problem(f"A key must be text, not {type(key).__name__}", None, path)
                result[key] = from_plain(item, (*path, key))
            return result
        case list() | tuple():
            items = SourceList(path)
            items.extend(from_plain(item, (*path, index)) for index, item in enumerate(value))
            return items
        case str():
            if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
                raise _problem("The text holds half a character (a lone surrogate)", None, path)
            return value
        case int() | float() | bool() | None:
            return value
        case PurePath():
            return str(value)
        case _:
            raise _problem(f"A value of type {type(value).__name__} cannot be configured", None, path)


def plain(value: Any) -> Any:
    """Source values as plain maps and lists."""
    match value:
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case str():
            return str(value)
        case _:
            return value


def _check_tag(tag: str | None, kind: str, mark: Mark, path: Path) -> None:
    if tag not in (None, "!") and _TAGS.get(tag) != kind:
        raise _problem(f"The tag {tag} is not allowed here", mark, path)


def _scalar(event: Any, mark: Mark, path: Path) -> Any:
    text: str = event.value
    if event.tag in (None, "!"):
        return plain_scalar(text) if event.implicit[0] else text
    kind = _TAGS.get(event.tag)
    if kind == "str":
        return text
    value = plain_scalar(text)
    fits = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}.get(kind or "")
    if fits is None or not isinstance(value, fits):
        raise _problem(f"The tag {event.tag} is not allowed here", mark, path)
    return value


def plain_scalar(text: str) -> Any:
    """What an unquoted word means: null, true, false, a number, else itself (YAML 1.2 core rules)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    if _HEX.match(text):
        return int(text, 16)
    if _OCTAL.match(text):
        return int(text[2:], 8)
    if len(text) < 64 and _FLOAT.match(text) and not text.lstrip("+-").isdigit():
        return float(text)
    return text
