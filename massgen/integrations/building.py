"""`massgen.build_config`: a whole team from a few words (API-040 to API-046)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from massgen.config.backend_types import BACKEND_TYPES, backend_type, canonical_type
from massgen.config.quick import choose_backend
from massgen.errors import ConfigurationError
from massgen.integrations.value_errors import configuration_errors

MOST_AGENTS = 10
_FAMILIES = (
    re.compile(r"(?:^|[-_.])(fast|mini|nano|flash|pro|opus|sonnet|haiku|turbo)(?:$|[-_.:])"),
    re.compile(r"(\d+b)(?:$|[-_.:])"),
)
DOCKER_IMAGE = "ghcr.io/massgen/mcp-runtime-sudo:latest"
DOCKER = {
    "enable_mcp_command_line": True,
    "enable_code_based_tools": True,
    "command_line_execution_mode": "docker",
    "command_line_docker_image": DOCKER_IMAGE,
    "command_line_docker_network_mode": "bridge",
    "command_line_docker_enable_sudo": True,
}


def build_config(
    num_agents: int | None = None,
    backend: str | None = None,
    model: str | None = None,
    models: list | None = None,
    backends: list | None = None,
    use_docker: bool = False,
    context_paths: list | None = None,
) -> dict:
    """A complete configuration as a plain dictionary; nothing is written.

    Without arguments: two agents of openai/gpt-5. Raises `ConfigurationError` where a backend does not follow
    from a model, or counts do not fit.
    """
    with configuration_errors():
        members = _members(num_agents, backend, model, models, backends)
    names = _unique_ids(members)
    agents = []
    for number, ((kind, name), agent_id) in enumerate(zip(members, names, strict=True), 1):
        section: dict[str, Any] = {"type": kind, "model": name}
        url = BACKEND_TYPES[kind].base_url
        if url and BACKEND_TYPES[kind].kind == "preset":
            section["base_url"] = url
        section |= {"cwd": f"workspace{number}", "exclude_file_operation_mcps": False}
        if use_docker:
            section |= DOCKER
        agents.append({"id": agent_id, "backend": section})
    return {
        "agents": agents,
        "orchestrator": _orchestrator(use_docker, context_paths),
        "timeout_settings": {"orchestrator_timeout_seconds": 1800},
    }


def _orchestrator(use_docker: bool, context_paths: Sequence[Any] | None) -> dict[str, Any]:
    coordination: dict[str, Any] = {
        "max_orchestration_restarts": 2,
        "enable_agent_task_planning": True,
        "task_planning_filesystem_mode": True,
        "enable_memory_filesystem_mode": True,
    }
    if use_docker:
        coordination |= {"use_skills": True, "skills_directory": ".agent/skills"}
    found: dict[str, Any] = {
        "snapshot_storage": "snapshots",
        "agent_temporary_workspace": "temp_workspaces",
        "max_new_answers_per_agent": 5,
        "coordination": coordination,
    }
    if context_paths:
        found["context_paths"] = [
            {"path": item, "permission": "write"} if isinstance(item, str) else dict(item) for item in context_paths
        ]
    return found


def _members(
    num_agents: int | None,
    backend: str | None,
    model: str | None,
    models: Sequence[str] | None,
    backends: Sequence[str] | None,
) -> list[tuple[str, str]]:
    """(backend type, model) of each agent."""
    count = len(models or ()) or len(backends or ()) or 2 if num_agents is None else num_agents
    if not 1 <= count <= MOST_AGENTS:
        raise ConfigurationError(f"num_agents must be 1 to {MOST_AGENTS}, not {count}.")
    for name, given in (("models", models), ("backends", backends)):
        if given and len(given) not in (1, count):
            raise ConfigurationError(f"{name} names {len(given)} for {count} agents.")
    kinds = _spread(backends, count) or [backend] * count
    wanted = _spread(models, count) or [model] * count
    return [_member(kind, name) for kind, name in zip(kinds, wanted, strict=True)]


def _spread(given: Sequence[str] | None, count: int) -> list[str]:
    return list(given) * count if given and len(given) == 1 else list(given or ())


def _member(kind: str | None, model: str | None) -> tuple[str, str]:
    if kind is None and model is None:
        return "openai", "gpt-5"
    if kind is not None:
        kind = {"anthropic": "claude"}.get(kind, kind)
        canonical = canonical_type(kind)
        if canonical is None:
            raise ConfigurationError(f"Unknown backend type: {kind!r}.", hint=f"One of: {', '.join(BACKEND_TYPES)}")
        return canonical, model or backend_type(canonical).default_model or "gpt-5"
    chosen, name = choose_backend(None, model)
    return chosen, name or "gpt-5"


def _unique_ids(members: Sequence[tuple[str, str]]) -> list[str]:
    """Ids from backend and model, numbered by kind (API-046)."""
    bases = [_base_id(kind, model) for kind, model in members]
    counts: dict[str, int] = {}
    found = []
    for base in bases:
        counts[base] = counts.get(base, 0) + 1
        found.append(f"{base}{counts[base]}")
    return found


def _base_id(kind: str, model: str) -> str:
    """`openai-gpt5-` for gpt-5, `groq-70b` for llama-3.3-70b, `openrouter-fast` for fast models."""
    name = model.rpartition("/")[2].lower()
    for pattern in _FAMILIES:
        found = pattern.search(name)
        if found and not name.startswith("gpt-5"):
            return f"{kind}-{found.group(1)}"
    plain = re.sub(r"[^a-z0-9]+", "", name)
    return f"{kind}-{plain}-"
