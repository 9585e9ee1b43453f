"""The reference page of the configuration, printed from the schema.

`python -m massgen.config.reference > docs/reference/configuration.md`; a test holds the page to the schema.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from massgen.config.backend_types import BACKEND_TYPES, SILENT_ALIASES, WARNED_ALIASES
from massgen.config.capabilities import CAPABILITIES
from massgen.config.keys import walk_sections
from massgen.config.schema.base import Section
from massgen.config.schema.voting import VotingKeys

_INTRO = """# Configuration reference

Printed from the schema by `python -m massgen.config.reference`; do not edit. `massgen --config-schema` prints
the same as JSON Schema for editors, `massgen --validate FILE` checks a file.

A configuration is one YAML file (JSON works too). `massgen --config VALUE` looks for a packaged example
(`@examples/...`), then the path, the path with `.yaml`, `.massgen/VALUE.yaml`, and
`~/.config/massgen/agents/VALUE.yaml`. Without `--config` it is `.massgen/config.yaml`, then
`~/.config/massgen/config.yaml`.

- `${NAME}` with an upper-case name is replaced by that variable in every value but free text; `${cwd}` inside
  `backend` is the agent's workspace. Variables come from the environment, `./.env`, `~/.config/massgen/.env`,
  `~/.massgen/.env`; the first value wins.
- Booleans are `true` and `false`; `yes`, `no`, `on` and `off` are text. A key may not occur twice.
- Anchors, aliases and `<<` work; top-level keys that begin with `x-` are yours.
- Unknown keys warn; inside `backend` they go to the provider as they are.
- What has no effect yet is a hint at `--validate`.
"""


def reference_page() -> str:
    """The whole page, as Markdown."""
    parts = [_INTRO]
    seen: set[type[Section]] = set()
    for pattern, model in walk_sections():
        if model not in seen:
            seen.add(model)
            parts.append(_section(pattern, model))
    parts.append(_backend_types())
    return "\n".join(parts)


def _section(pattern: str, model: type[Section]) -> str:
    lines = [f"## {f'`{pattern}`' if pattern else 'Top level'}", "", *_paragraph(model), ""]
    own = model.model_fields
    if VotingKeys in model.__mro__[1:] and "snapshot_storage" not in own:
        lines += ["Besides, the voting keys of `orchestrator` may be set here.", ""]
        own = {key: field for key, field in own.items() if key not in VotingKeys.model_fields}
    lines += ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
    for key, field in own.items():
        lines.append(_row(key, field, key in model.required))
    if model.also:
        lines += ["", "Also read:", "", *(f"- `{key}`: {text}" for key, text in model.also.items())]
    return "\n".join([*lines, ""])


def _paragraph(model: type[Section]) -> list[str]:
    return " ".join((model.__doc__ or "").split()).split("\n")


def _row(key: str, field: FieldInfo, required: bool) -> str:
    default = "required" if required else _default(field)
    meaning = (field.description or "").replace("|", "\\|")
    return f"| `{key}` | {type_text(field.annotation)} | {default} | {meaning} |"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return ""
    if value is None:
        return "none"
    return f"`{json.dumps(value, ensure_ascii=False)}`" if value != "" else ""


def type_text(annotation: Any) -> str:
    """An annotation in words, for a table cell."""
    origin, members = get_origin(annotation), list(get_args(annotation))
    if origin is Annotated:
        return type_text(members[0])
    if origin is Literal:
        return ", ".join(f"`{json.dumps(word) if isinstance(word, bool) else word}`" for word in members)
    if origin in (Union, types.UnionType):
        return _joined(type_text(member) for member in members if member is not type(None))
    if origin is tuple:
        return f"list of {type_text(members[0])}" if len(members) < 2 or members[1] is ... else "pair of numbers"
    if origin is dict:
        return f"map of {type_text(members[1])}" if members[1] is not Any else "map"
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return "map"
    return {str: "text", bool: "true/false", int: "whole number", float: "number"}.get(annotation, "any")


def _joined(words: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(words))


def _backend_types() -> str:
    lines = [
        "## Backend types",
        "",
        "| Type | Kind | Key variables | Endpoint | Web search | Code execution | Code interpreter | MCP |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, entry in BACKEND_TYPES.items():
        row = CAPABILITIES[name]
        keys = ", ".join(f"`{variable}`" for variable in entry.key_variables)
        address = f"`{entry.base_url}`" if entry.base_url else ("`base_url` needed" if entry.needs_base_url else "")
        verdicts = (row.enable_web_search, row.enable_code_execution, row.enable_code_interpreter, row.mcp)
        lines.append(f"| `{name}` | {entry.kind} | {keys} | {address} | {' | '.join(verdicts)} |")
    others = {**SILENT_ALIASES, **WARNED_ALIASES}
    lines += ["", "Other names: " + ", ".join(f"`{old}` = `{new}`" for old, new in others.items()) + ".", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    print(reference_page(), end="")
