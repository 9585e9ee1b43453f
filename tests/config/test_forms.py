"""The forms in which a team may be written, and what follows from them."""

from __future__ import annotations

import pytest

from massgen.config import effective_timeouts, load_config, load_text
from tests.config.places import MINIMAL, config, errors, load, messages, one_agent


@pytest.mark.spec("CFG-021", "COORD-001")
def test_the_smallest_file_gets_every_default() -> None:
    loaded = load(MINIMAL)
    team = loaded.require()
    assert loaded.diagnostics == ()
    assert (team.agents[0].id, team.agents[0].backend.type, team.agents[0].backend.model) == ("a", "openai", "gpt-5")
    assert team.orchestrator.coordination_mode == "voting"
    assert team.orchestrator.max_new_answers_per_agent is None
    assert team.orchestrator.fairness_lead_cap_answers == 2
    assert team.orchestrator.coordination.enable_changedoc is True
    assert team.timeout_settings.orchestrator_timeout_seconds == 1800
    assert team.ui.logging_enabled is True


@pytest.mark.spec("CFG-022")
def test_a_single_agent_is_a_list_of_one() -> None:
    single = config("agent: {id: a, backend: {type: openai, model: gpt-5}, system_message: Be brief}")
    listed = config("agents: [{id: a, backend: {type: openai, model: gpt-5}, system_message: Be brief}]")
    assert single == listed


@pytest.mark.spec("CFG-022")
def test_agent_and_agents_together_are_an_error() -> None:
    assert errors(load(MINIMAL + "agent: {id: b, backend: {type: openai, model: gpt-5}}\n"))[0][0] == "agent"


@pytest.mark.spec("CFG-024")
def test_a_single_agent_without_id_is_called_agent_a_with_a_warning() -> None:
    loaded = load("agent: {backend: {type: openai, model: gpt-5}}")
    assert loaded.require().agents[0].id == "agent_a"
    assert "agent_a" in messages(loaded.warnings)


@pytest.mark.spec("CFG-024", "CFG-067")
def test_a_missing_id_in_the_list_is_an_error_that_says_what_to_add() -> None:
    (problem,) = load("agents: [{backend: {type: openai, model: gpt-5}}]").errors
    assert problem.message == "Agent missing required field 'id'"
    assert problem.suggestion == "Add 'id: \"agent-name\"'"
    assert problem.path == "agents[0]"


@pytest.mark.spec("CFG-023")
def test_agents_as_a_map_with_the_older_backend_keys_are_read() -> None:
    team = config(
        """
        agents:
          Agent1: {backend_name: Anthropic, backend_params: {model: claude-sonnet-4, enable_mcp_command_line: true}}
          Agent2: {backend: {type: gemini, model: gemini-2.5-flash}}
        orchestrator: {}
        """
    )
    first, second = team.agents
    assert (first.id, first.backend.type, first.backend.model) == ("Agent1", "claude", "claude-sonnet-4")
    assert first.backend.enable_mcp_command_line is True
    assert (second.id, second.backend.type) == ("Agent2", "gemini")


def test_keys_given_beside_the_backend_move_into_it_and_the_agents_own_message_wins() -> None:
    team = config(
        """
        agent:
          id: a
          cwd: workspace
          append_system_prompt: after
          system_message: mine
          backend: {type: claude, model: m, system_message: theirs, append_system_prompt: before}
        """
    )
    (agent,) = team.agents
    assert (agent.backend.cwd, agent.backend.append_system_prompt, agent.system_message) == (
        "workspace",
        "after",
        "mine",
    )


@pytest.mark.spec("CFG-029")
def test_voting_keys_below_coordination_are_honoured_with_a_warning() -> None:
    loaded = load(
        MINIMAL + "orchestrator: {coordination: {max_new_answers_per_agent: 3, voting_sensitivity: strict}}\n"
    )
    orchestrator = loaded.require().orchestrator
    assert (orchestrator.max_new_answers_per_agent, orchestrator.voting_sensitivity) == (3, "strict")
    assert [item.path for item in loaded.warnings] == [
        "orchestrator.coordination.max_new_answers_per_agent",
        "orchestrator.coordination.voting_sensitivity",
    ]


def test_a_coordination_section_at_top_level_is_merged_with_a_warning() -> None:
    loaded = load(
        MINIMAL + "coordination: {enable_changedoc: false}\norchestrator: {coordination: {broadcast: false}}\n"
    )
    assert loaded.require().orchestrator.coordination.enable_changedoc is False
    assert "Move it below 'orchestrator'" in messages(loaded.warnings)


