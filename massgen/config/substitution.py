"""`${NAME}` and `${cwd}` (CFG-012, CFG-075)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from msgspec import Struct

from massgen.config.diagnostics import Path
from massgen.config.environment import Environment
from massgen.config.schema.backend import BackendConfig
from massgen.config.source import Mark, SourceList, SourceMap

FREE_TEXT = frozenset(
    {
        "system_message",
        "system_prompt",
        "append_system_prompt",
        "subtask",
        "task",
        "description",
        "planning_mode_instruction",
    }
)
"""Keys whose text is left as it is."""

_NAME = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")


class FromVariable(str):
    """A whole value that came from one variable: it may stand where a number or a switch is wanted."""

    __slots__ = ()


class Unset(str):
    """A value that needs a variable which is not set."""

    __slots__ = ()


class UnsetVariable(Struct, frozen=True, kw_only=True):
    """A variable that the configuration uses and nobody set; `path` and `mark` are where."""

    name: str
    path: Path
    mark: Mark | None = None


@dataclass(slots=True)
class Substitution:
    """Replaces names in place; collects what is not set."""

    environment: Environment
    unset: list[UnsetVariable] = field(default_factory=list)

    def apply(self, value: Any, path: Path = (), key: str = "", mark: Mark | None = None) -> Any:
        """`value` with every `${NAME}` replaced; containers are changed in place."""
        match value:
            case SourceMap():
                for name, item in value.items():
                    value[name] = self.apply(item, (*value.path, name), name, value.values_at.get(name))
            case SourceList():
                for index, item in enumerate(value):
                    mark_of = value.items_at[index] if index < len(value.items_at) else None
                    value[index] = self.apply(item, (*value.path, index), key, mark_of)
            case str() if key not in FREE_TEXT and "${" in value:
                return self._text(value, path, mark)
        return value

    def _text(self, text: str, path: Path, mark: Mark | None) -> str:
        missing: list[str] = []

        def replace(match: re.Match[str]) -> str:
            found = self.environment.get(match[1])
            if found is None:
                missing.append(match[1])
                return match[0]
            return found

        replaced = _NAME.sub(replace, text)
        self.unset += [UnsetVariable(name=name, path=path, mark=mark) for name in dict.fromkeys(missing)]
        if missing:
            return Unset(replaced)
        return FromVariable(replaced) if _NAME.fullmatch(text) else replaced


def with_workspace(backend: BackendConfig, workspace: PurePath) -> BackendConfig:
    """`backend` with `${cwd}` replaced everywhere by the agent's resolved working directory."""
    values = _with_cwd(backend.model_dump(exclude_unset=True), str(workspace))
    return type(backend).model_validate(values)


def _with_cwd(value: Any, workspace: str) -> Any:
    match value:
        case dict():
            return {name: _with_cwd(item, workspace) for name, item in value.items()}
        case list() | tuple():
            return [_with_cwd(item, workspace) for item in value]
        case str():
            return value.replace("${cwd}", workspace)
        case _:
            return value
