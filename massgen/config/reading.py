"""Raw values to the typed tree; what does not fit becomes findings (CFG-067, CFG-068).

Every error is found in one go, and the rest of the tree is still read: values that do not fit are taken out,
so that the checks that need several keys can run on what is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from massgen.config.diagnostics import Path, nearest
from massgen.config.findings import Findings
from massgen.config.schema.root import Config
from massgen.config.source import SourceList, SourceMap, copy_source, plain_scalar
from massgen.config.substitution import FromVariable, Unset

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SECRET_WORDS = ("key", "token", "secret", "password", "credential", "env", "headers")
_KINDS = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "dict_type": "a map",
    "tuple_type": "a list",
    "list_type": "a list",
    "finite_number": "a finite number",
}


def read_tree(root: SourceMap, findings: Findings) -> Config:
    """The typed tree of `root`, without what does not fit; that is reported to `findings` as errors."""
    from pydantic import ValidationError

    draft = copy_source(root, root.path)
    _keep_origins(root, draft)
    seen: set[Path] = set()
    while True:
        try:
            return Config.model_validate(draft)
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=True, include_input=True)
        groups: dict[Path, list[ErrorDetails]] = {}
        for detail in details:
            groups.setdefault(_real_path(draft, detail["loc"]), []).append(detail)
        for path, group in groups.items():
            value = _value(draft, path)
            if isinstance(value, FromVariable) and (converted := plain_scalar(value)) != value:
                _replace(draft, path, converted)
                continue
            if path not in seen and not isinstance(value, Unset):
                seen.add(path)
                _report(findings, path, value, group)
            _take_out(draft, path)


def _keep_origins(source: Any, copied: Any) -> None:
    """Copies lose the paths of moved keys; the draft is only used for its shape, so that is enough."""
    if isinstance(source, SourceMap) and isinstance(copied, SourceMap):
        copied.origins = dict(source.origins)


def _real_path(root: SourceMap, location: tuple[int | str, ...]) -> Path:
    """`location` as far as it names something: a missing key is its last part, a union's branch is dropped."""
    path: list[str | int] = []
    here: Any = root
    for part in location:
        match here:
            case SourceMap() if isinstance(part, str):
                path.append(part)
                if part not in here:
                    return tuple(path)
                here = here[part]
            case SourceList() if isinstance(part, int) and part < len(here):
                path.append(part)
                here = here[part]
            case _:
                break
    return tuple(path)


def _value(root: SourceMap, path: Path) -> Any:
    here: Any = root
    for part in path:
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            return None
    return here


def _replace(root: SourceMap, path: Path, value: Any) -> None:
    holder = _value(root, path[:-1])
    holder[path[-1]] = value


def _take_out(root: SourceMap, path: Path) -> None:
    """Remove the value at `path`; where it is missing, what needed it goes."""
    while path:
        holder, part = _value(root, path[:-1]), path[-1]
        if isinstance(holder, dict) and part in holder:
            del holder[part]  # pyright: ignore[reportArgumentType]
            return
        if isinstance(holder, list) and isinstance(part, int) and part < len(holder):
            # agents keep their position, so that paths of later findings stay right
            if len(path) == 2 and path[0] == "agents":
                holder[part] = SourceMap(path)
            else:
                del holder[part]
            return
        path = path[:-1]
    root.clear()


def _report(findings: Findings, path: Path, value: Any, group: list[ErrorDetails]) -> None:
    types = {detail["type"] for detail in group}
    key = str(path[-1]) if path else ""
    subject = f"'{key}'" if path and isinstance(path[-1], str) else f"An entry of '{_holder(path)}'"
    if types == {"missing"}:
        owner = _owner(path[:-1])
        findings.error(path[:-1], f"{owner} missing required field '{key}'", f"Add '{key}: ...'")
        return
    literals = [detail for detail in group if detail["type"] == "literal_error"]
    if literals:
        allowed = list(dict.fromkeys(word for detail in literals for word in _allowed(detail)))
        guess = nearest(str(value), allowed)
        suggestion = f"Use one of: {', '.join(allowed)}"
        findings.error(path, f"Invalid {key}: {_shown(path, value)}", _meant(guess) + suggestion)
        return
    kinds = list(dict.fromkeys(kind for detail in group if (kind := _KINDS.get(detail["type"]))))
    if kinds:
        wanted = " or ".join(kinds)
        findings.error(path, f"{subject} must be {wanted}, not {_shown(path, value)}", _fix(kinds, value))
        return
    detail = group[0]
    message = detail["msg"].replace("Input should", "must").replace("input", "value")
    findings.error(path, f"{subject} {message}, not {_shown(path, value)}")


def _owner(path: Path) -> str:
    last = _holder(path)
    return {"agents": "Agent", "context_paths": "Context path", "hooks": "Hook"}.get(last, f"'{last}'")


def _holder(path: Path) -> str:
    """The last key of `path` that is no position in a list."""
    return next((part for part in reversed(path) if isinstance(part, str)), "configuration")


def _allowed(detail: ErrorDetails) -> list[str]:
    text = str(detail.get("ctx", {}).get("expected", ""))
    return [word.strip().strip("'") for word in text.replace(" or ", ", ").split(",") if word.strip()]


def _meant(guess: str | None) -> str:
    return f"Did you mean '{guess}'? " if guess else ""


def _shown(path: Path, value: Any) -> str:
    """The value for a message; secrets and values of variables are only described."""
    secret = any(word in str(part).lower() for part in path[1:] for word in SECRET_WORDS)
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case dict():
            return "a map"
        case list():
            return "a list"
        case _ if secret or isinstance(value, FromVariable):
            return "this text" if isinstance(value, str) else "a number"
        case str():
            return f"'{value[:60]}…'" if len(value) > 60 else f"'{value}'"
        case _:
            return f"the number {value}"


def _fix(kinds: list[str], value: Any) -> str | None:
    words = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}
    if "true or false" in kinds and isinstance(value, str):
        return f"Write {words[value.lower()]} without quotes" if value.lower() in words else "Write true or false"
    if "text" in kinds and isinstance(value, bool | int | float):
        return "Put it in quotes"
    if {"a number", "a whole number"} & set(kinds) and isinstance(value, str):
        return "Write the number without quotes" if not isinstance(plain_scalar(value), str) else None
    return None
