"""Variables: where they are read from, where they are put in, and what happens without them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from massgen.config import BackendConfig, load_text, read_environment, with_workspace
from massgen.config.running import ready_config
from massgen.errors import ConfigError
from tests.config.places import messages, one_agent


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("home", "project"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "home"


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.spec("CFG-011")
def test_the_first_of_environment_and_three_files_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home / ".massgen" / ".env", "ONE=old\nTWO=old\nTHREE=old\nFOUR=old\n")
    put(home / ".config" / "massgen" / ".env", "ONE=user\nTWO=user\nTHREE=user\n")
    put(Path(".env"), "ONE=project\nTWO=project\n")
    monkeypatch.setenv("ONE", "process")
    environment = read_environment()
    assert [environment.get(name) for name in ("ONE", "TWO", "THREE", "FOUR", "FIVE")] == [
        "process",
        "project",
        "user",
        "old",
        None,
    ]


@pytest.mark.spec("CFG-011")
def test_reading_writes_nothing(home: Path) -> None:
    read_environment()
    assert list(home.iterdir()) == []
    assert list(Path().iterdir()) == []


@pytest.mark.spec("CFG-011")
def test_key_files_are_read_as_a_shell_would(home: Path) -> None:
    put(
        Path(".env"),
        "\ufeff# keys\nexport A=one\nB = 'two # not a comment'\nC=\"three\\nlines\"\nD=four # comment\n"
        "E=a=b\nnonsense\n1X=no\nF=\n",
    )
    environment = read_environment()
    assert [environment.get(name) for name in "ABCDEF"] == [
        "one",
        "two # not a comment",
        "three\nlines",
        "four",
        "a=b",
        None,
    ]


@pytest.mark.spec("CFG-011")
def test_lines_of_key_files_that_say_nothing_are_named_without_what_stands_there(home: Path) -> None:
    good = "# keys\n\nA=one\nexport B = two # comment\nC=\n  D='it' # comment\nE=\"three\"\n"
    put(Path(".env"), good)
    put(home / ".config" / "massgen" / ".env", f"{good}F sk-secret\nmy-key=sk-secret\n=sk-secret\nG='sk-secret\n")
    put(home / ".massgen" / ".env", "sk-secret\n" * 7)
    environment = read_environment()
    first, second, third = environment.flaws
    assert first.startswith(f"{home}/.config/massgen/.env, lines 8, 9, 10: ")
    assert second.startswith(f"{home}/.config/massgen/.env, line 11: the quote is not closed")
    assert third.startswith(f"{home}/.massgen/.env, lines 1, 2, 3, 4, 5 and 2 more: ")
    assert "sk-secret" not in "".join(environment.flaws)
    assert environment.get("G") == "'sk-secret"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01", b"\x00" * 100, b"A=1" * 1_000_000])
def test_key_files_that_are_none_do_no_harm(home: Path, content: bytes) -> None:
    Path(".env").write_bytes(content)
    Path(home / ".massgen").mkdir()
    (home / ".massgen" / ".env").mkdir()
    assert read_environment().get("NOTHING") is None


@pytest.mark.spec("CFG-012", "MCP-020", "MCP-021", "MCP-022")
def test_names_are_replaced_in_every_value_but_free_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD", "hello")
    team = load_text(
        """
agent:
  id: a
  system_message: Say ${WORD}
  subtask: Say ${WORD}
  backend:
    type: openai
    model: m-${WORD}
    api_key: ${WORD}
    append_system_prompt: Say ${WORD}
    mcp_servers:
      - {name: s, command: c, args: ["--x=${WORD}", "${word}"], env: {A: "${WORD}"}}
      - {name: t, url: "http://localhost/${WORD}"}
