"""The whole tree: every key is known, has its documented default, and is in the schema and the reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from massgen.config import Config, load_file, load_text
from massgen.config.json_schema import json_schema
from massgen.config.keys import walk_sections
from massgen.config.not_yet import NOT_YET, NOT_YET_VALUES
from massgen.config.reference import reference_page
from massgen.config.source import parse_yaml, plain
from tests.config.places import MINIMAL, load

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

DEFAULTS: dict[str, Any] = {
    "agents[].backend.connect_timeout": 10,
    "agents[].backend.first_token_timeout": 300,
    "agents[].backend.idle_timeout": 120,
    "agents[].backend.temperature": None,
    "agents[].backend.enable_web_search": False,
    "agents[].backend.port": 1234,
    "agents[].backend.tool_timeout_seconds": 300,
    "agents[].backend.command_line_timeout": 60,
    "agents[].backend.command_line_execution_mode": "local",
    "agents[].backend.command_line_network": "host",
    "agents[].backend.command_line_docker_network_mode": "none",
    "agents[].backend.debug_delay_seconds": 0,
    "agents[].backend.debug_delay_after_n_tools": 3,
    "agents[].backend.max_thinking_tokens": 8000,
    "agents[].backend.copilot_system_message_mode": "append",
    "agents[].backend.copilot_permission_policy": "approve",
    "agents[].backend.mcp_servers[].timeout_seconds": 60,
    "agents[].backend.mcp_servers[].security.level": "high",
    "agents[].backend.mcp_servers[].security.allow_localhost": True,
    "agents[].backend.mcp_servers[].security.allow_private_ips": False,
    "agents[].backend.multimodal_config.video.extraction_mode": "scene",
    "agents[].backend.multimodal_config.video.max_frames": 30,
    "agents[].backend.multimodal_config.video.fps": 1.0,
    "agents[].backend.multimodal_config.video.threshold": 0.3,
    "agents[].backend.multimodal_config.video.frames_per_scene": 3,
    "hooks.PreToolUse.hooks[].matcher": "*",
    "hooks.PreToolUse.hooks[].type": "python",
    "hooks.PreToolUse.hooks[].timeout": 30,
    "orchestrator.snapshot_storage": "snapshots",
    "orchestrator.agent_temporary_workspace": "temp_workspaces",
    "orchestrator.session_storage": "sessions",
    "orchestrator.coordination_mode": "voting",
    "orchestrator.voting_sensitivity": "lenient",
    "orchestrator.max_new_answers_per_agent": None,
    "orchestrator.max_new_answers_global": None,
    "orchestrator.answer_novelty_requirement": "lenient",
    "orchestrator.fairness_enabled": True,
    "orchestrator.fairness_lead_cap_answers": 2,
    "orchestrator.max_midstream_injections_per_round": 2,
    "orchestrator.defer_peer_updates_until_restart": False,
    "orchestrator.allow_midstream_peer_updates_before_checklist_submit": None,
    "orchestrator.disable_injection": False,
    "orchestrator.defer_voting_until_all_answered": False,
    "orchestrator.final_answer_strategy": "winner_present",
    "orchestrator.evaluation_criteria_generator.min_criteria": 4,
    "orchestrator.evaluation_criteria_generator.max_criteria": 7,
    "orchestrator.dspy.num_variants": 3,
    "orchestrator.dspy.strategy": "balanced",
    "orchestrator.dspy.semantic_threshold": 0.85,
    "orchestrator.coordination.max_orchestration_restarts": 0,
    "orchestrator.coordination.compression_target_ratio": 0.20,
    "orchestrator.coordination.enable_changedoc": True,
    "orchestrator.coordination.write_mode": "legacy",
    "orchestrator.coordination.broadcast": False,
    "orchestrator.coordination.broadcast_timeout": 300,
    "orchestrator.coordination.max_broadcasts_per_agent": 10,
    "orchestrator.coordination.broadcast_sensitivity": "medium",
    "orchestrator.coordination.response_depth": "medium",
    "orchestrator.coordination.max_tasks_per_plan": 10,
    "orchestrator.coordination.skills_directory": ".agent/skills",
    "orchestrator.coordination.skill_lifecycle_mode": "create_or_update",
    "orchestrator.coordination.skill_write_policy": "final_agent_staging",
    "orchestrator.coordination.skill_similarity_threshold": 0.6,
    "orchestrator.coordination.max_previous_session_skills": 10,
    "orchestrator.coordination.previous_session_skill_sort": "recency",
    "orchestrator.coordination.persona_generator.diversity_mode": "perspective",
    "orchestrator.coordination.subagent_types": None,
    "orchestrator.coordination.subagent_default_timeout": 300,
    "orchestrator.coordination.subagent_min_timeout": 60,
    "orchestrator.coordination.subagent_max_timeout": 600,
    "orchestrator.coordination.subagent_max_concurrent": 3,
    "orchestrator.coordination.subagent_runtime_mode": "isolated",
    "orchestrator.coordination.subagent_runtime_fallback_mode": None,
    "orchestrator.coordination.background_subagents.injection_strategy": "tool_result",
    "orchestrator.coordination.subagent_orchestrator.parse_at_references": True,
    "orchestrator.coordination.subagent_orchestrator.disable_injection": True,
    "orchestrator.coordination.subagent_orchestrator.defer_voting_until_all_answered": True,
    "orchestrator.coordination.subagent_orchestrator.shared_child_team_types": ("round_evaluator",),
    "orchestrator.coordination.round_evaluator_transformation_pressure": "balanced",
    "timeout_settings.orchestrator_timeout_seconds": 1800,
    "timeout_settings.initial_round_timeout_seconds": None,
    "timeout_settings.subsequent_round_timeout_seconds": None,
    "timeout_settings.round_timeout_grace_seconds": 120,
    "timeout_settings.agent_timeout_seconds": None,
    "ui.display_type": None,
    "ui.logging_enabled": True,
    "filesystem_memory.compression.trigger_threshold": 0.75,
    "filesystem_memory.compression.target_ratio": 0.20,
    "memory.enabled": True,
    "memory.persistent_memory.enabled": False,
    "memory.persistent_memory.on_disk": True,
    "memory.persistent_memory.qdrant.mode": "local",
    "memory.persistent_memory.qdrant.port": 6333,
    "memory.compression.trigger_threshold": 0.75,
    "memory.compression.target_ratio": 0.40,
    "memory.retrieval.limit": 5,
    "memory.recording.summary_model": "gpt-4o-mini",
    "massgen.execution_mode": "context_based",
    "massgen.code_execution.mode": "docker",
    "massgen.search_tools.enable_semtools": False,
}


def fields() -> dict[str, Any]:
    """Key path -> default, of the whole tree."""
    return {
        f"{pattern}.{key}" if pattern else key: field.get_default(call_default_factory=True)
        for pattern, model in walk_sections()
        for key, field in model.model_fields.items()
    }


@pytest.mark.spec("CFG-020", "COORD-001", "WS-050")
def test_a_file_with_every_key_has_no_error_and_no_unknown_key() -> None:
    loaded = load_file(HERE / "all_keys.yaml")
    assert loaded.errors == ()
    assert [item for item in loaded.diagnostics if item.code == "unknown-key"] == []


@pytest.mark.spec("CFG-020")
def test_that_file_really_has_every_key_of_the_schema() -> None:
    used: set[str] = set()
    collect(plain(parse_yaml((HERE / "all_keys.yaml").read_text())), used)
    missing = {path.rpartition(".")[2] for path in fields()} - used
    assert missing == set()


def collect(value: Any, used: set[str]) -> None:
    for key, item in value.items() if isinstance(value, dict) else ():
        used.add(key)
        collect(item, used)
    for item in value if isinstance(value, list) else ():
        collect(item, used)


@pytest.mark.spec("CFG-020", "COORD-001", "COORD-007")
@pytest.mark.parametrize("path", DEFAULTS)
def test_keys_have_their_documented_default(path: str) -> None:
    assert fields()[path] == DEFAULTS[path]


@pytest.mark.spec("COORD-007")
def test_coordination_objects_can_be_made_in_python() -> None:
    from massgen.agent_config import AgentConfig, CoordinationConfig

    coordination = CoordinationConfig(max_orchestration_restarts=2)
    assert coordination.max_orchestration_restarts == 2
    assert coordination.broadcast_timeout == 300
    assert AgentConfig(coordination_config=coordination).coordination_config is coordination


def test_the_tree_cannot_be_changed() -> None:
    team = load(MINIMAL).require()
    with pytest.raises(Exception, match="frozen"):
        team.orchestrator.voting_sensitivity = "strict"  # pyright: ignore[reportAttributeAccessIssue]


def test_the_json_schema_accepts_what_the_validator_accepts() -> None:
    schema = json_schema()
    checker = jsonschema.Draft202012Validator(schema)
    checker.check_schema(schema)
    checker.validate(plain(parse_yaml((HERE / "all_keys.yaml").read_text())))
    checker.validate({"agent": {"backend": {"type": "openai", "model": "m", "service_tier": "flex"}}})
    checker.validate({"agents": {"a": {"backend_name": "OpenAI", "backend": {"type": "openai"}}}})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"agents": []},
        {"agents": [{"id": "a", "backend": {"type": "gpt"}}]},
        {"agent": {"backend": {"type": "openai"}}, "ui": {"display_type": "fancy"}},
        {"agent": {"backend": {"type": "openai"}}, "orchestrater": {}},
        {"agent": {"backend": {"type": "openai", "temperature": "hot"}}},
    ],
)
def test_the_json_schema_refuses_what_the_validator_complains_about(values: dict[str, Any]) -> None:
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(values)
    loaded = load_text(json.dumps(values))
    assert loaded.errors or loaded.warnings


def test_the_reference_page_is_the_one_of_this_schema() -> None:
    page = ROOT / "docs" / "reference" / "configuration.md"
    assert page.read_text(encoding="utf-8") == reference_page()


def test_every_key_has_a_description() -> None:
    bare = [
        f"{pattern}.{key}"
        for pattern, model in walk_sections()
        for key, field in model.model_fields.items()
        if not field.description
    ]
    assert bare == []


def test_the_list_of_what_has_no_effect_names_keys_and_values_that_exist() -> None:
    known = fields()
    assert set(NOT_YET) - set(known) == set()
    assert set(NOT_YET_VALUES) - set(known) == set()


@pytest.mark.skipif(not NOT_YET, reason="everything has an effect")
def test_a_key_without_effect_is_a_hint_unless_it_switches_nothing_on() -> None:
    path = next(name for name in NOT_YET if name.startswith("orchestrator.coordination.enable_"))
    key = path.rpartition(".")[2]
    on = load(MINIMAL + f"orchestrator: {{coordination: {{{key}: true}}}}\n")
    off = load(MINIMAL + f"orchestrator: {{coordination: {{{key}: false}}}}\n")
    assert [item.code for item in on.hints] == ["not-yet"]
    assert off.hints == ()
    assert isinstance(on.config, Config)
