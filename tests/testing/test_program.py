"""The provider in a thread, and as a program of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

import massgen.testing
from massgen.testing import Hold, ScriptedProvider, Turn, load_scripts, say

SCRIPT = """
models:
  a: {policy: answer_then_vote, text: "Four."}
  b:
    - {fault: http_error, status: 429, retry_after: "3"}
    - {text: "Let me see.", calls: [{name: vote, arguments: {agent_id: agent1}}], pace: {first: 0.001}}
    - {calls: [{name: vote, arguments: "{broken"}]}
default: {text: "somebody else"}
pace: {between: 0.0001, jitter: 0.5, seed: 3}
"""


def post(url: str, name: str) -> httpx2.Response:
    return httpx2.post(f"{url}/v1/chat/completions", json={"model": name, "messages": []}, timeout=250)


def message(url: str, name: str) -> dict[str, Any]:
    return post(url, name).json()["choices"][0]["message"]


def test_a_plain_thread_can_use_the_server() -> None:
    with ScriptedProvider({"m": say("ok")}).in_thread() as server:
        assert message(server.base_url, "m")["content"] == "ok"
        (request,) = server.block_for_requests("m")
        server.block_for_outcome(request)
        assert request.outcome == "sent"
        server.block_for_connections(0)
        with pytest.raises(TimeoutError):
            server.block_for_requests("m", 2, timeout=0.01)


def test_a_plain_thread_can_close_and_open_the_port() -> None:
    with ScriptedProvider({"m": say("ok")}).in_thread() as server:
        server.block_to_refuse()
        with pytest.raises(httpx2.ConnectError):
            post(server.base_url, "m")
        server.block_to_listen()
        assert message(server.base_url, "m")["content"] == "ok"


def test_gates_open_from_another_thread() -> None:
    with ScriptedProvider({"m": Turn(text="ok", hold=Hold(gate="go"))}).in_thread() as server:
        body = json.dumps({"model": "m", "messages": []})
        code = "import sys,urllib.request as u; print(u.urlopen(sys.argv[1], sys.argv[2].encode()).status)"
        command = [sys.executable, "-c", code, f"{server.openai_url}/chat/completions", body]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as asking:
            server.block_for_hold("go")
            server.open("go")
            assert asking.communicate(timeout=250)[0] == "200\n"


def test_a_port_in_use_is_an_error_at_once() -> None:
    with ScriptedProvider({}).in_thread() as first:
        with pytest.raises(RuntimeError) as raised, ScriptedProvider({}, port=first.port).in_thread():
            pass
        assert isinstance(raised.value.__cause__, OSError)


@contextmanager
def start(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The program with pipes; it is gone at the end whatever the test found."""
    command = [sys.executable, "-m", "massgen.testing", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def test_the_program_plays_a_script_file_until_it_is_interrupted(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text(SCRIPT)
    with start("--script", str(file)) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        limited = post(url, "b")
        assert (limited.status_code, limited.headers["retry-after"]) == (429, "3")
        called = message(url, "b")
        assert called["content"] == "Let me see."
        assert json.loads(called["tool_calls"][0]["function"]["arguments"]) == {"agent_id": "agent1"}
        assert message(url, "b")["tool_calls"][0]["function"]["arguments"] == "{broken"
        assert message(url, "a")["content"] == "Four."
        assert message(url, "z")["content"] == "somebody else"
        program.send_signal(signal.SIGINT)
        assert program.wait(250) == 0
        assert program.stderr is not None
        assert program.stderr.read() == ""


def test_the_program_ends_with_its_standard_input() -> None:
    with start("--stdin", "--latency", "0.001", "--chaos", "0") as program:
        assert program.stdout is not None
        assert program.stdin is not None
        url = program.stdout.readline().strip()
        assert message(url, "any")["content"] == "This is a scripted answer."
        program.stdin.close()
        assert program.wait(250) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models: {m: {txt: hi}}", "models.m: unknown key 'txt'"),
        ("models: {m: [{text: 3}]}", "models.m[0].text: Expected `str`, got `int`"),
        ("models: {m: {fault: fire}}", "there is no fault 'fire'"),
        ("models: {m: {policy: coin}}", "there is no policy 'coin'"),
        ("models: [1]", "models must be a mapping"),
        ("models: {m: {calls: [{tool: x}]}}", "unknown key 'tool'"),
        ("models: {", "line 1"),
    ],
)
def test_a_mistake_in_a_script_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "script.yaml"
    file.write_text(text)
    with pytest.raises(ValueError) as raised:
        load_scripts(file)
    assert words in str(raised.value)


def test_the_program_says_what_is_wrong_with_its_script(tmp_path: Path) -> None:
    with start("--script", str(tmp_path / "missing.yaml")) as program:
        assert program.wait(250) == 1
        assert program.stderr is not None
        assert "missing.yaml" in program.stderr.read()


def test_the_public_names_are_sorted_and_exist() -> None:
    names = massgen.testing.__all__
    assert list(names) == sorted(names)
    assert all(getattr(massgen.testing, name) is not None for name in names)


def test_importing_the_server_is_light() -> None:
    code = (
        "import sys, massgen.testing.server; "
        "print([m for m in ('pydantic', 'httpx2', 'starlette', 'uvicorn', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
