"""A configuration from flags alone (CLI-008, BE-003, BE-004)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from massgen.config.backend_types import BACKEND_TYPES, backend_type, canonical_type, split_model, type_of_model
from massgen.config.diagnostics import nearest
from massgen.config.environment import Environment
from massgen.config.finishing import WORKSPACE
from massgen.config.loading import LoadedConfig, load_config
from massgen.errors import ConfigError


def quick_config(
    *,
    backend: str | None = None,
    model: str | None = None,
    base_url: str | None = None,
    system_message: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    environment: Environment | None = None,
    launch: Path | None = None,
) -> LoadedConfig:
    """One agent with a workspace and its backend's built-in tools. Raises `ConfigError` where no type follows."""
    values = {"agents": [quick_agent(backend=backend, model=model, base_url=base_url, system_message=system_message)]}
    return load_config(values, overrides=overrides, environment=environment, launch=launch)


def quick_agent(
    *,
    backend: str | None = None,
    model: str | None = None,
    base_url: str | None = None,
    system_message: str | None = None,
    agent_id: str = "agent_a",
) -> dict[str, Any]:
    """The raw map of that agent."""
    name, model = choose_backend(backend, model)
    section: dict[str, Any] = {"type": name}
    if model:
        section["model"] = model
    if base_url:
        section["base_url"] = base_url
    elif backend_type(name).needs_base_url:
        raise ConfigError(f"The backend '{name}' needs the address of a server", hint="Add --base-url URL")
    section["cwd"] = WORKSPACE
    section.update(built_in_tools(name))
    agent: dict[str, Any] = {"id": agent_id, "backend": section}
    if system_message:
        agent["system_message"] = system_message
    return agent


def choose_backend(backend: str | None, model: str | None) -> tuple[str, str | None]:
    """(type, model) from `--backend` and `--model`, either of which may be left out."""
    if backend:
        name = canonical_type(backend)
        if name is None:
            guess = nearest(backend, BACKEND_TYPES)
            meant = f"Did you mean '{guess}'? " if guess else ""
            known = ", ".join(BACKEND_TYPES)
            raise ConfigError(f"Unknown backend type: '{backend}'", hint=f"{meant}Use one of: {known}")
        entry = backend_type(name)
        if not model and entry.needs_model and not entry.default_model:
            raise ConfigError(f"The backend '{backend}' needs a model", hint="Add --model NAME")
        given, rest = split_model(model) if model else (None, model)
        return (name, rest) if given == name else (name, model)
    if not model:
        raise ConfigError("Neither a model nor a backend is given", hint="Add --model NAME")
    given, rest = split_model(model)
    if given:
        return given, rest
    found = type_of_model(model)
    if found is None:
        hint = "Add --backend TYPE, or write it as provider/model, as in openrouter/x-ai/grok-4"
        raise ConfigError(f"The backend of the model '{model}' is not known", hint=hint)
    return found, model


def built_in_tools(name: str) -> dict[str, bool]:
    """The provider's own tools that a quick agent of type `name` gets switched on."""
    from massgen.config.capabilities import CAPABILITIES

    row = CAPABILITIES[name]
    switches = ("enable_web_search", "enable_code_execution", "enable_code_interpreter")
    return {key: True for key in switches if getattr(row, key) == "yes"}