@pytest.mark.spec("COORD-004")
@pytest.mark.parametrize(
    "place",
    [
        "orchestrator: {evaluation_criteria_generator: {enabled: true, max_criteria: 5}}",
        "orchestrator: {coordination: {evaluation_criteria_generator: {enabled: true, max_criteria: 5}}}",
        "evaluation_criteria_generator: {enabled: true, max_criteria: 5}",
    ],
)
def test_the_criteria_generator_is_read_at_all_three_places(place: str) -> None:
    loaded = load(MINIMAL + place + "\n")
    criteria = loaded.require().orchestrator.evaluation_criteria_generator
    assert (criteria.enabled, criteria.max_criteria) == (True, 5)
    assert loaded.warnings == ()


@pytest.mark.spec("CFG-028", "COORD-003")
@pytest.mark.parametrize(
    ("text", "overrides", "expected"),
    [
        ("", {}, (1800, None)),
        ("orchestrator: {timeout: {orchestrator_timeout_seconds: 60}}", {}, (60, None)),
        (
            "orchestrator: {timeout: {orchestrator_timeout_seconds: 60, initial_round_timeout_seconds: 9}}\n"
            "timeout_settings: {orchestrator_timeout_seconds: 30}",
            {},
            (30, 9),
        ),
        (
            "orchestrator: {timeout: {initial_round_timeout_seconds: 9}}\n"
            "timeout_settings: {initial_round_timeout_seconds: null}",
            {},
            (1800, None),
        ),
        (
            "timeout_settings: {orchestrator_timeout_seconds: 30}",
            {"timeout_settings.orchestrator_timeout_seconds": 5},
            (5, None),
        ),
    ],
)
def test_for_each_limit_the_flag_beats_the_section_beats_the_orchestrators_own(text, overrides, expected) -> None:
    limits = effective_timeouts(load_text(MINIMAL + text, overrides=overrides).require())
    assert (limits.orchestrator_timeout_seconds, limits.initial_round_timeout_seconds) == expected
    assert limits.round_timeout_grace_seconds == 120


@pytest.mark.spec("CFG-010")
def test_an_override_beats_the_file_and_is_checked_like_it() -> None:
    assert load_text(MINIMAL, overrides={"session_id": "s1"}).require().session_id == "s1"
    loaded = load_text(MINIMAL, overrides={"orchestrator.coordination_mode": "parlour"})
    assert errors(loaded)[0][0] == "orchestrator.coordination_mode"


@pytest.mark.spec("CFG-037")
@pytest.mark.parametrize(
    ("value", "expected"), [("false", False), ('"false"', False), ('"agents"', "agents"), ("human", "human")]
)
def test_broadcast_is_off_agents_or_human(value: str, expected: object) -> None:
    team = config(MINIMAL + f"orchestrator: {{coordination: {{broadcast: {value}}}}}\n")
    assert team.orchestrator.coordination.broadcast == expected


@pytest.mark.spec("CFG-042", "WS-041")
def test_the_two_tier_workspace_means_write_mode_auto_with_a_warning() -> None:
    loaded = load(MINIMAL + "orchestrator: {coordination: {use_two_tier_workspace: true}}\n")
    assert loaded.require().orchestrator.coordination.write_mode == "auto"
    assert "write_mode: auto" in messages(loaded.warnings)


@pytest.mark.spec("CFG-055")
def test_the_file_system_switch_gives_workspaces_and_containers() -> None:
    team = config(
        """
        agents:
          - {id: a, backend: {type: openai, model: gpt-5}}
          - {id: b, backend: {type: openai, model: gpt-5, cwd: own}}
        orchestrator: {file_system: {enabled: true, use_docker: true}}
        """
    )
    assert [agent.backend.cwd for agent in team.agents] == ["workspace", "own"]
    assert {agent.backend.command_line_execution_mode for agent in team.agents} == {"docker"}


