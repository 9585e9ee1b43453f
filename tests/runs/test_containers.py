"""Commands of a run in containers, and what the log says about where they run."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from massgen.runs.commands import NESTED
from massgen.testing import ScriptedProvider, answer_then_vote, call
from tests.needs import needs
from tests.runs.place import massgen, play, team, worker
from tests.sandbox.container import image

EXECUTE = "mcp__command_line__execute_command"


@pytest.mark.spec("EXEC-026")
@needs("bwrap")
def test_the_log_says_what_local_mode_is_and_which_sandbox_holds(tmp_path: Path) -> None:
    backend = {"cwd": "ws", "enable_mcp_command_line": True}
    played = play(tmp_path, {"m1": answer_then_vote("a"), "m2": answer_then_vote("b")}, backend=backend)
    for agent in ("agent_a", "agent_b"):
        assert f"[{agent}] Commands run on this machine: command patterns can be circumvented" in played.text_log
        assert re.search(rf"\[{agent}\] Sandbox of its commands: bubblewrap", played.text_log)


@needs("docker")
@pytest.mark.spec("EXEC-031", "EXEC-032", "EXEC-026", "AUTO-064", "WS-009")
def test_a_container_serves_an_agent_and_is_gone_after_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NESTED, "1")
    name = image.build()
    backend = {
        "cwd": "ws",
        "enable_mcp_command_line": True,
        "command_line_execution_mode": "docker",
        "command_line_docker_image": name,
    }
    script = worker("answer", lambda request: (call(EXECUTE, command="id -un; echo hello > made.txt; ls"),))
    played = play(tmp_path, {"m1": script}, backend=backend)
    assert played.result.exit_code == 0, played.result.message
    (result,) = played.asked("m1")[1].view.results
    assert "massgen" in result.text and "made.txt" in result.text
    assert "[agent_a] Commands run in a container: strong isolation" in played.text_log
    found = re.search(r"Container (massgen-agent_a-[0-9a-f]{8}) runs", played.text_log)
    assert found, played.text_log
    left = subprocess.run(["docker", "ps", "-a", "--format", "{{.Names}}"], capture_output=True, text=True, check=True)
    assert found.group(1) not in left.stdout
    assert list(played.attempt.glob("agent_a/*/workspace/made.txt"))
    assert (played.attempt / "final" / "agent_a" / "workspace" / "made.txt").exists()


@pytest.mark.spec("EXEC-036", "AUTO-031")
def test_without_an_engine_the_run_ends_with_code_1_before_any_model_is_called(tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    with ScriptedProvider({"m1": answer_then_vote("a")}).in_thread() as server:
        options = {"cwd": "ws", "enable_mcp_command_line": True, "command_line_execution_mode": "docker"}
        (tmp_path / "team.json").write_text(json.dumps({"agents": team(server.openai_url, ("m1",), **options)}))
        done = massgen(tmp_path, "--automation", "--config", "team.json", "Q", env={"PATH": str(empty), NESTED: "1"})
        assert done.returncode == 1, done.stderr
        assert "Docker command line not available" in done.stderr
        assert server.requests == []


@pytest.mark.spec("EXEC-069", "CLI-056")
def test_setting_up_docker_without_an_engine_says_how_to_get_one(tmp_path: Path) -> None:
    done = massgen(tmp_path, "--setup-docker", env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "Install Docker" in done.stdout + done.stderr
