"""Errors and warnings, case by case."""

from __future__ import annotations

import pytest

from massgen.config import load_text
from massgen.config.backend_types import BACKEND_TYPES
from massgen.config.capabilities import CAPABILITIES
from tests.config.places import MINIMAL, errors, load, messages, one_agent

TWO = """
agents:
  - {id: a, backend: {type: openai, model: gpt-5, cwd: workspace}}
  - {id: b, backend: {type: gemini, model: gemini-2.5-flash, cwd: workspace}}
"""
TEAM = TWO + "orchestrator: {snapshot_storage: snapshots, agent_temporary_workspace: temp_workspaces}\n"


@pytest.mark.spec("CFG-067")
@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("ui: {}", "", "No agents: 'agents' or 'agent' is missing"),
        ("agents: []", "agents", "No agents: 'agents' or 'agent' is missing"),
        ("agents: [{backend: {type: openai, model: m}}]", "agents[0]", "Agent missing required field 'id'"),
        ("agents: [{id: a}]", "agents[0]", "Agent missing required field 'backend'"),
        ("agents: [{id: a, backend: {model: m}}]", "agents[0].backend", "Backend missing required field 'type'"),
        ("agents: [{id: a, backend: {type: openai}}]", "agents[0].backend", "Backend missing required field 'model'"),
        (
            "agents: [{id: a, backend: {type: chatcompletion, model: m}}]",
            "agents[0].backend",
            "Backend missing required field 'base_url'",
        ),
        (
            "agents: [{id: a, backend: {type: ag2}}]",
            "agents[0].backend",
            "Backend missing required field 'agent_config'",
        ),
        (
            "agents: [{id: a, backend: {type: openai, model: m, mcp_servers: [{name: s, type: stdio}]}}]",
            "agents[0].backend.mcp_servers[0]",
            "MCP server 's' missing required field 'command'",
        ),
        (
            "agents: [{id: a, backend: {type: openai, model: m, mcp_servers: [{name: s, type: sse}]}}]",
            "agents[0].backend.mcp_servers[0]",
            "MCP server 's' missing required field 'url'",
        ),
        (
            "agents: [{id: a, backend: {type: openai, model: m, mcp_servers: [{name: s}]}}]",
            "agents[0].backend.mcp_servers[0]",
            "MCP server 's' missing required field 'command' or 'url'",
        ),
    ],
)
def test_what_is_missing_is_an_error(text: str, path: str, message: str) -> None:
    assert errors(load(text)) == [(path, message)]


@pytest.mark.spec("CFG-068", "COORD-002", "BE-001")
def test_an_unknown_backend_type_lists_the_valid_ones() -> None:
    (problem,) = one_agent("type: gpt\nmodel: m").errors
    assert problem.path == "agents[0].backend.type"
    assert problem.message == "Unknown backend type: 'gpt'"
    assert problem.suggestion is not None
    assert "openai" in problem.suggestion
    assert all(name in problem.suggestion for name in BACKEND_TYPES)


