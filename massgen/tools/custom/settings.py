"""The entries of `backend.custom_tools` as values (TOOL-020 to TOOL-029)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from massgen.tool._loading import ToolLoadError, locate

PREFIX = "custom_tool__"
CALL_TIMEOUT = 300.0


class CustomToolSettings(Struct, frozen=True, kw_only=True):
    """One function that an agent may call. `place` is a file or module; `preset` fixes arguments (TOOL-027)."""

    name: str
    function: str
    place: str
    category: str = ""
    description: str = ""
    preset: Mapping[str, Any] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """The name the model sees (TOOL-040)."""
        return PREFIX + self.name


class ParsedTools(Struct, frozen=True, kw_only=True):
    """What a `custom_tools` value gave; `errors` make the configuration invalid (exit code 1, TOOL-034)."""

    tools: tuple[CustomToolSettings, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def parse_custom_tools(raw: object, *, bases: Sequence[Path]) -> ParsedTools:
    """Read `backend.custom_tools`. `bases` are the launch directory and the directory of the configuration."""
    reading = _Reading(bases)
    if raw is not None and (isinstance(raw, str | Mapping) or not isinstance(raw, Sequence)):
        reading.errors.append("custom_tools must be a list of entries.")
        raw = None
    for number, entry in enumerate(raw or (), start=1):
        entry = entry.model_dump(exclude_unset=True) if hasattr(entry, "model_dump") else entry
        if isinstance(entry, Mapping):
            reading.add(entry, number)
        else:
            reading.errors.append(f"Entry {number} of custom_tools must be a mapping.")
    return ParsedTools(tools=tuple(reading.tools), errors=tuple(reading.errors), warnings=tuple(reading.warnings))


class _Reading:
    def __init__(self, bases: Sequence[Path]) -> None:
        self.bases = bases
        self.tools: list[CustomToolSettings] = []
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self.names: set[str] = set()

    def add(self, entry: Mapping[str, Any], number: int) -> None:
        functions = _texts(entry.get("function") or entry.get("func"))
        names = _texts(entry.get("name")) or [function.rpartition(".")[2] for function in functions]
        title = f"custom_tools entry {number} ({', '.join(names or functions) or 'without a name'})"
        if "default_params" in entry:
            self.warnings.append(f"{title}: 'default_params' has no effect; use 'preset_args'.")
        if not functions:
            self.errors.append(f"{title}: 'function' is missing.")
            return
        if len(names) != len(functions):
            self.errors.append(f"{title}: {len(names)} names for {len(functions)} functions; give one of each.")
            return
        descriptions = _spread(entry.get("description"), len(functions))
        presets = _spread(_preset(entry), len(functions))
        if descriptions is None or presets is None:
            self.errors.append(f"{title}: 'description' or 'preset_args' does not match the functions in number.")
            return
        for name, function, description, preset in zip(names, functions, descriptions, presets, strict=True):
            self._one(entry, title, (name, function), description, preset)

    def _one(self, entry: Mapping[str, Any], title: str, pair: tuple[str, str], description: Any, preset: Any) -> None:
        name, function = pair[0].removeprefix(PREFIX), pair[1]
        path = entry.get("path")
        if not all(character.isalnum() or character in "_-" for character in name) or len(name) > 50:
            self.errors.append(f"{title}: '{name}' is not a possible name for a tool.")
            return
        if name in self.names:
            self.errors.append(f"{title}: two custom tools are named '{name}'.")
            return
        if not isinstance(preset or {}, Mapping):
            self.errors.append(f"{title}: 'preset_args' must be a mapping.")
            return
        try:
            place = locate(str(path) if path else None, function, self.bases)
        except ToolLoadError as error:
            self.errors.append(str(error))
            return
        self.names.add(name)
        self.tools.append(
            CustomToolSettings(
                name=name,
                function=function.rpartition(".")[2],
                place=place,
                category=str(entry.get("category") or ""),
                description=str(description or ""),
                preset=dict(preset or {}),
            )
        )


def _preset(entry: Mapping[str, Any]) -> Any:
    """`preset_args` and `config`, which mean the same (TOOL-029)."""
    preset, config = entry.get("preset_args"), entry.get("config")
    if isinstance(preset, Mapping) and isinstance(config, Mapping):
        return {**config, **preset}
    return preset if preset is not None else config


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, Sequence) and not isinstance(value, str) else [str(value)]


def _spread(value: Any, count: int) -> list[Any] | None:
    """One value for each of `count` functions; None where a list has another length."""
    if isinstance(value, list | tuple):
        return list(value) if len(value) == count else None
    return [value] * count