memory: {persistent_memory: {qdrant: {path: "${WORD}"}}}
orchestrator: {context_paths: [{path: "/${WORD}", permission: read}]}
task: Say ${WORD}
"""
    ).require()
    (agent,) = team.agents
    assert (agent.backend.model, agent.backend.api_key) == ("m-hello", "hello")
    assert agent.backend.mcp_servers[0].args == ("--x=hello", "${word}")
    assert agent.backend.mcp_servers[0].env == {"A": "hello"}
    assert agent.backend.mcp_servers[1].url == "http://localhost/hello"
    assert team.memory is not None
    assert team.memory.persistent_memory.qdrant.path == "hello"
    assert team.orchestrator.context_paths[0].path == "/hello"
    free = (agent.system_message, agent.subtask, agent.backend.append_system_prompt, team.task)
    assert set(free) == {"Say ${WORD}"}


@pytest.mark.spec("CFG-012")
def test_a_variable_may_hold_a_number_or_a_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEAT", "0.5")
    monkeypatch.setenv("SEARCH", "true")
    monkeypatch.setenv("KEY", "12345678")
    backend = (
        one_agent("type: openai\nmodel: m\ntemperature: ${HEAT}\nenable_web_search: ${SEARCH}\napi_key: ${KEY}")
        .require()
        .agents[0]
        .backend
    )
    assert (backend.temperature, backend.enable_web_search, backend.api_key) == (0.5, True, "12345678")


@pytest.mark.spec("CFG-012")
def test_the_workspace_is_put_in_anywhere_inside_backend_later() -> None:
    backend = BackendConfig.model_validate(
        {
            "type": "openai",
            "model": "m",
            "mcp_servers": [{"name": "s", "command": "c", "args": ["--user-data-dir=${cwd}/profile", "${other}"]}],
            "own_option": {"path": "${cwd}"},
        }
    )
    placed = with_workspace(backend, PurePosixPath("/w/workspace_1"))
    assert placed.mcp_servers[0].args == ("--user-data-dir=/w/workspace_1/profile", "${other}")
    assert placed.extra == {"own_option": {"path": "/w/workspace_1"}}


@pytest.mark.spec("CFG-075", "MCP-023")
def test_an_unset_variable_is_a_hint_and_passes_strict_checks() -> None:
    loaded = one_agent(
        "type: openai\nmodel: m\napi_key: ${NOT_SET}\ntemperature: ${NOT_SET_EITHER}\n"
        "mcp_servers: [{name: s, command: c, env: {A: '${NOR_THIS}'}}]"
    )
    loaded.require(strict=True)
    assert [item.code for item in loaded.hints if item.code == "unset-variable"] == ["unset-variable"] * 3
    assert "NOT_SET" in messages(loaded.hints)
    assert {item.line for item in loaded.hints if item.code == "unset-variable"} == {6, 7, 8}


@pytest.mark.spec("CFG-075", "MCP-023")
def test_a_run_leaves_out_a_server_that_needs_an_unset_variable_and_says_so() -> None:
    loaded = one_agent(
        "type: openai\nmodel: m\n"
        "mcp_servers: [{name: gone, command: c, env: {A: '${NOT_SET}'}}, {name: stays, command: c}]"
    )
    ready = ready_config(loaded)
    assert [server.name for server in ready.config.agents[0].backend.mcp_servers] == ["stays"]
    assert any("NOT_SET" in line and "'gone'" in line for line in ready.notices)


@pytest.mark.spec("CFG-075")
def test_a_run_fails_only_where_the_value_is_needed() -> None:
    with pytest.raises(ConfigError, match="NOT_SET"):
        ready_config(one_agent("type: openai\nmodel: m\napi_key: ${NOT_SET}"))
    ready = ready_config(one_agent("type: openai\nmodel: m\nservice_tier: ${NOT_SET}"))
    assert any("NOT_SET" in line for line in ready.notices)


@pytest.mark.spec("CFG-075", "CFG-012")
def test_a_context_path_needs_its_variable_and_other_sections_are_warned_about() -> None:
    paths = "orchestrator: {context_paths: [{path: '${NOT_SET}/src', permission: read}]}"
    with pytest.raises(ConfigError, match=r"context path '\$\{NOT_SET\}/src' needs the variable NOT_SET"):
        ready_config(one_agent("type: openai\nmodel: m", paths))
    ready = ready_config(one_agent("type: openai\nmodel: m", "orchestrator: {snapshot_storage: 'at-${NOT_SET}'}"))
    assert "Warning: orchestrator.snapshot_storage uses NOT_SET, which is not set" in ready.notices


@pytest.mark.spec("CFG-063", "CFG-064")
def test_a_run_stops_at_errors_names_warnings_and_can_be_strict_about_them() -> None:
    with pytest.raises(ConfigError, match="Unknown backend type"):
        ready_config(one_agent("type: gpt\nmodel: m"))
    warned = one_agent("type: anthropic\nmodel: m")
    assert any("claude" in line for line in ready_config(warned).notices)
    with pytest.raises(ConfigError, match="claude"):
        ready_config(warned, strict=True)


@pytest.mark.spec("CFG-064")
def test_a_run_without_validation_goes_on_with_what_fits() -> None:
    loaded = one_agent("type: openai\nmodel: m\ntemperature: hot").unchecked()
    assert loaded.require().agents[0].backend.model == "m"
    assert "hot" in messages(loaded.warnings)
    with pytest.raises(ConfigError):
        load_text("agents: []").unchecked().require()


@pytest.mark.spec("CFG-014")
def test_the_template_of_key_files_lists_every_variable() -> None:
    root = Path(__file__).parent.parent.parent
    names = {line.partition("=")[0] for line in (root / ".env.example").read_text().splitlines() if "=" in line}
    from massgen.config.backend_types import BACKEND_TYPES

    known = {name for entry in BACKEND_TYPES.values() for name in entry.key_variables}
    known |= {entry.base_url_variable for entry in BACKEND_TYPES.values() if entry.base_url_variable}
    more = "ELEVENLABS_API_KEY BRAVE_API_KEY EXA_API_KEY CONTEXT7_API_KEY DISCORD_BOT_TOKEN DISCORD_TOKEN NPM_TOKEN"
    more += " TWITTER_USERNAME TWITTER_PASSWORD LLAMA_CLOUD_API_KEY SEMTOOLS_WORKSPACE MASSGEN_SERVER_HOST"
    more += " MASSGEN_SERVER_PORT MASSGEN_SERVER_DEFAULT_CONFIG MASSGEN_SERVER_DEBUG MASSGEN_LOGFIRE_ENABLED"
    more += " LOGFIRE_TOKEN LOGFIRE_READ_TOKEN LOGFIRE_SERVICE_NAME LOGFIRE_ENVIRONMENT MASSGEN_LOG_LEVEL DOCKER_HOST"
    more += " OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT DISPLAY MASSGEN_SERVER_STREAMING POE_API_KEY"
    more += " MASSGEN_DISABLE_SKILLS_TOOL QWEN_API_KEY DASHSCOPE_API_KEY AZURE_OPENAI_API_VERSION ELEVENLABS_BASE_URL"
    more += " OPENROUTER_BASE_URL CRAWL4AI_BASE_URL UI_TARS_BASE_URL UI_TARS_API_KEY UI_TARS_MODEL"
    assert (known | set(more.split())) - names == set()


@pytest.mark.spec("CFG-014")
def test_the_template_of_key_files_has_no_line_that_says_nothing(home: Path) -> None:
    put(Path(".env"), (Path(__file__).parent.parent.parent / ".env.example").read_text())
    assert read_environment().flaws == ()