@pytest.mark.spec("CFG-068", "COORD-002", "CFG-028", "EXEC-050")
@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("agents: [{id: 123, backend: {type: openai, model: m}}]", "agents[0].id"),
        (
            "agent: {id: a, backend: {type: openai, model: m, enable_web_search: 'yes'}}",
            "agent.backend.enable_web_search",
        ),
        ("agent: {id: a, backend: {type: openai, model: m, temperature: 3}}", "agent.backend.temperature"),
        ("agent: {id: a, backend: {type: openai, model: m, temperature: .nan}}", "agent.backend.temperature"),
        ("agent: {id: a, backend: {type: openai, model: m, max_tokens: 0}}", "agent.backend.max_tokens"),
        ("agent: {id: a, backend: {type: openai, model: m, max_tokens: 1.5}}", "agent.backend.max_tokens"),
        ("agent: {id: a, backend: {type: openai, model: m, timeout: true}}", "agent.backend.timeout"),
        ("agent: {id: a, backend: {type: openai, model: m, betas: x}}", "agent.backend.betas"),
        (
            "agent: {id: a, backend: {type: openai, model: m, reasoning: {effort: huge}}}",
            "agent.backend.reasoning.effort",
        ),
        ("agent: {id: a, backend: {type: claude_code, permission_mode: auto}}", "agent.backend.permission_mode"),
        ("agent: {id: a, backend: {type: openai, model: m, base_url: localhost}}", "agent.backend.base_url"),
        ("agent: {id: a, backend: [openai]}", "agent.backend"),
        (MINIMAL + "ui: {display_type: fancy}", "ui.display_type"),
        (MINIMAL + "ui: on", "ui"),
        (MINIMAL + "orchestrator: {voting_sensitivity: lenientt}", "orchestrator.voting_sensitivity"),
        (MINIMAL + "orchestrator: {max_new_answers_per_agent: 0}", "orchestrator.max_new_answers_per_agent"),
        (MINIMAL + "orchestrator: {max_new_answers_global: -1}", "orchestrator.max_new_answers_global"),
        (MINIMAL + "orchestrator: {fairness_lead_cap_answers: -1}", "orchestrator.fairness_lead_cap_answers"),
        (MINIMAL + "orchestrator: {presenter_agent: nobody}", "orchestrator.presenter_agent"),
        (
            MINIMAL + "orchestrator: {context_paths: [{path: /x, permission: execute}]}",
            "orchestrator.context_paths[0].permission",
        ),
        (MINIMAL + "orchestrator: {context_paths: [{path: /x}]}", "orchestrator.context_paths[0]"),
        (MINIMAL + "orchestrator: {coordination: {write_mode: free}}", "orchestrator.coordination.write_mode"),
        (MINIMAL + "orchestrator: {coordination: {broadcast: true}}", "orchestrator.coordination.broadcast"),
        (
            MINIMAL + "timeout_settings: {orchestrator_timeout_seconds: 0}",
            "timeout_settings.orchestrator_timeout_seconds",
        ),
        (
            MINIMAL + "timeout_settings: {orchestrator_timeout_seconds: null}",
            "timeout_settings.orchestrator_timeout_seconds",
        ),
        (MINIMAL + "memory: {compression: {target_ratio: 2}}", "memory.compression.target_ratio"),
        (
            "agent: {id: a, backend: {type: openai, model: m, command_line_docker_credentials: {mount: [aws]}}}",
            "agent.backend.command_line_docker_credentials.mount[0]",
        ),
        (
            "agent: {id: a, backend: {type: openai, model: m, mcp_servers: [{name: s, type: tcp, command: c}]}}",
            "agent.backend.mcp_servers[0].type",
        ),
    ],
)
def test_wrong_types_and_values_are_errors_with_the_full_path(text: str, path: str) -> None:
    found = errors(load(text))
    assert [place for place, _ in found] == [path]


def test_a_misspelt_value_is_met_with_the_nearest_one() -> None:
    (problem,) = load(MINIMAL + "orchestrator: {answer_novelty_requirement: balancd}").errors
    assert "Did you mean 'balanced'?" in (problem.suggestion or "")


@pytest.mark.spec("CFG-068", "COORD-002")
def test_duplicate_ids_are_an_error_at_the_second_place() -> None:
    text = "agents:\n  - {id: a, backend: {type: openai, model: m}}\n  - {id: a, backend: {type: openai, model: m}}\n"
    (problem,) = load_text(text + "orchestrator: {}\n").errors
    assert (problem.path, problem.message, problem.line) == ("agents[1].id", "Duplicate agent ID: 'a'", 3)


def test_all_errors_of_a_file_are_found_at_once() -> None:
    found = load(
        """
        agents:
          - {id: a, backend: {type: gpt, model: m}}
          - {id: a, backend: {type: openai, temperature: hot}}
        orchestrator: {voting_sensitivity: x, presenter_agent: c, coordination: {use_skills: true}}
        ui: {display_type: fancy}
        """
    ).errors
    assert len(found) == 8


@pytest.mark.spec("CFG-069", "BE-070")
@pytest.mark.parametrize("name", list(BACKEND_TYPES))
@pytest.mark.parametrize("key", ["enable_web_search", "enable_code_execution", "enable_code_interpreter"])
def test_built_in_tools_follow_the_capability_table(name: str, key: str) -> None:
    extra = {"chatcompletion": "base_url: 'http://localhost:9/v1'", "ag2": "agent_config: {type: assistant}"}
    loaded = one_agent(f"type: {name}\nmodel: m\n{key}: true\n{extra.get(name, '')}")
    verdict = getattr(CAPABILITIES[name], key)
    assert bool(loaded.errors) == (verdict == "no")
    assert bool(loaded.warnings) == (verdict in ("warn", "alias"))
    if verdict == "no":
        assert "Backend does not support" in loaded.errors[0].message
        assert "openai" in (loaded.errors[0].suggestion or "") or key == "enable_code_execution"