@pytest.mark.parametrize(
    ("backend", "rest", "workspace"),
    [
        ("{type: openai, model: m}", "", None),
        ("{type: openai, model: m, enable_mcp_command_line: true}", "", "workspace"),
        ("{type: openai, model: m, enable_multimodal_tools: true}", "", "workspace"),
        ("{type: claude_code}", "", "workspace"),
        ("{type: openai, model: m}", "orchestrator: {context_paths: [{path: /, permission: read}]}", "workspace"),
        (
            "{type: openai, model: m}",
            "orchestrator: {coordination: {enable_memory_filesystem_mode: true}}",
            None,
        ),
    ],
)
def test_an_agent_gets_a_workspace_as_soon_as_something_needs_files(backend, rest, workspace) -> None:
    assert config(f"agents: [{{id: a, backend: {backend}}}]\n{rest}\n").agents[0].backend.cwd == workspace


@pytest.mark.spec("CFG-033", "MCP-011")
def test_servers_as_list_and_as_map_are_equal_and_types_are_inferred() -> None:
    listed = config(
        """
        agent:
          id: a
          backend:
            type: openai
            model: m
            mcp_servers:
              - {name: weather, command: npx, args: ["-y", "@fak111/weather-mcp"]}
              - {name: api, url: "http://localhost:8080/mcp"}
              - {name: old, type: sse, url: "http://localhost:8081/sse"}
        """
    )
    mapped = config(
        """
        agent:
          id: a
          backend:
            type: openai
            model: m
            mcp_servers:
              weather: {command: npx, args: ["-y", "@fak111/weather-mcp"]}
              api: {url: "http://localhost:8080/mcp"}
              old: {type: sse, url: "http://localhost:8081/sse"}
        """
    )
    assert listed == mapped
    assert [server.type for server in listed.agents[0].backend.mcp_servers] == ["stdio", "streamable-http", "sse"]


@pytest.mark.parametrize(
    ("server", "name"),
    [
        ('{command: npx, args: ["-y", "@modelcontextprotocol/server-weather"]}', "weather"),
        ('{command: npx, args: ["-y", "@playwright/mcp@latest"]}', "mcp"),
        ("{command: python, args: [tools/my_server.py]}", "my_server"),
        ("{url: 'https://mcp.exa.ai/mcp'}", "mcp_exa_ai"),
    ],
)
def test_a_server_without_name_is_named_after_its_package_with_a_hint(server: str, name: str) -> None:
    loaded = one_agent(f"type: openai\nmodel: m\nmcp_servers: [{server}]")
    assert loaded.require().agents[0].backend.mcp_servers[0].name == name
    assert name in messages(loaded.hints)
    assert loaded.warnings == ()


@pytest.mark.spec("CFG-034", "TOOL-023", "TOOL-024")
def test_custom_tools_are_read_in_all_spellings() -> None:
    loaded = one_agent(
        """
        type: openai
        model: m
        custom_tools:
          - {name: [a, b], function: [f, g], path: t.py, description: [first, second], preset_args: [{x: 1}, {}]}
          - func: run_python_script
          - {function: understand_video, config: {num_frames: 16}}
        """
    )
    first, second, third = loaded.require().agents[0].backend.custom_tools
    assert (first.name, first.function, first.description) == (("a", "b"), ("f", "g"), ("first", "second"))
    assert second.function == "run_python_script"
    assert third.preset_args == {"num_frames": 16}


@pytest.mark.spec("CFG-035")
def test_both_spellings_of_command_filters_are_joined() -> None:
    backend = (
        one_agent(
            """
        type: openai
        model: m
        command_line_allowed_commands: ["python .*"]
        command_line_whitelist_patterns: ["pip .*"]
        command_line_blacklist_patterns: ["rm .*"]
        """
        )
        .require()
        .agents[0]
        .backend
    )
    assert backend.command_line_allowed_commands == ("python .*", "pip .*")
    assert backend.command_line_blocked_commands == ("rm .*",)


@pytest.mark.spec("CFG-036")
def test_both_forms_of_packages_are_read() -> None:
    backend = (
        one_agent(
            """
        type: openai
        model: m
        command_line_docker_network_mode: bridge
        command_line_docker_enable_sudo: true
        command_line_docker_packages: {apt: [vim], pip: [requests], npm: [typescript], preinstall: {python: [pytest]}}
        """
        )
        .require()
        .agents[0]
        .backend
    )
    packages = backend.command_line_docker_packages.preinstall
    assert (packages.system, packages.python, packages.npm) == (("vim",), ("pytest", "requests"), ("typescript",))


