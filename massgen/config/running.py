"""A loaded configuration made ready for a run: what a run must not start without, and what it says first."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from massgen.config.diagnostics import path_text
from massgen.config.loading import LoadedConfig
from massgen.config.schema.agent import AgentConfig
from massgen.config.schema.root import Config
from massgen.config.schema.tools import McpServer
from massgen.errors import ConfigError

NEEDED = ("api_key", "base_url", "model", "type")


class ReadyConfig(Struct, frozen=True, kw_only=True):
    """The configuration of a run, and lines for standard error before it starts (CFG-063, CFG-075)."""

    config: Config
    notices: tuple[str, ...] = ()


def ready_config(loaded: LoadedConfig, *, strict: bool = False) -> ReadyConfig:
    """Check `loaded` for a run; raises `ConfigError` for errors, and for warnings if `strict`.

    An MCP server that needs a variable which is not set is left out; a context path, or a backend's key, address
    or model that needs one ends the run (CFG-075, MCP-023).
    """
    config = loaded.require(strict=strict)
    notices = [f"Warning: {flaw}" for flaw in loaded.environment.flaws]
    notices += [f"Warning: {item.format()}" for item in loaded.warnings]
    unset = {variable.name for variable in loaded.unset_variables}
    for wish in config.orchestrator.context_paths:
        _refuse(f"The context path '{wish.path}'", _names_in(wish.path, unset))
    agents: list[AgentConfig] = []
    for agent in config.agents:
        _check_needed(agent, unset, notices)
        kept: list[McpServer] = []
        for server in agent.backend.mcp_servers:
            missing = _names_in(server.model_dump(), unset)
            if missing:
                names = ", ".join(missing)
                notices.append(f"Warning: MCP server '{server.name}' is left out: {names} is not set")
            else:
                kept.append(server)
        backend = agent.backend.model_copy(update={"mcp_servers": tuple(kept)})
        agents.append(agent.model_copy(update={"backend": backend}))
    notices += [
        f"Warning: {path_text(variable.path)} uses {variable.name}, which is not set"
        for variable in loaded.unset_variables
        if variable.path[:1] not in (("agents",), ("agent",))
    ]
    idle = sorted({item.path for item in loaded.hints if item.code == "not-yet"})
    if idle:
        notices.append(f"Note: without effect in this version: {', '.join(idle)}")
    return ReadyConfig(config=config.model_copy(update={"agents": tuple(agents)}), notices=tuple(notices))


def _check_needed(agent: AgentConfig, unset: set[str], notices: list[str]) -> None:
    for key in NEEDED:
        _refuse(f"Agent '{agent.id}': {key}", _names_in(getattr(agent.backend, key), unset))
    rest = agent.backend.model_dump(exclude={*NEEDED, "mcp_servers"}, exclude_unset=True)
    notices += [f"Warning: agent '{agent.id}' uses {name}, which is not set" for name in _names_in(rest, unset)]


def _refuse(what: str, missing: list[str]) -> None:
    if missing:
        raise ConfigError(
            f"{what} needs the variable {missing[0]}, which is not set.",
            hint=f"Set it in the environment, ./.env or ~/.config/massgen/.env: {missing[0]}=...",
        )


def _names_in(value: Any, unset: set[str]) -> list[str]:
    """The unset variables that occur anywhere in `value`."""
    match value:
        case dict():
            parts = [name for item in value.values() for name in _names_in(item, unset)]
        case list() | tuple():
            parts = [name for item in value for name in _names_in(item, unset)]
        case str() if "${" in value:
            parts = [name for name in sorted(unset) if f"${{{name}}}" in value]
        case _:
            parts = []
    return list(dict.fromkeys(parts))