@pytest.mark.spec("CFG-069")
def test_the_error_names_backends_that_have_the_tool() -> None:
    (problem,) = one_agent("type: lmstudio\nmodel: m\nenable_web_search: true").errors
    assert "Backend does not support web_search" in problem.message
    assert "openai, claude" in (problem.suggestion or "")


@pytest.mark.spec("BE-070")
def test_claude_reads_the_code_interpreter_as_code_execution() -> None:
    backend = one_agent("type: claude\nmodel: m\nenable_code_interpreter: true").require().agents[0].backend
    assert (backend.enable_code_execution, backend.enable_code_interpreter) == (True, False)


def test_web_search_through_openrouters_address_is_fine() -> None:
    loaded = one_agent(
        "type: chatcompletion\nmodel: m\nbase_url: 'https://openrouter.ai/api/v1'\nenable_web_search: true"
    )
    assert loaded.warnings == loaded.errors == ()


@pytest.mark.spec("CFG-070")
@pytest.mark.parametrize(
    "text", ["models: [gpt-4o, claude]\nnum_agents: 2\n", "num_agents: 2\n", MINIMAL + "models: [x]\n"]
)
def test_first_version_files_are_told_to_migrate(text: str) -> None:
    (problem,) = load(text).errors
    assert problem.message == "V1 config format detected"
    assert "Migrate" in (problem.suggestion or "")
    assert load(text).warnings == ()


@pytest.mark.spec("CFG-068")
def test_an_agent_that_is_no_map_is_one_error_that_says_what_it_is() -> None:
    found = load("agents: [null, 3]\norchestrator: {}\n")
    assert errors(found) == [
        ("agents[0]", "An entry of 'agents' must be a map, not empty"),
        ("agents[1]", "An entry of 'agents' must be a map, not the number 3"),
    ]


@pytest.mark.spec("SESS-085", "CFG-063")
@pytest.mark.parametrize("name", ["../up", "my chat", "''"])
def test_a_session_id_that_no_run_takes_is_an_error(name: str) -> None:
    (problem,) = load(MINIMAL + f"session_id: {name}\n").errors
    assert problem.path == "session_id" and "is no session id" in problem.message


@pytest.mark.spec("CFG-071")
@pytest.mark.parametrize("name", ["codex", "gemini_cli"])
@pytest.mark.parametrize(("mode", "valid"), [("none", False), ("host", False), ("bridge", True)])
def test_command_line_agents_in_containers_need_the_bridge(name: str, mode: str, valid: bool) -> None:
    loaded = one_agent(f"type: {name}\ncommand_line_execution_mode: docker\ncommand_line_docker_network_mode: {mode}")
    assert (loaded.errors == ()) == valid


CHECKLIST = "orchestrator: {{voting_sensitivity: checklist_gated, coordination: {{{}}}}}"
DOCKER = "type: openai\nmodel: m\nenable_mcp_command_line: true\ncommand_line_execution_mode: docker\n"


