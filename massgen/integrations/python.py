"""`massgen.run`: one question from Python, the result as a dictionary (API-001 to API-021)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from massgen.config import LoadedConfig, load_config
from massgen.config.discovery import ConfigNotFound, default_config
from massgen.config.quick import quick_agent
from massgen.errors import ConfigError, ConfigurationError, MassGenError
from massgen.integrations.results import result_dictionary
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.run import Run
from massgen.workspace.context_paths import RequestedPath

NO_CONFIG = (
    "No config specified and no default config found. Run `massgen --init` to create a default configuration."
)
KNOWN = frozenset({"config_dict", "context_paths", "parse_at_references", "session_id", "session_prefix", "history"})


async def run(
    query: str,
    config: str | None = None,
    model: str | None = None,
    models: list | None = None,
    num_agents: int | None = None,
    use_docker: bool = False,
    enable_filesystem: bool = True,
    enable_logging: bool = False,
    output_file: str | None = None,
    **kwargs: Any,
) -> dict:
    """Ask a team and wait for its answer.

    Give one of: `config` (a path, a saved name, `@examples/...`), `model` (one agent, or `num_agents` of it),
    `models` (one agent each), `config_dict`; nothing means the default configuration. Further keywords:
    `context_paths`, `parse_at_references`, `session_id`. The result's keys are those of section 11 of
    sessions-memory-integration.md. Cancelling the task cancels the run.

    Raises `ConfigurationError` (a `ValueError`) for anything wrong before the first model call.
    """
    unknown = sorted(set(kwargs) - KNOWN)
    if unknown:
        raise TypeError(f"run() got an unexpected keyword argument {unknown[0]!r}")
    try:
        loaded, used, single = _configuration(config, model, models, num_agents, use_docker, enable_filesystem, kwargs)
        question, referenced = _references(query, bool(kwargs.get("parse_at_references")))
        request = RunRequest(
            loaded=loaded,
            question=question,
            launch=Path.cwd(),
            plain=single,
            logs=True,
            session_id=kwargs.get("session_id"),
            session_prefix=kwargs.get("session_prefix", "session"),
            history=tuple(kwargs.get("history") or ()),
            context_paths=(*_context_paths(kwargs.get("context_paths")), *referenced),
            cli_args={"mode": "python"},
        )
        running = Run(request)
        running.prepare()
    except ConfigError as error:
        raise ConfigurationError(error.message, hint=error.hint) from error
    result = await execute(running)
    if result.answer and output_file:
        _write_answer(Path(output_file), result.answer)
    return result_dictionary(result, used, single=single, keep_log=enable_logging)


async def execute(running: Run) -> RunResult:
    """Run to the end; cancelling this call stops the model calls, keeps what there is, then raises."""
    task = asyncio.ensure_future(running.execute())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        running.cancel()
        await asyncio.wait([task])
        raise


def _configuration(
    config: str | None,
    model: str | None,
    models: Sequence[str] | None,
    num_agents: int | None,
    use_docker: bool,
    enable_filesystem: bool,
    kwargs: Mapping[str, Any],
) -> tuple[LoadedConfig, str, bool]:
    """(configuration, description, whether it is one plain model)."""
    if kwargs.get("config_dict") is not None:
        return load_config(kwargs["config_dict"]), "config_dict", False
    if config is not None:
        return _from_file(config)
    names = list(models or ([model] * (num_agents or 1) if model else []))
    if not names:
        found = default_config()
        if found is None:
            raise ConfigError(NO_CONFIG)
        return _from_file(str(found))
    if len(names) > 1 or use_docker:
        from massgen.integrations.building import build_config

        built = build_config(models=names, use_docker=use_docker)
        values = built if enable_filesystem else _without_files(built)
        return load_config(values), f"models:{','.join(names)}", False
    agent = quick_agent(model=names[0])
    values = {"agents": [agent]}
    return load_config(values if enable_filesystem else _without_files(values)), f"single-agent:{names[0]}", True


def _from_file(config: str) -> tuple[LoadedConfig, str, bool]:
    try:
        loaded = load_config(config)
    except ConfigNotFound as error:
        raise ConfigError(f"Configuration file not found: {config}", hint=error.hint) from error
    return loaded, str(loaded.path or config), False


def _without_files(values: Mapping[str, Any]) -> dict[str, Any]:
    """API-005: no workspaces, no file or MCP tools."""
    agents = []
    for agent in values["agents"]:
        dropped = ("cwd", "mcp_servers", "enable_mcp_command_line", "enable_code_based_tools")
        backend = {key: value for key, value in agent["backend"].items() if key not in dropped}
        agents.append({**agent, "backend": backend})
    kept = {key: value for key, value in values.items() if key != "agents"}
    if "orchestrator" in kept:
        coordination = dict(kept["orchestrator"].get("coordination") or {})
        for key in ("task_planning_filesystem_mode", "enable_memory_filesystem_mode"):
            coordination.pop(key, None)
        kept["orchestrator"] = {**kept["orchestrator"], "coordination": coordination}
    return {**kept, "agents": agents}


def _context_paths(given: Sequence[Any] | None) -> tuple[RequestedPath, ...]:
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


def _references(query: str, wanted: bool) -> tuple[str, tuple[RequestedPath, ...]]:
    if not wanted or "@" not in query:
        return query, ()
    from massgen.workspace.references import parse_prompt_for_context

    found = parse_prompt_for_context(query)
    return found.cleaned_prompt or query, found.requested


def _write_answer(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MassGenError(f"The answer could not be written to {path} ({error.strerror}).") from error
