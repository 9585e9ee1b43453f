"""Configuration objects under their documented names (COORD-007).

`AgentConfig` here is the bundle that the documents construct in Python: one agent's backend, with the
coordination of its team. Inside the package an agent is `massgen.config.AgentConfig`.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from massgen.config.schema.coordination import CoordinationConfig
from massgen.config.schema.timeouts import TimeoutSettings

__all__ = ["AgentConfig", "CoordinationConfig", "TimeoutSettings"]


class AgentConfig(Struct, frozen=True, kw_only=True):
    """One agent and how its team coordinates; `backend_params` are the keys of `backend`."""

    agent_id: str = "agent_a"
    backend_params: dict[str, Any] = field(default_factory=dict)
    system_message: str | None = None
    coordination_config: CoordinationConfig = field(default_factory=CoordinationConfig)
    timeout_config: TimeoutSettings = field(default_factory=TimeoutSettings)
