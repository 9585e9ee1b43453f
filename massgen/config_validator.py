"""Validation from Python, under its documented name (CFG-066)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from massgen.config.validation import ValidationResult

__all__ = ["ConfigValidator", "ValidationResult"]


class ConfigValidator:
    """Checks configurations without running them: no network, no keys."""

    def validate_config_file(self, path: str | Path) -> ValidationResult:
        """Check a file, or a packaged or saved configuration by its name; one that is not there is an error."""
        from massgen.config.diagnostics import Diagnostic
        from massgen.config.loading import load_config
        from massgen.errors import ConfigError

        try:
            return ValidationResult.of(load_config(path).diagnostics)
        except ConfigError as error:
            finding = Diagnostic(level="error", path="", message=error.message, suggestion=error.hint)
            return ValidationResult.of([finding])

    def validate_config(self, config: Mapping[str, Any]) -> ValidationResult:
        """Check a configuration given as a map."""
        from massgen.config.loading import load_config

        return ValidationResult.of(load_config(config).diagnostics)
