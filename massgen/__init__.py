"""MassGen: several AI agents work on one task at the same time, see each other's answers and vote."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from massgen.errors import ConfigurationError, MassGenError
    from massgen.integrations.building import build_config
    from massgen.integrations.python import run

__version__ = "0.1.0"

__all__ = ["ConfigurationError", "MassGenError", "__version__", "build_config", "run"]

_HOMES = {
    "ConfigurationError": "massgen.errors",
    "MassGenError": "massgen.errors",
    "build_config": "massgen.integrations.building",
    "run": "massgen.integrations.python",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
