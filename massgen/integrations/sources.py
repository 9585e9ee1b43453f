"""Where a program's team comes from: a configuration, a dictionary, one model or several (API-002, CFG-003)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from massgen.config import LoadedConfig, load_config
from massgen.config.discovery import NO_CONFIG, ConfigNotFound, default_config
from massgen.config.quick import quick_agent
from massgen.errors import ConfigError
from massgen.integrations.building import MOST_AGENTS, build_config
from massgen.workspace.context_paths import RequestedPath

_FILE_KEYS = ("cwd", "mcp_servers", "custom_tools", "enable_mcp_command_line", "enable_code_based_tools")
_FILE_COORDINATION = ("task_planning_filesystem_mode", "enable_memory_filesystem_mode", "use_skills")


class Source(Struct, frozen=True, kw_only=True):
    """A configuration, its description for `config_used`, and whether it is one plain model (COORD-029)."""

    loaded: LoadedConfig
    description: str
    plain: bool = False


class Wanted(Struct, frozen=True, kw_only=True):
    """What the caller gave; the first that is there counts: dictionary, file, models, model, default."""

    config_dict: Mapping[str, Any] | None = None
    config: str | Path | None = None
    models: Sequence[str] = ()
    model: str | None = None
    num_agents: int | None = None
    use_docker: bool = False
    enable_filesystem: bool = True


def find_source(wanted: Wanted) -> Source:
    """Raises `ConfigError` where nothing is found or counts do not fit."""
    if wanted.config_dict is not None:
        return _of_values(dict(wanted.config_dict), "config_dict", wanted)
    if wanted.config is not None:
        return _from_file(wanted.config, wanted)
    count = _count(wanted)
    names = list(wanted.models) or ([wanted.model] * (count or 1) if wanted.model else [])
    if not names:
        found = default_config()
        if found is None:
            raise ConfigError(NO_CONFIG)
        return _from_file(found, wanted)
    if len(names) == 1 and not wanted.use_docker:
        values = {"agents": [quick_agent(model=names[0])]}
        return _of_values(values, f"single-agent:{names[0]}", wanted, plain=True)
    values = build_config(models=names, use_docker=wanted.use_docker)
    return _of_values(values, f"models:{','.join(names)}", wanted)


def _count(wanted: Wanted) -> int | None:
    count = wanted.num_agents
    if count is None:
        return None
    if not isinstance(count, int) or not 1 <= count <= MOST_AGENTS:
        raise ConfigError(f"num_agents must be 1 to {MOST_AGENTS}, not {count}.")
    if wanted.models and len(wanted.models) != count:
        raise ConfigError(f"models names {len(wanted.models)} for {count} agents.")
    return count


def _from_file(config: str | Path, wanted: Wanted) -> Source:
    try:
        loaded = load_config(config)
    except ConfigNotFound as error:
        raise ConfigError(f"Configuration file not found: {config}", hint=error.hint) from error
    description = str(loaded.path or config)
    if wanted.enable_filesystem:
        return Source(loaded=loaded, description=description)
    loaded.require()
    without = load_config(without_files(loaded.values), environment=loaded.environment)
    return Source(loaded=without, description=description)


def _of_values(values: dict[str, Any], description: str, wanted: Wanted, *, plain: bool = False) -> Source:
    kept = values if wanted.enable_filesystem else without_files(values)
    return Source(loaded=load_config(kept), description=description, plain=plain)


def without_files(values: Mapping[str, Any]) -> dict[str, Any]:
    """API-005: no workspaces, no file or MCP tools."""
    kept = dict(values)
    agents = values.get("agents")
    if isinstance(agents, Sequence):
        kept["agents"] = [_without_file_keys(agent) for agent in agents]
    if isinstance(values.get("agent"), Mapping):
        kept["agent"] = _without_file_keys(values["agent"])
    orchestrator = values.get("orchestrator")
    if isinstance(orchestrator, Mapping):
        kept["orchestrator"] = {key: value for key, value in orchestrator.items() if key != "context_paths"}
        coordination = orchestrator.get("coordination")
        if isinstance(coordination, Mapping):
            left = {key: value for key, value in coordination.items() if key not in _FILE_COORDINATION}
            kept["orchestrator"]["coordination"] = left
    return kept


def _without_file_keys(agent: Mapping[str, Any]) -> dict[str, Any]:
    backend = agent.get("backend")
    if not isinstance(backend, Mapping):
        return dict(agent)
    return {**agent, "backend": {key: value for key, value in backend.items() if key not in _FILE_KEYS}}


def requested_paths(given: Sequence[Any] | None) -> tuple[RequestedPath, ...]:
    """API-006: a plain string means write."""
    found = []
    for item in given or ():
        if isinstance(item, str):
            found.append(RequestedPath(path=item, permission="write"))
        elif isinstance(item, Mapping) and isinstance(item.get("path"), str):
            permission = item.get("permission", "read")
            if permission not in ("read", "write"):
                raise ConfigError(f"context_paths: permission must be read or write, not {permission!r}.")
            found.append(RequestedPath(path=item["path"], permission=permission))
        else:
            raise ConfigError('context_paths: entries are strings or {"path": ..., "permission": ...}.')
    return tuple(found)