@pytest.mark.spec("CFG-038")
def test_hooks_are_a_list_or_a_map_that_overrides() -> None:
    hook = "{matcher: Write, handler: my.hook}"
    team = config(
        f"""
        hooks: {{PreToolUse: [{hook}]}}
        agent:
          id: a
          backend:
            type: openai
            model: m
            hooks: {{PostToolUse: {{override: true, hooks: [{hook}]}}}}
        """
    )
    assert team.hooks.PreToolUse.hooks[0].fail_closed is False
    assert team.hooks.PreToolUse.override is False
    assert team.agents[0].backend.hooks.PostToolUse.override is True


@pytest.mark.spec("CFG-040")
def test_an_agents_memory_is_merged_over_the_general_one() -> None:
    team = config(
        """
        memory: {retrieval: {limit: 3}, compression: {target_ratio: 0.3}}
        agents:
          - {id: a, backend: {type: openai, model: m}, memory: {retrieval: {limit: 20}}}
          - {id: b, backend: {type: openai, model: m}}
        orchestrator: {}
        """
    )
    own = team.agents[0].memory
    assert own is not None
    assert (own.retrieval.limit, own.compression.target_ratio) == (20, 0.3)
    assert team.agents[1].memory is None


@pytest.mark.spec("CFG-043")
def test_unknown_keys_of_a_backend_are_kept_for_the_provider() -> None:
    backend = (
        one_agent("type: openai\nmodel: m\nservice_tier: flex\nlogit_bias: {'50256': -100}").require().agents[0].backend
    )
    assert backend.extra == {"service_tier": "flex", "logit_bias": {"50256": -100}}


@pytest.mark.spec("BE-002")
@pytest.mark.parametrize(
    ("given", "right", "warns"),
    [("gemini-cli", "gemini_cli", False), ("anthropic", "claude", True), ("google", "gemini", True)],
)
def test_other_names_of_types_work(given: str, right: str, warns: bool) -> None:
    loaded = one_agent(f"type: {given}\nmodel: m")
    assert loaded.require().agents[0].backend.type == right
    assert bool(loaded.warnings) == warns
    if warns:
        assert right in messages(loaded.warnings)


@pytest.mark.spec("BE-003")
@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        ("type: openai\nmodel: openrouter/openai/gpt-5", ("openrouter", "openai/gpt-5")),
        ("type: openai\nmodel: openai/gpt-5\nbase_url: 'http://localhost:1/v1'", ("openai", "openai/gpt-5")),
        ("type: claude\nmodel: groq/llama-3.3-70b", ("groq", "llama-3.3-70b")),
        ("type: together\nmodel: openai/gpt-oss", ("together", "openai/gpt-oss")),
        ("type: gemini\nmodel: models/gemini-2.5", ("gemini", "models/gemini-2.5")),
    ],
)
def test_a_model_that_names_another_provider_goes_there(backend: str, expected: tuple[str, str]) -> None:
    found = one_agent(backend).require().agents[0].backend
    assert (found.type, found.model) == expected


@pytest.mark.spec("CFG-021")
def test_types_with_a_default_model_need_none() -> None:
    for name in ("codex", "gemini_cli", "copilot", "claude_code"):
        assert one_agent(f"type: {name}").require().agents[0].backend.model


def test_empty_sections_count_as_left_out() -> None:
    team = config(MINIMAL + "orchestrator:\nui:\ntimeout_settings:\nhooks:\n")
    assert team.orchestrator.snapshot_storage == "snapshots"


@pytest.mark.spec("CFG-056", "EXEC-090", "CFG-021")
def test_a_map_from_python_is_read_like_a_file() -> None:
    values = {
        "agents": [
            {
                "id": "a",
                "backend": {
                    "type": "claude",
                    "model": "m",
                    "enable_code_execution": True,
                    "enable_mcp_command_line": True,
                    "cwd": "workspace",
                },
            }
        ]
    }
    loaded = load_config(values)
    assert loaded.errors == loaded.warnings == ()
    assert loaded.require().agents[0].backend.enable_code_execution is True


@pytest.mark.parametrize("value", [{1: "x"}, {"a": object()}, {"a": {"b": {1, 2}}}, {"agents": "\ud800"}])
def test_a_map_that_is_no_configuration_gives_a_finding(value) -> None:
    assert load_config(value).errors


def test_a_map_that_contains_itself_gives_a_finding() -> None:
    values: dict = {}
    values["agents"] = values
    assert "levels deep" in load_config(values).errors[0].message
