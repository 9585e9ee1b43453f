"""Secrets are known, and masked wherever text or values are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from massgen.config import Redactor, load_text, read_environment, secret_values


def test_keys_of_configuration_environment_and_key_files_are_masked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("GROQ_API_KEY=gsk-from-file\nPLAIN_NAME=s3cr3t-value-1\nCITY=Berlin\n")
    monkeypatch.setenv("XAI_API_KEY", "xai-from-environment")
    monkeypatch.setenv("DB_PASSWORD", "hunter2hunter2")
    loaded = load_text(
        "agent: {id: a, backend: {type: openai, model: gpt-5-nano, api_key: sk-in-the-file, "
        "mcp_servers: [{name: s, command: c, env: {MY_TOKEN: tok-in-env-map}, "
        "headers: {Authorization: Bearer bearer-x1}}]}}"
    )
    redactor = Redactor.for_run(loaded.values, loaded.environment)
    secrets = [
        "sk-in-the-file",
        "xai-from-environment",
        "gsk-from-file",
        "hunter2hunter2",
        "tok-in-env-map",
        "bearer-x1",
        "s3cr3t-value-1",
    ]
    text = redactor.text("gpt-5-nano in Berlin: " + ", ".join(secrets))
    assert not any(secret in text for secret in secrets)
    assert text.startswith("gpt-5-nano in Berlin: ")


def test_short_and_common_values_are_no_secrets() -> None:
    loaded = load_text("agent: {id: a, backend: {type: vllm, model: m, api_key: EMPTY}}")
    assert "EMPTY" not in secret_values(loaded.values, read_environment())
    assert Redactor.of(["a", "abc"]).text("abc") == "abc"


def test_a_longer_secret_leaves_no_rest_of_itself() -> None:
    redactor = Redactor.of(["secret-one", "secret-one-and-more"])
    assert redactor.text("x secret-one-and-more y secret-one z") == "x [redacted] y [redacted] z"


def test_values_below_secret_names_are_masked_whatever_they_are() -> None:
    shown = Redactor.of([]).value({"api_key": "x1", "nested": [{"token": "short", "name": "a"}], "n": 1, "key": ""})
    assert shown == {"api_key": "[redacted]", "nested": [{"token": "[redacted]", "name": "a"}], "n": 1, "key": ""}


@pytest.mark.spec("MCP-065")
def test_what_looks_secret_in_the_environment_of_a_server_is_masked() -> None:
    env = {"DATABASE_URL": "postgres://me:pass@host/db", "MODE": "fast", "PORT": 80, "A_TOKEN": "t"}
    shown = Redactor.of([]).value({"mcp_servers": [{"name": "a", "env": env}]})
    assert shown["mcp_servers"][0]["env"] == {
        "DATABASE_URL": "[redacted]",
        "MODE": "fast",
        "PORT": 80,
        "A_TOKEN": "[redacted]",
    }


def test_keys_are_not_in_the_representation_of_the_configuration() -> None:
    loaded = load_text("agent: {id: a, backend: {type: openai, model: m, api_key: sk-in-the-file}}")
    assert "sk-in-the-file" not in repr(loaded.require())
