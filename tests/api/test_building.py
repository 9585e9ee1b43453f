"""`massgen.build_config`: the documented dictionaries, key by key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import massgen
from massgen.config import load_config


def ids(**given: Any) -> list[str]:
    return [agent["id"] for agent in massgen.build_config(**given)["agents"]]


def backends(**given: Any) -> list[dict[str, Any]]:
    return [agent["backend"] for agent in massgen.build_config(**given)["agents"]]


@pytest.mark.spec("API-040", "API-041")
def test_without_arguments_it_is_the_documented_team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def agent(number: int) -> dict[str, Any]:
        backend = {
            "type": "openai", "model": "gpt-5", "cwd": f"workspace{number}", "exclude_file_operation_mcps": False,
        }  # fmt: skip
        return {"id": f"openai-gpt5-{number}", "backend": backend}

    assert massgen.build_config() == {
        "agents": [agent(1), agent(2)],
        "orchestrator": {
            "snapshot_storage": "snapshots",
            "agent_temporary_workspace": "temp_workspaces",
            "max_new_answers_per_agent": 5,
            "coordination": {
                "max_orchestration_restarts": 2,
                "enable_agent_task_planning": True,
                "task_planning_filesystem_mode": True,
                "enable_memory_filesystem_mode": True,
            },
        },
        "timeout_settings": {"orchestrator_timeout_seconds": 1800},
    }
    assert list(tmp_path.iterdir()) == []


@pytest.mark.spec("API-040")
@pytest.mark.parametrize(
    "given", [{}, {"use_docker": True}, {"backend": "anthropic"}, {"models": ["groq/llama-3.3-70b", "gpt-5"]}]
)
def test_what_it_builds_is_valid(given: dict[str, Any]) -> None:
    assert load_config(massgen.build_config(**given)).errors == ()


@pytest.mark.spec("API-041")
@pytest.mark.parametrize("given", [{"num_agents": 0}, {"num_agents": 11}, {"num_agents": 3, "models": ["a", "b"]}])
def test_counts_that_do_not_fit_are_value_errors(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"num_agents must be|for 3 agents"):
        massgen.build_config(**given)


@pytest.mark.spec("API-041", "API-042")
def test_counts_and_backends_follow_from_what_is_given() -> None:
    assert len(ids(models=["gpt-5", "claude-sonnet-4-5", "gemini-2.5-pro"])) == 3
    found = backends(models=["gpt-5", "claude-sonnet-4-5", "gemini-2.5-pro", "grok-4"])
    assert [item["type"] for item in found] == ["openai", "claude", "gemini", "grok"]
    pairs = backends(backends=["openai", "gemini"], models=["gpt-5", "gemini-2.5-flash"])
    assert [(item["type"], item["model"]) for item in pairs] == [("openai", "gpt-5"), ("gemini", "gemini-2.5-flash")]
    same = backends(num_agents=3, backend="openai", model="gpt-5-mini")
    assert [(item["type"], item["model"]) for item in same] == [("openai", "gpt-5-mini")] * 3


@pytest.mark.spec("API-043")
def test_context_paths_go_to_the_orchestrator_and_a_text_means_write() -> None:
    built = massgen.build_config(context_paths=["/a", {"path": "/b", "permission": "read"}])
    assert built["orchestrator"]["context_paths"] == [
        {"path": "/a", "permission": "write"},
        {"path": "/b", "permission": "read"},
    ]


@pytest.mark.spec("API-044", "API-007")
def test_docker_adds_the_documented_keys() -> None:
    built = massgen.build_config(models=["groq/llama-3.3-70b"], use_docker=True)
    backend = built["agents"][0]["backend"]
    assert built["agents"][0]["id"] == "groq-70b1"
    assert backend["enable_mcp_command_line"] is True
    assert backend["enable_code_based_tools"] is True
    assert backend["command_line_execution_mode"] == "docker"
    assert backend["command_line_docker_image"] == "ghcr.io/massgen/mcp-runtime-sudo:latest"
    assert built["orchestrator"]["coordination"]["use_skills"] is True
    assert built["orchestrator"]["coordination"]["skills_directory"] == ".agent/skills"


@pytest.mark.spec("API-045")
@pytest.mark.parametrize(
    ("model", "url"),
    [
        ("groq/llama-3.3-70b", "https://api.groq.com/openai/v1"),
        ("cerebras/llama-3.3-70b", "https://api.cerebras.ai/v1"),
        ("together/meta-llama/Llama-3-70b", "https://api.together.xyz/v1"),
        ("fireworks/llama-v3-70b", "https://api.fireworks.ai/inference/v1"),
        ("openrouter/x-ai/grok-4-fast", "https://openrouter.ai/api/v1"),
    ],
)
def test_compatible_providers_get_their_address(model: str, url: str) -> None:
    assert backends(models=[model])[0]["base_url"] == url


@pytest.mark.spec("API-046")
@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (["gpt-5", "gpt-5"], ["openai-gpt5-1", "openai-gpt5-2"]),
        (["groq/llama-3.3-70b"], ["groq-70b1"]),
        (["openrouter/x-ai/grok-4-fast", "openrouter/x-ai/grok-code-fast-1"], ["openrouter-fast1", "openrouter-fast2"]),
        (["gpt-5", "openai/gpt5"], ["openai-gpt5-1", "openai-gpt5-2"]),
    ],
)
def test_ids_are_unique_and_say_backend_and_model(models: list[str], expected: list[str]) -> None:
    assert ids(models=models) == expected


@pytest.mark.spec("API-042")
def test_a_model_of_no_known_provider_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="backend of the model"):
        massgen.build_config(model="entirely-unknown")
