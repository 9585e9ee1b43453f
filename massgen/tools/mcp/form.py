"""The form of a server's question: fields of a flat schema, put to a person one by one, answers of the right type."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from massgen.tools.mcp.bounds import one_line, prompt_text
from massgen.tools.mcp.questions import Scalar

MAX_FIELDS = 20
MAX_CHOICES = 500
MAX_ANSWER = 10_000
_YES, _NO = frozenset(("yes", "y", "true", "1")), frozenset(("no", "n", "false", "0", "2"))
_YES_OR_NO = (("yes", "Yes"), ("no", "No"))
_FORMATS = {
    "email": (re.compile(r"[^@\s]+@[^@\s]+"), "an e-mail address"),
    "uri": (re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+"), "an address such as https://example.org"),
    "date": (re.compile(r"\d{4}-\d\d-\d\d"), "a date such as 2026-01-31"),
    "date-time": (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?"), "a date and time"),
}

Kind = Literal["text", "number", "integer", "yes or no", "choice", "choices"]


class UnusableForm(ValueError):
    """The schema asks for something that no such form has."""


class BadAnswer(ValueError):
    """What was typed is no value of the field; the message says what is wanted."""


class FormField(Struct, frozen=True, kw_only=True):
    """One thing to ask for. `choices` are pairs of value and title; `low` and `high` bound the number, the length
    of a text, or how many choices; `default` is what an empty answer means, None for nothing."""

    name: str
    kind: Kind
    title: str
    help: str = ""
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    low: float | None = None
    high: float | None = None
    format: str = ""
    default: Scalar | None = None

    def heading(self) -> str:
        """What is asked for, for people; of several choices also how many."""
        bounds = f" ({_range(self.low, self.high)})" if self.kind == "choices" and self.bounded else ""
        return self.title + (f": {self.help}" if self.help else "") + bounds

    def typing(self) -> str:
        """What to type, and what Enter alone means."""
        if self.default is not None:
            enter = f"Enter alone means {one_line(', '.join(map(self._title, self.defaults())), 200)}."
        else:
            enter = "Enter alone declines." if self.required else "Enter alone leaves it out."
        return f"Wanted: {self.wanted()}.\n{enter}"

    @property
    def bounded(self) -> bool:
        return self.low is not None or self.high is not None

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """What can be picked, as pairs of value and title; empty where only words will do."""
        return _YES_OR_NO if self.kind == "yes or no" else self.choices

    def defaults(self) -> tuple[str, ...]:
        """The default as the values that `pick` takes."""
        match self.default:
            case None:
                return ()
            case bool():
                return ("yes" if self.default else "no",)
            case list():
                return tuple(self.default)
            case _:
                return (str(self.default),)

    def _title(self, value: str) -> str:
        return dict(self.options).get(value, value)

    def wanted(self) -> str:
        """The kind of value, with its bounds."""
        bounds = _range(self.low, self.high)
        match self.kind:
            case "text":
                kind = _FORMATS[self.format][1] if self.format else "text"
                return f"{kind}, {bounds} characters" if bounds else kind
            case "number" | "integer":
                kind = "a whole number" if self.kind == "integer" else "a number"
                return f"{kind}, {bounds}" if bounds else kind
            case "yes or no":
                return "yes or no, or the number"
            case "choice":
                return "one of these, by number or name"
            case "choices":
                return "any of these, with commas between" + (f"; {bounds}" if bounds else "")

    def read(self, text: str) -> Scalar:
        """The value that `text` means; raises `BadAnswer`."""
        text = text.strip()
        match self.kind:
            case "text":
                return self._text(text)
            case "number" | "integer":
                return self._number(text)
            case "yes or no":
                word = text.lower()
                if word not in _YES | _NO:
                    raise BadAnswer(self.wanted())
                return word in _YES
            case "choice":
                return self._choice(text)
            case "choices":
                found = list(dict.fromkeys(self._choice(part) for part in text.split(",") if part.strip()))
                self._bounded(len(found))
                return found

    def pick(self, values: Sequence[str]) -> Scalar | None:
        """What was picked from `options`, None for an answer that is left out; raises `BadAnswer`."""
        if not values and not self.required:
            return None
        if any(value not in dict(self.options) for value in values):
            raise BadAnswer(self.wanted())
        if self.kind == "choices":
            self._bounded(len(values))
            return list(values)
        if len(values) != 1:
            raise BadAnswer(self.wanted())
        return self.read(values[0])

    def _text(self, text: str) -> str:
        if len(text) > MAX_ANSWER:
            raise BadAnswer(f"at most {MAX_ANSWER} characters")
        if self.format and _FORMATS[self.format][0].fullmatch(text) is None:
            raise BadAnswer(self.wanted())
        self._bounded(len(text))
        return text

    def _number(self, text: str) -> int | float:
        try:
            value = int(text) if self.kind == "integer" and len(text) < 20 else float(text)
        except ValueError:
            raise BadAnswer(self.wanted()) from None
        if not math.isfinite(value) or (self.kind == "integer" and not isinstance(value, int)):
            raise BadAnswer(self.wanted())
        self._bounded(value)
        return value

    def _choice(self, text: str) -> str:
        text = text.strip()
        for value, _ in self.choices:
            if text == value:
                return value
        for value, title in self.choices:
            if text.lower() in (value.lower(), title.lower()):
                return value
        if text.isdecimal() and len(text) < 6 and 1 <= int(text) <= len(self.choices):
            return self.choices[int(text) - 1][0]
        raise BadAnswer(self.wanted())

    def _bounded(self, value: float) -> None:
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise BadAnswer(self.wanted())


def form_fields(schema: Mapping[str, object]) -> tuple[FormField, ...]:
    """The fields of a flat object schema, as servers may ask for; raises `UnusableForm` for anything else.

    Patterns are left to the server: a regular expression of a stranger could keep us busy for ever.
    """
    properties = schema.get("properties") or {}
    required, shared = schema.get("required") or (), schema.get("$defs") or {}
    if not isinstance(properties, Mapping) or not isinstance(shared, Mapping) or not isinstance(required, Sequence):
        raise UnusableForm("its schema is not flat")
    if len(properties) > MAX_FIELDS:
        raise UnusableForm(f"it has more than {MAX_FIELDS} fields")
    return tuple(_field(str(name), item, name in required, shared) for name, item in properties.items())


def _field(name: str, raw: object, required: bool, shared: Mapping[Any, Any]) -> FormField:
    if not isinstance(raw, Mapping):
        raise UnusableForm(f"its field {one_line(name, 60)} has no schema")
    raw = _plain(raw, shared)
    kind, choices = _kind(raw, shared)
    if kind == "text":
        bounds = ("minLength", "maxLength")
    else:
        bounds = ("minItems", "maxItems") if kind == "choices" else ("minimum", "maximum")
    found = FormField(
        name=name,
        kind=kind,
        title=one_line(str(raw.get("title") or name), 200),
        help=prompt_text(str(raw.get("description") or ""), 1000),
        required=required,
        choices=choices,
        low=_bound(raw.get(bounds[0])),
        high=_bound(raw.get(bounds[1])),
        format=str(raw.get("format")) if kind == "text" and raw.get("format") in _FORMATS else "",
    )
    return _with_default(found, raw.get("default"))


def _plain(raw: Mapping[Any, Any], shared: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """`raw` without what libraries wrap around a field: a name for a shared schema, "or null"."""
    name = raw.get("$ref")
    if isinstance(name, str):
        found = shared.get(name.rpartition("/")[2])
        raw = {**found, "title": None, **raw} if isinstance(found, Mapping) else raw
    kinds = raw.get("anyOf")
    if isinstance(kinds, list):
        real = [each for each in kinds if isinstance(each, Mapping) and each.get("type") != "null"]
        if len(real) == 1 and len(kinds) == 2:
            rest = {key: value for key, value in raw.items() if key not in ("anyOf", "$ref")}
            return {**_plain(real[0], shared), **rest} if "anyOf" not in real[0] else raw
    return raw


def _kind(raw: Mapping[Any, Any], shared: Mapping[Any, Any]) -> tuple[Kind, tuple[tuple[str, str], ...]]:
    match raw.get("type"):
        case "boolean":
            return "yes or no", ()
        case "integer":
            return "integer", ()
        case "number":
            return "number", ()
        case "array":
            items = raw.get("items")
            choices = _choices(_plain(items, shared)) if isinstance(items, Mapping) else ()
            if not choices:
                raise UnusableForm("it asks for a list that is no selection")
            return "choices", choices
        case "string" | None if raw.get("type") or _choices(raw):
            choices = _choices(raw)
            return ("choice" if choices else "text"), choices
        case other:
            raise UnusableForm(f"it asks for a value of type {one_line(str(other), 40)}")


def _choices(raw: Mapping[Any, Any]) -> tuple[tuple[str, str], ...]:
    """Values with their titles: `enum` (with `enumNames`), or `oneOf` and `anyOf` of constants."""
    found: list[tuple[str, str]] = []
    values = [raw["const"]] if "const" in raw else raw.get("enum")
    if isinstance(values, list):
        names = raw.get("enumNames")
        titles = names if isinstance(names, list) and len(names) == len(values) else values
        found = [(str(value), one_line(str(title), 200)) for value, title in zip(values, titles, strict=True)]
    titled = raw.get("oneOf") or raw.get("anyOf")
    for each in titled if isinstance(titled, list) else ():
        if isinstance(each, Mapping) and "const" in each:
            value = str(each["const"])
            found.append((value, one_line(str(each.get("title") or value), 200)))
    if len(found) > MAX_CHOICES:
        raise UnusableForm(f"it has more than {MAX_CHOICES} choices")
    return tuple({value: (value, title) for value, title in found}.values())


def _with_default(item: FormField, default: object) -> FormField:
    """`item` with `default` if that is a value of the field; a server's default is no better than an answer."""
    if default is None:
        return item
    try:
        if isinstance(default, list):
            value = item.pick([str(each) for each in default])
        else:
            value = item.read(str(default).lower() if isinstance(default, bool) else str(default))
    except BadAnswer:
        return item
    return replace(item, default=value)


def _bound(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"from {low:g} to {high:g}"
    if low is not None:
        return f"at least {low:g}"
    return f"at most {high:g}" if high is not None else ""
