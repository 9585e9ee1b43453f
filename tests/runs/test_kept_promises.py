"""Promises about files, tools and traffic, each through a whole run."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from massgen.config import load_config
from massgen.config.quick import quick_agent
from massgen.events.types import Warned
from massgen.runs.request import RunRequest
from massgen.runs.run import Run
from massgen.testing import ScriptedProvider, answer_then_vote, call
from tests.interactive.terminal import Terminal
from tests.runs.place import KEY, environment, massgen, play, worker, write_config

ROOT = Path(__file__).parents[2]
EXECUTE = "mcp__command_line__execute_command"
GUARD = '''
import os, socket, sys

def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.connect"):
        address = arguments[0:2] if event == "socket.getaddrinfo" else arguments[1]
        host, port = (address[0], address[1]) if isinstance(address, tuple) else ("", address)
        if str(port) != os.environ["ONLY_PORT"] or str(host) not in ("127.0.0.1", "b'127.0.0.1'", "localhost"):
            with open(os.environ["TRAFFIC"], "a") as file:
                print(event, host, port, file=file)
            raise OSError("blocked")

sys.addaudithook(watch)
'''


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedProvider]:
    scripts = {name: answer_then_vote(f"{name} says blue.") for name in ("one", "two")}
    with ScriptedProvider(scripts).in_thread() as provider:
        yield provider


@pytest.mark.spec("CMP-029")
def test_a_run_talks_to_model_endpoints_only(server: ScriptedProvider, tmp_path: Path) -> None:
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(GUARD)
    config = write_config(tmp_path, server.openai_url, ("one", "two"))
    traffic = tmp_path / "traffic.txt"
    port = server.openai_url.split(":")[2].split("/")[0]
    env = {"PYTHONPATH": f"{guard}:{ROOT}", "ONLY_PORT": port, "TRAFFIC": str(traffic)}
    done = massgen(tmp_path, "--automation", "--config", config, "My colour?", env=env)
    assert done.returncode == 0, done.stderr
    assert not traffic.exists(), traffic.read_text()
    strange = [sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', 9))"]
    subprocess.run(strange, env={**environment(tmp_path), **env}, capture_output=True, check=False)
    assert "127.0.0.1 9" in traffic.read_text()


@pytest.mark.spec("SESS-008")
def test_a_conversation_without_a_display_keeps_a_debug_log_without_keys(
    server: ScriptedProvider, tmp_path: Path
) -> None:
    write_config(tmp_path, server.openai_url, ("one", "two"))
    flags = ("--no-display", "--debug", "--config", "team.yaml")
    with Terminal(tmp_path, *flags, environment={"HOME": str(tmp_path)}) as terminal:
        terminal.expect("User: ")
        terminal.line("My colour?")
        terminal.expect("Winner: ")
        terminal.expect("says blue.")
        terminal.expect("User: ")
        terminal.line("/quit")
        assert terminal.wait() == 0
    log = (tmp_path / ".massgen" / "massgen_logs" / "log_latest").resolve()
    text = (log / "massgen_debug.log").read_text()
    assert '"role": "user"' in text and "My colour?" in text
    assert KEY not in text


@pytest.mark.spec("WS-073")
def test_three_files_of_one_directory_are_suggested_to_be_one_reference(
    server: ScriptedProvider, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    for name in ("1", "2", "3"):
        (tmp_path / "a" / name).write_text(name)
    config = write_config(tmp_path, server.openai_url, ("one",))
    done = massgen(tmp_path, "--automation", "--config", config, "Compare @a/1 @a/2 @a/3")
    assert done.returncode == 0, done.stderr
    assert f"consider @{tmp_path / 'a'}/ instead" in done.stderr
    two = massgen(tmp_path, "--automation", "--config", config, "Compare @a/1 @a/2")
    assert two.returncode == 0 and "instead" not in two.stderr


@pytest.mark.spec("WS-105")
def test_protected_paths_are_called_a_convenience_at_the_start_and_in_the_guide(tmp_path: Path) -> None:
    (tmp_path / "keep.txt").write_text("kept")
    guarded = {"path": str(tmp_path), "permission": "write", "protected_paths": ["keep.txt"]}
    words = "a convenience against accidents, not a security boundary"

    def told(path: dict[str, Any]) -> list[str]:
        orchestrator = {"context_paths": [path]}
        played = play(tmp_path, {"one": worker("Done.")}, orchestrator=orchestrator, backend={"cwd": "w"})
        return [body.text for body in played.bodies(Warned)]

    assert any(words in text for text in told(guarded))
    assert not any(words in text for text in told({"path": str(tmp_path), "permission": "write"}))
    assert words in " ".join((ROOT / "docs" / "guide" / "files.md").read_text().split())


@pytest.mark.spec("WS-142")
def test_commands_read_pictures_that_text_tools_refuse(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    path = str(tmp_path / "x.png")

    def first(request: Any) -> tuple[Any, ...]:
        shell = call(EXECUTE, command=f"head -c 4 {path} | tail -c 3")
        return (call("mcp__filesystem__read_file", path=path), shell)

    options = {"cwd": "w", "enable_mcp_command_line": True}
    orchestrator = {"context_paths": [{"path": path, "permission": "read"}]}
    played = play(tmp_path, {"one": worker("Done.", first)}, orchestrator=orchestrator, backend=options)
    results = next(item for item in played.asked("one") if item.view.results).view.results
    assert "Cannot read image file 'x.png' with text-based tool 'read_file'" in results[0].text
    assert "PNG" in results[1].text and "Cannot read" not in results[1].text
    assert "not a security boundary" in (ROOT / "docs" / "guide" / "files.md").read_text()


@pytest.mark.spec("WS-170", "WS-014")
@pytest.mark.parametrize(
    "name",
    [
        "claude_code_single",
        "claude_code_context_sharing",
        "gpt5mini_cc_fs_context_path",
        "gemini_gpt5nano_protected_paths",
    ],
)
def test_the_examples_about_files_are_found_and_valid(name: str) -> None:
    loaded = load_config(f"@examples/tools/filesystem/{name}")
    assert loaded.errors == ()
    config = loaded.require()
    assert all(agent.backend.cwd for agent in config.agents)
    if name == "gemini_gpt5nano_protected_paths":
        assert (config.ui.display_type, config.ui.logging_enabled) == ("rich_terminal", True)
        assert config.orchestrator.context_paths[0].protected_paths


@pytest.mark.spec("TOOL-081")
def test_the_prompt_sends_agents_with_both_code_executions_to_the_local_one_for_files(tmp_path: Path) -> None:
    def system(**more: Any) -> str:
        options = {"type": "openai", "cwd": "w", "enable_mcp_command_line": True, **more}
        return play(tmp_path, {"one": worker("Done.")}, backend=options).asked("one")[0].view.system

    both = system(enable_code_interpreter=True)
    assert EXECUTE in both and "code execution cannot see these files" in both
    assert "code execution cannot see these files" not in system()


@pytest.mark.spec("CMP-011")
def test_a_quick_agent_has_search_code_execution_and_files(tmp_path: Path) -> None:
    async def offered() -> tuple[set[str], set[str]]:
        async with ScriptedProvider({"gpt-5-mini": answer_then_vote("Done.")}) as server:
            agent = quick_agent(backend="openai", model="gpt-5-mini", base_url=server.openai_url)
            agent["backend"]["api_key"] = KEY
            loaded = load_config({"agents": [agent]}, launch=tmp_path)
            run = Run(RunRequest(loaded=loaded, question="Q", launch=tmp_path, automation=True))
            run.prepare()
            await run.execute()
            view = server.requests_for("gpt-5-mini")[0].view
            return set(view.native_tools), set(view.tool_names)

    native, own = asyncio.run(offered())
    assert "web_search" in native and any(name.startswith("code_") for name in native)
    assert {"mcp__filesystem__read_file", "mcp__filesystem__write_file"} <= own
