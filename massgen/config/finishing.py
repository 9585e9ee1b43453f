"""Defaults that follow from other keys: models, workspaces, containers (CFG-055, S-02)."""

from __future__ import annotations

from typing import Any

from massgen.config.backend_types import BACKEND_TYPES
from massgen.config.schema.agent import AgentConfig
from massgen.config.schema.backend import BackendConfig
from massgen.config.schema.root import Config

WORKSPACE = "workspace"


def finish(config: Config) -> Config:
    """`config` with what it implies filled in."""
    agents = tuple(_agent(agent, config) for agent in config.agents)
    return config.model_copy(update={"agents": agents})


def _agent(agent: AgentConfig, config: Config) -> AgentConfig:
    backend = agent.backend
    changes: dict[str, Any] = {}
    entry = BACKEND_TYPES.get(backend.type)
    if entry and entry.default_model and not backend.model:
        changes["model"] = entry.default_model
    switch = config.orchestrator.file_system
    if backend.cwd is None and needs_files(backend, config):
        changes["cwd"] = WORKSPACE
    if switch and switch.enabled and switch.use_docker:
        changes["command_line_execution_mode"] = "docker"
    if not changes:
        return agent
    return agent.model_copy(update={"backend": backend.model_copy(update=changes)})


def needs_files(backend: BackendConfig, config: Config) -> bool:
    """Whether an agent without `cwd` gets a workspace all the same (S-02)."""
    entry = BACKEND_TYPES.get(backend.type)
    switch = config.orchestrator.file_system
    return bool(
        config.orchestrator.context_paths
        or (switch and switch.enabled)
        or (entry and entry.kind == "agent")
        or backend.enable_mcp_command_line
        or backend.enable_code_based_tools
        or backend.enable_multimodal_tools
        or backend.enable_image_generation
        or backend.enable_audio_generation
        or backend.enable_video_generation
        or backend.enable_file_generation
    )
