"""MassGen: several AI agents work on one task at the same time, see each other's answers and vote."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from massgen.backends.own import register_backend
    from massgen.errors import ConfigurationError, MassGenError
    from massgen.integrations.building import build_config
    from massgen.integrations.litellm_provider import LITELLM_AVAILABLE, register_with_litellm
    from massgen.integrations.python import ask, run
    from massgen.integrations.teams import open

__version__ = "0.1.0"

__all__ = [  # noqa: RUF022 - in plain alphabetical order, as the reference page is checked
    "ConfigurationError",
    "LITELLM_AVAILABLE",
    "MassGenError",
    "__version__",
    "ask",
    "build_config",
    "open",
    "register_backend",
    "register_with_litellm",
    "run",
]

_HOMES = {
    "ConfigurationError": "massgen.errors",
    "LITELLM_AVAILABLE": "massgen.integrations.litellm_provider",
    "MassGenError": "massgen.errors",
    "ask": "massgen.integrations.python",
    "build_config": "massgen.integrations.building",
    "open": "massgen.integrations.teams",
    "register_backend": "massgen.backends.own",
    "register_with_litellm": "massgen.integrations.litellm_provider",
    "run": "massgen.integrations.python",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
