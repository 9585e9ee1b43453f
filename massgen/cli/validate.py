"""`massgen --validate` (CFG-060 to CFG-062, CFG-065). Imports no provider, no display."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from massgen.config.diagnostics import Diagnostic
from massgen.config.loading import LoadedConfig, load_config
from massgen.config.validation import ValidationResult
from massgen.errors import EXIT_CONFIG, EXIT_OK, ConfigError


def run_validate(source: str | Path | None, *, strict: bool = False, as_json: bool = False) -> int:
    """Check `source` (a path or name; None = the default configuration), print the report, return the exit code.

    With `as_json` standard output is exactly one JSON object, and hints go to standard error.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # finding them reads every installed package
    try:
        loaded = load_config(source)
    except ConfigError as error:
        finding = Diagnostic(level="error", path="", message=error.message, suggestion=error.hint)
        result, name = ValidationResult.of([finding]), str(source or "the default configuration")
    else:
        result = validate_loaded(loaded)
        name = str(loaded.path or source)
    valid = result.is_valid(strict=strict)
    if as_json:
        print(json.dumps(result.to_dict()))
        hints = result.format_hints()
        if hints:
            print(hints, file=sys.stderr)
    else:
        print(report(result, name, strict=strict))
    return EXIT_OK if valid else EXIT_CONFIG


def validate_loaded(loaded: LoadedConfig) -> ValidationResult:
    """All findings about a loaded configuration, those about paths and key files on this machine included."""
    flaws = [Diagnostic(level="hint", path="", message=flaw) for flaw in loaded.environment.flaws]
    return ValidationResult.of([*loaded.diagnostics, *path_findings(loaded), *flaws])


def report(result: ValidationResult, name: str, *, strict: bool = False) -> str:
    """The text for people."""
    parts = [result.format_errors(), result.format_warnings(), result.format_hints()]
    counts = f"{len(result.errors)} error(s), {len(result.warnings)} warning(s)"
    if result.is_valid(strict=strict):
        warned = f" ({len(result.warnings)} warning(s))" if result.warnings else ""
        parts.append(f"Configuration is valid: {name}{warned}")
    else:
        parts.append(f"Configuration is not valid: {name}: {counts}")
    return "\n\n".join(part for part in parts if part)


def path_findings(loaded: LoadedConfig) -> Iterator[Diagnostic]:
    """What is wrong with the context paths on this machine (WS-055, WS-099)."""
    if loaded.config is None or not loaded.config.orchestrator.context_paths:
        return
    from massgen.config.packaged import root_directory
    from massgen.errors import WorkspaceError
    from massgen.workspace.context_paths import RequestedPath, check_context_paths

    unset = {f"${{{variable.name}}}" for variable in loaded.unset_variables}
    for index, wish in enumerate(loaded.config.orchestrator.context_paths):
        if any(name in wish.path for name in unset):
            continue
        requested = RequestedPath(path=wish.path, permission=wish.permission, protected_paths=wish.protected_paths)
        place = loaded.place(("orchestrator", "context_paths", index, "path"))
        try:
            checked = check_context_paths(
                [requested],
                launch_directory=Path.cwd(),
                config_directory=loaded.path.parent if loaded.path else None,
                examples_directory=root_directory(),
            )
        except WorkspaceError as error:
            yield replace(place, level="error", message=error.message, suggestion=error.hint)
            continue
        for hint in checked.hints:
            yield replace(place, level="hint", message=hint)
