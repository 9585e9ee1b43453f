"""A configuration from its source to the typed tree, with everything there is to say about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import structs

from massgen.config.diagnostics import Diagnostic, format_level, path_text
from massgen.config.diagnostics import Path as DataPath
from massgen.config.environment import Environment, read_environment
from massgen.config.schema.root import Config
from massgen.config.source import SourceMap
from massgen.config.substitution import UnsetVariable
from massgen.errors import ConfigError


class InvalidConfig(ConfigError):
    """The configuration has errors; `diagnostics` are all findings."""

    def __init__(self, message: str, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """What became of a source. `config` is None where there are errors.

    `path` is the file it came from, `text` its content (None for a map), `values` the plain values after
    substitution, as used by the run.
    """

    config: Config | None
    diagnostics: tuple[Diagnostic, ...] = ()
    path: Path | None = None
    text: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    environment: Environment = field(default_factory=lambda: Environment(process={}), repr=False)
    unset_variables: tuple[UnsetVariable, ...] = ()
    root: SourceMap | None = field(default=None, repr=False, compare=False)
    partial: Config | None = field(default=None, repr=False, compare=False)
    lenient: bool = False

    def unchecked(self) -> LoadedConfig:
        """The same with errors turned into warnings and what does not fit left out (`--skip-validation`, CFG-064).

        Where there are no agents at all the errors stay. `lenient` asks of checks elsewhere to do the same (S-10).
        """
        if self.config is not None or self.partial is None or not self.partial.agents:
            return dataclasses.replace(self, lenient=True)
        found = self.diagnostics
        softened = (structs.replace(item, level="warning") if item.level == "error" else item for item in found)
        return dataclasses.replace(self, config=self.partial, diagnostics=tuple(softened), lenient=True)

    def place(self, path: DataPath) -> Diagnostic:
        """A hint without words about the value at `path`, to be filled in by checks outside this room."""
        from massgen.config.findings import locate

        shown, mark = locate(self.root, path) if self.root is not None else (path, None)
        line, column = mark or (None, None)
        name = str(self.path) if self.path else None
        return Diagnostic(level="hint", path=path_text(shown), message="", file=name, line=line, column=column)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(item for item in self.diagnostics if item.level == "error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(item for item in self.diagnostics if item.level == "warning")

    @property
    def hints(self) -> tuple[Diagnostic, ...]:
        return tuple(item for item in self.diagnostics if item.level == "hint")

    def require(self, *, strict: bool = False) -> Config:
        """The configuration; raises `InvalidConfig` with all errors (and warnings, if `strict`)."""
        if self.config is None or (strict and self.warnings):
            parts = [format_level(self.diagnostics, "error")]
            if strict:
                parts.append(format_level(self.diagnostics, "warning"))
            raise InvalidConfig("\n".join(part for part in parts if part), self.diagnostics)
        return self.config


def load_config(
    source: str | Path | Mapping[str, Any] | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    environment: Environment | None = None,
    launch: Path | None = None,
) -> LoadedConfig:
    """Load `source`: a path, a built-in or saved name, a map, or None for the default places (CFG-001, 003).

    `overrides` are dotted keys with values that beat the file, as flags do (CFG-010), e.g.
    `{"timeout_settings.orchestrator_timeout_seconds": 60}`. Raises `ConfigError` where there is no such
    configuration; what is wrong inside it is in the result.
    """
    from massgen.config.discovery import find_config

    environment = environment or read_environment(launch)
    if isinstance(source, Mapping):
        return _load(source, None, None, overrides or {}, environment)
    path = find_config(source, launch)
    return load_file(path, overrides=overrides, environment=environment, launch=launch)


def load_file(
    path: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    environment: Environment | None = None,
    launch: Path | None = None,
) -> LoadedConfig:
    """Load the file at `path`. Raises `ConfigError` where it cannot be read."""
    from massgen.config.source import MAX_BYTES, SourceProblem, decode

    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"The configuration {path} cannot be read: {reason}") from None
    try:
        text = decode(data)
    except SourceProblem as problem:
        return _refused(problem.diagnostic, path, None)
    return load_text(text, path=path, overrides=overrides, environment=environment, launch=launch)


def load_text(
    text: str,
    *,
    path: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    environment: Environment | None = None,
    launch: Path | None = None,
) -> LoadedConfig:
    """Load YAML (or JSON) text; `path` is where it came from, for messages and relative paths."""
    from massgen.config.source import SourceProblem, parse_yaml

    try:
        value = parse_yaml(text)
    except SourceProblem as problem:
        return _refused(problem.diagnostic, path, text)
    return _load(value, path, text, overrides or {}, environment or read_environment(launch))


def _refused(diagnostic: Diagnostic, path: Path | None, text: str | None) -> LoadedConfig:
    named = structs.replace(diagnostic, file=str(path) if path else None)
    return LoadedConfig(config=None, diagnostics=(named,), path=path, text=text)


def _load(
    value: Any,
    path: Path | None,
    text: str | None,
    overrides: Mapping[str, Any],
    environment: Environment,
) -> LoadedConfig:
    from massgen.config.checks import check
    from massgen.config.findings import Findings
    from massgen.config.finishing import finish
    from massgen.config.keys import examine
    from massgen.config.normalise import normalise
    from massgen.config.reading import read_tree
    from massgen.config.source import SourceProblem, copy_source, from_plain, plain
    from massgen.config.substitution import Substitution

    try:
        root = value if isinstance(value, SourceMap) else from_plain(value)
        if not isinstance(root, SourceMap):
            return _refused(_not_a_map(root), path, text)
        root = copy_source(root, ())
        _override(root, overrides)
    except SourceProblem as problem:
        return _refused(problem.diagnostic, path, text)
    findings = Findings(root=root, file=str(path) if path else None)
    substitution = Substitution(environment=environment)
    substitution.apply(root)
    values = plain(root)
    normalise(root, findings)
    examine(root, findings)
    partial = read_tree(root, findings)
    check(partial, findings)
    for unset in substitution.unset:
        message = f"The variable {unset.name} is not set"
        advice = f"Set it in the environment or in .env: {unset.name}=..."
        findings.put("hint", unset.path, unset.mark, message, advice, "unset-variable")
    broken = any(item.level == "error" for item in findings.items)
    finished = finish(partial)
    return LoadedConfig(
        config=None if broken else finished,
        diagnostics=_sorted(findings.items),
        path=path,
        text=text,
        values=values,
        environment=environment,
        unset_variables=tuple(substitution.unset),
        root=root,
        partial=finished,
    )


def _not_a_map(value: Any) -> Diagnostic:
    if value is None:
        return Diagnostic(
            level="error", path="", message="The configuration is empty", suggestion="Add 'agents:'", line=1, column=1
        )
    return Diagnostic(level="error", path="", message="The configuration must be a map", line=1, column=1)


def _override(root: Any, overrides: Mapping[str, Any]) -> None:
    from massgen.config.source import from_plain

    for dotted, value in overrides.items():
        holder = root
        keys = dotted.split(".")
        for key in keys[:-1]:
            inner = holder.get(key)
            if not isinstance(inner, SourceMap):
                inner = SourceMap((*holder.path, key), holder.mark)
                holder[key] = inner
            holder = inner
        holder[keys[-1]] = from_plain(value, (*holder.path, keys[-1]))


_ORDER = {"error": 0, "warning": 1, "hint": 2}


def _sorted(items: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(dict.fromkeys(items), key=lambda item: (_ORDER[item.level], item.line or 0, item.column or 0)))