@pytest.mark.spec("CFG-072", "EXEC-061", "CFG-039", "WS-155", "EXEC-025", "MCP-009", "TOOL-021")
@pytest.mark.parametrize(
    ("backend", "rest", "words"),
    [
        (
            "type: openai\nmodel: m",
            "orchestrator: {coordination: {use_skills: true}}",
            "Skills require command line execution",
        ),
        (
            "type: openai\nmodel: m",
            CHECKLIST.format("round_evaluator_before_checklist: true"),
            "orchestrator_managed_round_evaluator: true",
        ),
        (
            "type: openai\nmodel: m",
            "orchestrator: {coordination: "
            "{round_evaluator_before_checklist: true, orchestrator_managed_round_evaluator: true}}",
            "checklist_gated",
        ),
        (DOCKER + "command_line_docker_packages: {preinstall: {python: [x]}}", "", "command_line_docker_network_mode"),
        (
            DOCKER + "command_line_docker_network_mode: bridge\ncommand_line_docker_packages: {preinstall: {npm: [x]}}",
            "",
            "command_line_docker_enable_sudo",
        ),
        (
            "type: openai\nmodel: m",
            "massgen: {execution_mode: filesystem_first}",
            "execution_mode: 'filesystem_first' requires code execution",
        ),
        ("type: openai\nmodel: m\ncommand_line_allowed_commands: ['(']", "", "regular expression"),
        (
            "type: openai\nmodel: m\nmcp_servers: [{name: s, command: c}, {name: s, command: d}]",
            "",
            "Two MCP servers are called 's'",
        ),
        ("type: openai\nmodel: m\ncustom_tools: [{name: [a], function: [f, g]}]", "", "1 entries for 2 functions"),
        ("type: openai\nmodel: m\ncustom_tools: [{name: a}]", "", "'function'"),
        ("type: openai\nmodel: m", "orchestrator: {dspy: {enabled: true}}", "'backend'"),
        (
            "type: openai\nmodel: m",
            "orchestrator: {evaluation_criteria_generator: {min_criteria: 8}}",
            "greater than 'max_criteria'",
        ),
        (
            "type: openai\nmodel: m",
            "orchestrator: {coordination: {subagent_min_timeout: 700}}",
            "greater than 'subagent_max_timeout'",
        ),
    ],
)
def test_keys_that_need_each_other_are_errors(backend: str, rest: str, words: str) -> None:
    loaded = one_agent(backend, rest)
    assert words in messages(loaded.errors)
    assert loaded.config is None


def test_a_cap_that_makes_a_vote_impossible_is_an_error() -> None:
    text = TWO + "orchestrator: {max_new_answers_global: 1, defer_voting_until_all_answered: true}\n"
    assert errors(load(text))[0][0] == "orchestrator.max_new_answers_global"


@pytest.mark.spec("CFG-073", "TOOL-028", "MCP-012")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TWO, "no 'orchestrator' section"),
        (
            "agent: {id: a, backend: {type: openai, model: m, allowed_tools: [x], exclude_tools: [y]}}",
            "exclusion always wins",
        ),
        (
            "agent: {id: a, backend: {type: openai, model: m, allowed_tools: [x], disallowed_tools: [y]}}",
            "disallowed_tools",
        ),
        (
            "agent: {id: a, backend: {type: openai, model: m, mcp_servers: "
            "[{name: s, command: c, allowed_tools: [x], exclude_tools: [y]}]}}",
            "exclusion always wins",
        ),
        (
            "agent: {id: a, backend: {type: azure_openai, model: m}}\n"
            "orchestrator: {coordination: {enable_planning_mode: true}}",
            "Planning mode",
        ),
        (
            "agent: {id: a, backend: {type: ag2, agent_config: {type: assistant}}}\n"
            "orchestrator: {coordination: {enable_planning_mode: true}}",
            "Planning mode",
        ),
        (TEAM + "memory: {persistent_memory: {enabled: true}}\n", "Qdrant"),
        (MINIMAL + "orchestrator: {coordination: {fast_iteration_mode: true}}", "fast_iteration_mode"),
        (
            "agent: {id: a, backend: {type: openai, model: m, custom_tools: [{function: f, default_params: {x: 1}}]}}",
            "preset_args",
        ),
        (MINIMAL + "orchestrator: {coordination: {use_two_tier_workspace: false}}", "deprecated"),
        (
            "agents: [{id: a, backend: {type: claude_code}}, {id: b, backend: {type: openai, model: m}}]\n"
            "orchestrator: {coordination: {broadcast: agents}}",
            "unreliable",
        ),
        ("agent: {id: a, backend: {type: openai, model: m, enable_code_based_tools: true}}", "enable_mcp_command_line"),
        (
            "agent: {id: a, backend: {type: openai, model: m, exclude_file_operation_mcps: true}}",
            "enable_mcp_command_line",
        ),
        (
            "agent: {id: a, backend: {type: ag2, agent_config: {type: assistant}, "
            "mcp_servers: [{name: s, command: c}]}}",
            "left out",
        ),
        ("agent: {id: a, backend: {type: azure_openai, model: m, mcp_servers: [{name: s, command: c}]}}", "tried"),
        ("agent: {id: a, backend: {type: azure_openai, model: m, custom_tools: [{function: f}]}}", "left out"),
        (MINIMAL + "orchestrator: {coordination: {enable_memory_filesystem_mode: true}}", "need a workspace"),
        ("agent: {id: a, backend: {type: anthropic, model: m}}", "claude"),
        (
            "agent: {id: a, backend: {type: openai, model: m, mcp_servers: [{name: planning, command: c}]}}",
            "built-in server",
        ),
    ],
)
def test_what_is_unwise_is_a_warning_and_no_error(text: str, words: str) -> None:
    loaded = load(text)
    assert words in messages(loaded.warnings)
    assert loaded.errors == ()


