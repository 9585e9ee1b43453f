"""A team from flags alone, and how a model's name chooses its backend."""

from __future__ import annotations

import pytest

from massgen.config import quick_config
from massgen.config.backend_types import key_variables, split_model
from massgen.errors import ConfigError


@pytest.mark.spec("BE-004", "CLI-008", "CLI-023")
@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-5-nano", "openai"),
        ("o1", "openai"),
        ("o3-mini", "openai"),
        ("o4-mini", "openai"),
        ("chatgpt-4o-latest", "openai"),
        ("claude-sonnet-4", "claude"),
        ("gemini-2.5-flash", "gemini"),
        ("grok-4", "grok"),
        ("glm-4.5", "zai"),
    ],
)
def test_a_bare_model_name_chooses_the_backend(model: str, name: str) -> None:
    backend = quick_config(model=model).require().agents[0].backend
    assert (backend.type, backend.model) == (name, model)


@pytest.mark.spec("BE-004")
def test_a_name_that_tells_nothing_asks_for_the_backend() -> None:
    with pytest.raises(ConfigError) as caught:
        quick_config(model="llama-3")
    assert "--backend" in (caught.value.hint or "")


@pytest.mark.spec("BE-003", "CLI-023")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("openrouter/x-ai/grok-4.1-mini", ("openrouter", "x-ai/grok-4.1-mini")),
        ("groq/llama-3.3-70b", ("groq", "llama-3.3-70b")),
        ("anthropic/claude-sonnet-4", ("claude", "claude-sonnet-4")),
        ("claude/claude-sonnet-4", ("claude", "claude-sonnet-4")),
        ("google/gemini-2.5-flash", ("gemini", "gemini-2.5-flash")),
        ("meta-llama/Meta-Llama-3.1", (None, "meta-llama/Meta-Llama-3.1")),
        ("gpt-5", (None, "gpt-5")),
        ("openai/", (None, "openai/")),
    ],
)
def test_provider_and_model_split_at_the_first_slash(text: str, expected: tuple[str | None, str]) -> None:
    assert split_model(text) == expected


@pytest.mark.spec("CLI-008", "CLI-022", "CLI-024")
def test_flags_make_one_agent_with_workspace_and_built_in_tools() -> None:
    loaded = quick_config(backend="claude", model="claude-sonnet-4", system_message="Be brief")
    (agent,) = loaded.require(strict=True).agents
    assert (agent.system_message, agent.backend.cwd) == ("Be brief", "workspace")
    assert (agent.backend.enable_web_search, agent.backend.enable_code_execution) == (True, True)
    assert agent.backend.enable_code_interpreter is False


@pytest.mark.spec("CLI-022")
def test_an_unknown_backend_lists_the_types() -> None:
    with pytest.raises(ConfigError) as caught:
        quick_config(backend="nope", model="m")
    assert caught.value.exit_code == 1
    assert "openai" in (caught.value.hint or "")


@pytest.mark.spec("CLI-022")
def test_aliases_and_default_models_work_with_the_flag() -> None:
    assert quick_config(backend="gemini-cli").require().agents[0].backend.type == "gemini_cli"
    assert quick_config(backend="google", model="gemini-2.5-pro").require().agents[0].backend.type == "gemini"
    with pytest.raises(ConfigError, match="needs a model"):
        quick_config(backend="openai")
    with pytest.raises(ConfigError, match="Neither"):
        quick_config()


def test_a_server_of_ones_own_is_reached_with_an_address() -> None:
    backend = (
        quick_config(backend="chatcompletion", model="m", base_url="http://localhost:9/v1").require().agents[0].backend
    )
    assert backend.base_url == "http://localhost:9/v1"


@pytest.mark.spec("CFG-013")
@pytest.mark.parametrize(
    ("name", "address", "variables"),
    [
        ("openai", None, ("OPENAI_API_KEY",)),
        ("gemini", None, ("GOOGLE_API_KEY", "GEMINI_API_KEY")),
        ("claude_code", None, ("CLAUDE_CODE_API_KEY", "ANTHROPIC_API_KEY")),
        ("chatcompletion", None, ("OPENAI_API_KEY",)),
        ("chatcompletion", "https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",)),
        ("chatcompletion", "https://api.groq.com/openai/v1", ("GROQ_API_KEY",)),
        ("chatcompletion", "https://eu.api.together.xyz/v1", ("TOGETHER_API_KEY",)),
        ("chatcompletion", "https://notopenrouter.ai.evil.example/v1", ("OPENAI_API_KEY",)),
        ("chatcompletion", "http://[broken", ("OPENAI_API_KEY",)),
    ],
)
def test_the_host_of_a_server_chooses_the_key_variable(name, address, variables) -> None:
    assert key_variables(name, address) == variables
