"""Configuration: where it is found, what its keys mean, what is wrong with it.

Everything here is imported on first use, so that finding and listing need no schema.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from massgen.config.diagnostics import Diagnostic
    from massgen.config.discovery import ConfigNotFound, default_config, find_config
    from massgen.config.environment import Environment, read_environment
    from massgen.config.loading import InvalidConfig, LoadedConfig, load_config, load_file, load_text
    from massgen.config.packaged import example_names, find_example, find_resource
    from massgen.config.quick import quick_config
    from massgen.config.schema.agent import AgentConfig
    from massgen.config.schema.backend import BackendConfig
    from massgen.config.schema.coordination import CoordinationConfig
    from massgen.config.schema.orchestrator import ContextPath, OrchestratorConfig
    from massgen.config.schema.root import Config
    from massgen.config.schema.timeouts import TimeoutSettings
    from massgen.config.schema.tools import McpServer
    from massgen.config.schema.ui import UiConfig
    from massgen.config.secrets import Redactor, secret_values
    from massgen.config.substitution import with_workspace
    from massgen.config.timing import effective_timeouts

_HOMES = {
    "find_resource": "packaged",
    "with_workspace": "substitution",
    "quick_config": "quick",
    "secret_values": "secrets",
    "Redactor": "secrets",
    "AgentConfig": "schema.agent",
    "BackendConfig": "schema.backend",
    "Config": "schema.root",
    "ConfigNotFound": "discovery",
    "ContextPath": "schema.orchestrator",
    "CoordinationConfig": "schema.coordination",
    "Diagnostic": "diagnostics",
    "Environment": "environment",
    "InvalidConfig": "loading",
    "LoadedConfig": "loading",
    "McpServer": "schema.tools",
    "OrchestratorConfig": "schema.orchestrator",
    "TimeoutSettings": "schema.timeouts",
    "UiConfig": "schema.ui",
    "default_config": "discovery",
    "effective_timeouts": "timing",
    "example_names": "packaged",
    "find_config": "discovery",
    "find_example": "packaged",
    "load_config": "loading",
    "load_file": "loading",
    "load_text": "loading",
    "read_environment": "environment",
}

__all__ = [
    "AgentConfig",
    "BackendConfig",
    "Config",
    "ConfigNotFound",
    "ContextPath",
    "CoordinationConfig",
    "Diagnostic",
    "Environment",
    "InvalidConfig",
    "LoadedConfig",
    "McpServer",
    "OrchestratorConfig",
    "Redactor",
    "TimeoutSettings",
    "UiConfig",
    "default_config",
    "effective_timeouts",
    "example_names",
    "find_config",
    "find_example",
    "find_resource",
    "load_config",
    "load_file",
    "load_text",
    "quick_config",
    "read_environment",
    "secret_values",
    "with_workspace",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
