"""Documented keys and values that have no effect yet: one list, which later work empties.

A pattern names a key of the normalised tree, `[]` standing for any item and `.*` for any key of a map. A key
named here is a hint at `--validate` and one line at a run, unless its value switches nothing on.
"""

from __future__ import annotations

_COORDINATION = "orchestrator.coordination."
_BACKEND = "agents[].backend."


def _keys(prefix: str, reason: str, *names: str) -> dict[str, str]:
    return {prefix + name: reason for name in names}


NOT_YET: dict[str, str] = {
    **_keys(
        _COORDINATION,
        "questions between agents are not built yet",
        "broadcast",
    ),
    **_keys(
        _COORDINATION,
        "planning mode and task lists are not built yet",
        "enable_planning_mode",
        "enable_agent_task_planning",
        "task_planning_filesystem_mode",
    ),
    **_keys(_COORDINATION, "restarts are not built yet", "max_orchestration_restarts"),
    **_keys(
        _COORDINATION,
        "skills are not built yet",
        "use_skills",
        "massgen_skills",
        "load_previous_session_skills",
        "enable_skill_consolidation_in_analysis",
    ),
    **_keys(_COORDINATION, "memory in files is not built yet", "enable_memory_filesystem_mode"),
    **_keys(_COORDINATION, "personas are not built yet", "persona_generator"),
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
        "fast_iteration_mode",
    ),
    **_keys(
        "orchestrator.",
        "it is not built yet",
        "presenter_agent",
        "defer_peer_updates_until_restart",
        "allow_midstream_peer_updates_before_checklist_submit",
        "disable_injection",
        "defer_voting_until_all_answered",
        "evaluation_criteria_generator",
        "skip_coordination_rounds",
        "debug_final_answer",
        "dspy",
        "max_cost_usd",
        "max_total_tokens",
    ),
    **_keys(
        "agents[].",
        "it is not built yet",
        "memory",
        "subagent_agents",
        "subtask",
        "max_cost_usd",
        "max_total_tokens",
    ),
    **_keys("", "it is not built yet", "memory", "filesystem_memory", "massgen", "hooks"),
    **_keys(_BACKEND, "hooks are not built yet", "hooks", "debug_delay_seconds"),
    **_keys(
        _BACKEND,
        "code-based tools and discovery are not built yet",
        "direct_mcp_servers",
        "auto_discover_custom_tools",
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
    **_keys(
        _BACKEND,
        "tools of the agent are not built yet",
        "cwd",
        "mcp_servers",
        "custom_tools",
        "enable_mcp_command_line",
        "concurrent_tool_execution",
        "allowed_tools",
        "exclude_tools",
        "disallowed_tools",
        "exclude_file_operation_mcps",
    ),
}
"""Key path -> why it has no effect."""

NOT_YET_VALUES: dict[str, dict[str, str]] = {
    "orchestrator.coordination_mode": {"decomposition": "decomposition is not built yet"},
    "orchestrator.voting_sensitivity": {
        "strict": "only 'lenient' is built yet",
        "balanced": "only 'lenient' is built yet",
        "checklist_gated": "checklists are not built yet",
    },
    "orchestrator.answer_novelty_requirement": {
        "balanced": "novelty is not checked yet",
        "strict": "novelty is not checked yet",
    },
    "orchestrator.final_answer_strategy": {
        "synthesize": "only 'winner_present' is built yet",
        "winner_reuse": "only 'winner_present' is built yet",
    },
    "orchestrator.coordination.write_mode": dict.fromkeys(
        ("auto", "worktree", "isolated"), "isolation of the project is not built yet"
    ),
    "agents[].backend.command_line_execution_mode": {"docker": "containers are not built yet"},
    "agents[].backend.type": dict.fromkeys(
        ("claude_code", "codex", "gemini_cli", "copilot", "ag2"), "this backend type is not available yet"
    ),
}
"""Key path -> value -> why that value has no effect."""
