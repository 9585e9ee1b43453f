"""The result of a validation in the documented form (CFG-062, CFG-065, CFG-066)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from massgen.config.diagnostics import Diagnostic, format_level


class ValidationResult(Struct, frozen=True, kw_only=True):
    """Everything found in one configuration."""

    diagnostics: tuple[Diagnostic, ...] = ()

    @classmethod
    def of(cls, diagnostics: Iterable[Diagnostic]) -> ValidationResult:
        return cls(diagnostics=tuple(diagnostics))

    @property
    def errors(self) -> list[Diagnostic]:
        return [item for item in self.diagnostics if item.level == "error"]

    @property
    def warnings(self) -> list[Diagnostic]:
        return [item for item in self.diagnostics if item.level == "warning"]

    @property
    def hints(self) -> list[Diagnostic]:
        return [item for item in self.diagnostics if item.level == "hint"]

    def has_errors(self) -> bool:
        return bool(self.errors)

    def has_warnings(self) -> bool:
        return bool(self.warnings)

    def is_valid(self, *, strict: bool = False) -> bool:
        """Whether a check passes; with `strict` warnings count too, hints never do (CFG-061)."""
        return not self.errors and not (strict and self.warnings)

    def format_errors(self) -> str:
        return format_level(self.diagnostics, "error")

    def format_warnings(self) -> str:
        return format_level(self.diagnostics, "warning")

    def format_hints(self) -> str:
        return format_level(self.diagnostics, "hint")

    def to_dict(self) -> dict[str, Any]:
        """The object of `--json`."""
        return {
            "valid": not self.errors,
            "error_count": len(self.errors),
            "warning_count": len(self.warnings),
            "errors": [item.to_dict() for item in self.errors],
            "warnings": [item.to_dict() for item in self.warnings],
        }