AGENT = "agent: {id: a, backend: {type: openai, model: m"


@pytest.mark.spec("CFG-074")
@pytest.mark.parametrize(
    ("text", "path", "meant"),
    [
        (MINIMAL + "orchestrater: {}", "orchestrater", "orchestrator"),
        (AGENT + "}, system_mesage: x}", "agent.system_mesage", "system_message"),
        (MINIMAL + "orchestrator: {max_answers: 2}", "orchestrator.max_answers", None),
        (
            MINIMAL + "orchestrator: {max_new_answer_per_agent: 2}",
            "orchestrator.max_new_answer_per_agent",
            "max_new_answers_per_agent",
        ),
        (
            MINIMAL + "orchestrator: {coordination: {enable_plan_mode: true}}",
            "orchestrator.coordination.enable_plan_mode",
            "enable_planning_mode",
        ),
        (MINIMAL + "ui: {display: simple}", "ui.display", None),
        (
            MINIMAL + "timeout_settings: {orchestrator_timeout: 5}",
            "timeout_settings.orchestrator_timeout",
            "orchestrator_timeout_seconds",
        ),
        (
            AGENT + ", mcp_servers: [{name: s, command: c, arg: []}]}}",
            "agent.backend.mcp_servers[0].arg",
            "args",
        ),
    ],
)
def test_unknown_keys_warn_and_name_the_nearest(text: str, path: str, meant: str | None) -> None:
    (warning,) = load(text).warnings
    assert warning.path == path
    assert meant is None or warning.suggestion == f"Did you mean '{meant}'?"
    assert warning.code == "unknown-key"


@pytest.mark.spec("CFG-074")
def test_a_known_key_at_the_wrong_place_is_told_where_it_belongs() -> None:
    (warning,) = load(MINIMAL + "orchestrator: {write_mode: auto}").warnings
    assert warning.suggestion == "'write_mode' belongs below 'orchestrator.coordination'"


@pytest.mark.spec("CFG-043", "CFG-061")
def test_a_key_close_to_a_known_one_inside_backend_is_a_hint() -> None:
    loaded = one_agent("type: openai\nmodel: m\ntemprature: 0.1\nquite_different_option: 1")
    assert loaded.warnings == ()
    assert [item.path for item in loaded.hints] == ["agents[0].backend.temprature"]
    assert loaded.require().agents[0].backend.extra == {"temprature": 0.1, "quite_different_option": 1}


@pytest.mark.spec("CFG-025", "CFG-061", "COORD-053", "WS-008", "WS-013")
@pytest.mark.parametrize(
    ("backend", "rest", "words"),
    [
        ("type: openai\nmodel: gpt-5\ncwd: workspace1", "", "plain 'workspace'"),
        ("type: openai\nmodel: gpt-4o\ncwd: workspace", "", "weak"),
        ("type: openai\nmodel: gpt-5\ncwd: workspace", "", "snapshot_storage: snapshots"),
    ],
)
def test_advice_is_a_hint_and_never_counts(backend: str, rest: str, words: str) -> None:
    loaded = one_agent(backend, rest)
    assert words in messages(loaded.hints)
    loaded.require(strict=True)


def test_a_wrong_secret_is_not_repeated_in_the_message() -> None:
    loaded = one_agent(
        "type: openai\nmodel: m\napi_key: [sk-very-secret]\nmcp_servers: [{name: s, command: c, env: {A: 12345678}}]"
    )
    assert len(loaded.errors) == 2
    assert "sk-very-secret" not in messages(loaded.errors)
    assert "12345678" not in messages(loaded.errors)
