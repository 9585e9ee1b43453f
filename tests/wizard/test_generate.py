"""`--generate-config`: a configuration from flags (CFG-090)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

FIRST = ("--config-backend", "gemini", "--config-model", "gemini-2.5-pro", "--config-agents", "2", "--config-docker")
SECOND = ("--config-backend", "openai", "--config-model", "gpt-5-mini", "--config-context-path")


def massgen(directory: Path, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory)}
    return subprocess.run(
        [sys.executable, "-m", "massgen.cli", *arguments],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL if given is None else None,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.spec("CFG-090", "CLI-058", "CFG-092")
def test_two_agents_in_containers_are_written_and_pass_the_strict_validator(tmp_path: Path) -> None:
    made = massgen(tmp_path, "--generate-config", "./test_config.yaml", *FIRST)
    assert made.returncode == 0, made.stderr
    text = (tmp_path / "test_config.yaml").read_text()
    found = YAML(typ="safe").load(text)
    backends = [agent["backend"] for agent in found["agents"]]
    assert [backend["model"] for backend in backends] == ["gemini-2.5-pro"] * 2
    assert all(backend["enable_code_based_tools"] for backend in backends)
    assert all(backend["command_line_execution_mode"] == "docker" for backend in backends)
    coordination = found["orchestrator"]["coordination"]
    assert coordination["use_skills"] is True
    assert coordination["enable_agent_task_planning"] is True
    assert coordination["write_mode"] == "auto"
    assert list(found) == ["agents", "orchestrator", "timeout_settings"]
    assert text.startswith("# ")
    assert massgen(tmp_path, "--validate", "test_config.yaml", "--strict").returncode == 0


@pytest.mark.spec("CFG-090", "CLI-058")
def test_a_context_path_is_granted_for_reading_and_two_agents_are_the_default(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    made = massgen(tmp_path, "--generate-config", "c.yaml", *SECOND, "project")
    assert made.returncode == 0, made.stderr
    found = YAML(typ="safe").load((tmp_path / "c.yaml").read_text())
    assert found["orchestrator"]["context_paths"] == [{"path": str(tmp_path / "project"), "permission": "read"}]
    assert len(found["agents"]) == 2
    assert found["agents"][0]["backend"]["command_line_execution_mode"] == "local"
    assert massgen(tmp_path, "--validate", "c.yaml", "--strict").returncode == 0


@pytest.mark.spec("CFG-090")
def test_an_existing_file_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("mine\n")
    made = massgen(tmp_path, "--generate-config", "c.yaml", *FIRST)
    assert made.returncode == 1
    assert "exists already" in made.stderr
    assert (tmp_path / "c.yaml").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--config-backend"),
        (("--config-backend", "opanai"), "Did you mean 'openai'?"),
        ((*SECOND, "nowhere"), "does not exist"),
    ],
)
@pytest.mark.spec("CFG-090")
def test_what_is_missing_is_named_and_nothing_is_written(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    made = massgen(tmp_path, "--generate-config", "c.yaml", *arguments)
    assert made.returncode == 1
    assert words in made.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flag", ["--init", "--quickstart", "--setup", "--select"])
@pytest.mark.spec("CFG-091", "CLI-056")
def test_wizards_do_not_start_without_a_terminal(tmp_path: Path, flag: str) -> None:
    for arguments, given in (((flag,), "1\n" * 20), ((flag, "--automation"), None)):
        ended = massgen(tmp_path, *arguments, given=given)
        assert ended.returncode == 1
        assert "needs a terminal" in ended.stderr
        assert ended.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.spec("CFG-091")
def test_a_question_without_configuration_and_terminal_starts_no_wizard(tmp_path: Path) -> None:
    ended = massgen(tmp_path, "q")
    assert ended.returncode == 1
    assert "No config specified and no default config found. Run `massgen --init`" in ended.stderr
