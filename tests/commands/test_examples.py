"""The examples for command lines ship, and are what the documents say."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import massgen
from massgen.config import load_text

CONFIGS = Path(massgen.__file__).parent / "configs"
CODE_EXECUTION = (
    "basic_command_execution", "code_execution_use_case_simple", "command_filtering_whitelist",
    "command_filtering_blacklist", "docker_simple", "docker_with_resource_limits", "docker_multi_agent",
    "docker_verification", "background_shell_demo", "docker_github_readonly", "docker_full_dev_setup",
    "docker_custom_image",
)  # fmt: skip


@pytest.mark.spec("EXEC-100", "AUTO-050")
@pytest.mark.parametrize("name", CODE_EXECUTION)
def test_each_example_of_code_execution_is_valid_and_gives_a_command_line(name: str) -> None:
    text = (CONFIGS / "tools" / "code-execution" / f"{name}.yaml").read_text()
    assert load_text(text).errors == ()
    agents = yaml.safe_load(text).get("agents") or [yaml.safe_load(text)["agent"]]
    assert all(agent["backend"]["enable_mcp_command_line"] is True for agent in agents)
    docker = [agent["backend"].get("command_line_execution_mode") == "docker" for agent in agents]
    assert any(docker) == name.startswith("docker")


@pytest.mark.spec("AUTO-080")
@pytest.mark.parametrize("name", ["massgen_runs_massgen", "massgen_suggests_to_improve_massgen"])
def test_the_examples_of_meta_coordination_are_valid(name: str) -> None:
    assert load_text((CONFIGS / "meta" / f"{name}.yaml").read_text()).errors == ()


@pytest.mark.spec("AUTO-081")
def test_the_first_has_one_agent_that_is_told_how_to_run_the_program() -> None:
    config = yaml.safe_load((CONFIGS / "meta" / "massgen_runs_massgen.yaml").read_text())
    (agent,) = config["agents"]
    backend = agent["backend"]
    assert agent["id"] == "meta_agent"
    assert (backend["type"], backend["model"], backend["cwd"]) == ("openai", "gpt-5-mini", "workspace_meta")
    assert (backend["enable_mcp_command_line"], backend["command_line_execution_mode"]) == (True, "local")
    for word in ("--automation", "status.json", "background"):
        assert word in agent["system_message"]
    orchestrator = config["orchestrator"]
    assert orchestrator["snapshot_storage"] == "snapshots_meta"
    assert orchestrator["agent_temporary_workspace"] == "temp_workspaces_meta"


@pytest.mark.spec("AUTO-082")
def test_the_second_has_two_agents_that_read_source_and_documents() -> None:
    config = yaml.safe_load((CONFIGS / "meta" / "massgen_suggests_to_improve_massgen.yaml").read_text())
    backends = [agent["backend"] for agent in config["agents"]]
    assert [(one["type"], one["model"]) for one in backends] == [("openai", "gpt-5-mini"), ("gemini", "gemini-2.5-pro")]
    assert all(one["enable_mcp_command_line"] for one in backends)
    assert config["orchestrator"]["context_paths"] == [
        {"path": "${MASSGEN_CHECKOUT}/massgen", "permission": "read"},
        {"path": "${MASSGEN_CHECKOUT}/docs", "permission": "read"},
    ]
