"""Documented keys and values that have no effect yet: one list, which later work empties.

A pattern names a key of the normalised tree, `[]` standing for any item and `.*` for any key of a map. A key
named here is a hint at `--validate` and one line at a run, unless its value switches nothing on.
"""

from __future__ import annotations

_COORDINATION = "orchestrator.coordination."
_BACKEND = "agents[].backend."
_FACTS = ("persistent_memory", "retrieval", "recording")


def _keys(prefix: str, reason: str, *names: str) -> dict[str, str]:
    return {prefix + name: reason for name in names}


NOT_YET: dict[str, str] = {
    **_keys(
        _COORDINATION,
        "skills are not built yet",
        "use_skills",
        "massgen_skills",
        "load_previous_session_skills",
        "enable_skill_consolidation_in_analysis",
    ),
    **_keys(
        _COORDINATION,
        "subagents are not built yet",
        "enable_subagents",
        "subagent_types",
        "subagent_round_timeouts",
        "subagent_orchestrator",
        "subagent_host_launch_prefix",
    ),
    **_keys(
        _COORDINATION,
        "the round evaluator is not built yet",
        "round_evaluator_before_checklist",
        "orchestrator_managed_round_evaluator",
        "round_evaluator_refine",
    ),
    **_keys("agents[].", "it is not built yet", "subagent_agents"),
    **_keys("agents[].memory.", "memory of facts is not built yet", *_FACTS),
    **_keys("memory.", "memory of facts is not built yet", *_FACTS),
    **_keys("", "it is not built yet", "massgen"),
    **_keys(_BACKEND, "debug delays are not built yet", "debug_delay_seconds"),
    **_keys(
        _BACKEND,
        "code-based tools are not built yet",
        "direct_mcp_servers",
        "custom_tools_path",
        "enable_code_based_tools",
        "shared_tools_directory",
        "exclude_custom_tools",
        "include_custom_tools",
    ),
    **_keys(
        _BACKEND,
        "media tools are not built yet",
        "enable_multimodal_tools",
        "image_generation_backend",
        "image_generation_model",
        "video_generation_backend",
        "video_generation_model",
        "audio_generation_backend",
        "audio_generation_model",
        "multimodal_config",
        "enable_image_generation",
        "enable_audio_generation",
        "enable_video_generation",
        "enable_file_generation",
    ),
}
"""Key path -> why it has no effect."""

NOT_YET_VALUES: dict[str, dict[str, str]] = {
    "agents[].backend.type": dict.fromkeys(
        ("claude_code", "codex", "gemini_cli", "copilot", "ag2"), "this backend type is not available yet"
    ),
}
"""Key path -> value -> why that value has no effect."""
