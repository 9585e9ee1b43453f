"""What is asked of the engine where this machine's engine cannot do it: bridges, registries, builds."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from massgen.cli.setup_docker import setup_docker
from massgen.config.schema.execution import CommandKeys
from massgen.workspace.grants import Grants
from massgen.workspace.sandbox.container.arguments import User, create_arguments
from massgen.workspace.sandbox.container.credentials import Credentials
from massgen.workspace.sandbox.container.settings import (
    LOCAL_INSTEAD,
    ContainerSettings,
    container_settings,
    effective_mode,
)

ROOT = Path(__file__).resolve().parents[3]


def settings(**keys: object) -> ContainerSettings:
    return container_settings(CommandKeys.model_validate(keys), agent_id="agent_a", instance="a1b2c3d4")


def arguments(chosen: ContainerSettings, grants: Grants, env: dict[str, str] | None = None) -> list[str]:
    credentials = Credentials(binds=(), env=env or {})
    return create_arguments(chosen, chosen.image, grants, credentials, workspace=Path("/w"), user=User())


@pytest.mark.spec("EXEC-030")
def test_all_keys_reach_the_container() -> None:
    line = arguments(
        settings(
            command_line_docker_image="mine:1",
            command_line_docker_memory_limit="2g",
            command_line_docker_cpu_limit="2.0",
            command_line_docker_network_mode="bridge",
        ),
        Grants(),
    )
    text = " ".join(line)
    for part in ("--memory 2g", "--cpus 2.0", "--network bridge", "--cap-drop ALL", "--name massgen-agent_a-a1b2c3d4"):
        assert part in text
    assert line[-1] == "mine:1"


@pytest.mark.spec("EXEC-066")
def test_sudo_selects_the_sudo_image_unless_one_is_named() -> None:
    assert settings().image == "massgen/mcp-runtime:latest"
    assert settings(command_line_docker_enable_sudo=True).image == "massgen/mcp-runtime-sudo:latest"
    named = settings(command_line_docker_enable_sudo=True, command_line_docker_image="mine:1")
    assert named.image == "mine:1"
    assert "--cap-drop" not in arguments(named, Grants())


@pytest.mark.spec("EXEC-056")
def test_values_of_secrets_are_not_in_the_command_line() -> None:
    line = arguments(settings(), Grants(), {"GITHUB_TOKEN": "ghp_secret"})
    assert "GITHUB_TOKEN" in line
    assert "ghp_secret" not in " ".join(line)


@pytest.mark.spec("EXEC-033")
def test_paths_with_commas_and_quotes_are_mounted_as_they_are(tmp_path: Path) -> None:
    odd = tmp_path / 'a,b"c'
    odd.mkdir()
    mount = arguments(settings(), Grants(readable=(odd,)))
    quoted = str(odd).replace('"', '""')
    assert f'type=bind,"source={quoted}","target={quoted}",readonly' in mount


@pytest.mark.spec("EXEC-038")
def test_inside_a_container_docker_mode_becomes_local(tmp_path: Path) -> None:
    assert effective_mode("docker", tmp_path)[0] == "docker"
    (tmp_path / ".dockerenv").touch()
    assert effective_mode("docker", tmp_path) == ("local", LOCAL_INSTEAD)


@pytest.mark.spec("EXEC-026")
def test_the_log_line_says_how_strong_each_mode_is(tmp_path: Path) -> None:
    assert "strong isolation" in effective_mode("docker", tmp_path)[1]
    assert "can be circumvented" in effective_mode("local", tmp_path)[1]


@pytest.fixture
def fake_docker(tmp_path: Path, monkeypatch) -> Path:
    """A program `docker` that records what it is asked; an image is there once it was built or tagged."""
    log = tmp_path / "log"
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/bash\necho "$@" >> {log}\ncase $1 in version) echo 28.1.0;; image) exit 1;; pull) exit 1;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    log.touch()
    return log


@pytest.mark.spec("EXEC-065")
def test_the_script_builds_the_base_image_and_with_sudo_the_other(fake_docker: Path) -> None:
    script = ROOT / "massgen" / "docker" / "build.sh"
    subprocess.run(["bash", str(script)], check=True)
    subprocess.run(["bash", str(script), "--sudo"], check=True)
    built = [line.split()[2] for line in fake_docker.read_text().splitlines()]
    base = "massgen/mcp-runtime:latest"
    assert built == [base, base, "massgen/mcp-runtime-sudo:latest"]


@pytest.mark.spec("EXEC-070", "CFG-087")
def test_setup_pulls_the_images_and_builds_those_that_cannot_be_pulled(fake_docker: Path) -> None:
    lines: list[str] = []
    assert setup_docker(lines.append) == 0
    asked = fake_docker.read_text()
    assert "pull ghcr.io/massgen/mcp-runtime:latest" in asked
    assert "build -t massgen/mcp-runtime-sudo:latest" in asked
    assert any("28.1.0 answers" in line for line in lines)


@pytest.mark.spec("EXEC-070", "CFG-087")
def test_setup_without_an_engine_explains_and_fails(monkeypatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    lines: list[str] = []
    assert setup_docker(lines.append) == 1
    assert "Install Docker" in lines[0]


@pytest.mark.spec("EXEC-067", "EXEC-069")
def test_the_files_of_the_images_ship_with_what_they_promise() -> None:
    folder = ROOT / "massgen" / "docker"
    text = (folder / "Dockerfile").read_text()
    for part in ("python:3.11-slim", "git", "curl", "build-essential", "setup_20.x", "gh", "ripgrep", "@ast-grep/cli",
                 "pytest", "requests", "numpy", "pandas", "--uid 1000", "WORKDIR /workspace"):  # fmt: skip
        assert part in text
    assert (folder / "Dockerfile.custom-example").is_file()
    assert (folder / "README.md").is_file()
