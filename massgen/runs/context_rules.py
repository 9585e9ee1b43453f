"""How an agent's conversation is kept within its model's context, from the configuration (MEM-073 to MEM-079)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from massgen.agents.compression import ContextRules
from massgen.agents.notes import NoteDesk, NoteRules
from massgen.config import AgentConfig, Config
from massgen.config.backend_types import backend_type

RECENT = "recent.md"


def memory_wanted(config: Config) -> bool:
    """Whether agents keep memory files: by the mode, or because they write their own summaries."""
    return config.orchestrator.coordination.enable_memory_filesystem_mode or notes_wanted(config)


def notes_wanted(config: Config) -> bool:
    """Whether agents are asked for notes before their conversations are cut (MEM-079)."""
    return config.filesystem_memory is not None and config.filesystem_memory.enabled


def context_rules(config: Config, agent: AgentConfig, desk: NoteDesk | None) -> ContextRules:
    """For one agent; `desk` is there where it can write notes."""
    memory = agent.memory or config.memory
    cutting = memory.compression if memory is not None and memory.enabled else None
    return ContextRules(
        kept_messages=config.orchestrator.coordination.compression_target_ratio,
        window=context_window(agent.backend.type, agent.backend.model or ""),
        trigger=cutting.trigger_threshold if cutting is not None else None,
        target=cutting.target_ratio if cutting is not None else ContextRules().target,
        notes=_notes(config, desk),
    )


def context_window(type_name: str, model: str) -> Callable[[], int | None]:
    """Looks the model up once, when it is first asked."""

    @cache
    def window() -> int | None:
        if not model or backend_type(type_name).kind in ("simulated", "own"):
            return None
        from massgen.backends.facts import facts_of

        return facts_of(type_name, model).context_window

    return window


def _notes(config: Config, desk: NoteDesk | None) -> NoteRules | None:
    if desk is None or config.filesystem_memory is None:
        return None
    from massgen.tools.compression_complete import NAME

    ratios = config.filesystem_memory.compression
    return NoteRules(desk=desk, tool=NAME, trigger=ratios.trigger_threshold, target=ratios.target_ratio)
