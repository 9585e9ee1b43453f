"""kill -9 while agents work in containers, and `massgen resume`: what ran in them ends, and no call is made again."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from massgen.agents.record import INTERRUPTED
from massgen.events.codec import read_run
from massgen.events.types import NewAnswer, ToolEnd, ToolStart
from massgen.runs.commands import NESTED
from massgen.testing import Hold, ReceivedRequest, ScriptedProvider, Turn, answer_then_vote, call, say, use
from massgen.testing.policies import visible_answers
from tests.faults.test_killed_anywhere import EXECUTE, MASSGEN, SHELL, a_mark, all_gone, all_removed
from tests.needs import needs
from tests.resume.course import folded
from tests.sandbox.container import image
from tests.sandbox.place import processes_with

SECONDS = 250
COUNT = "cat count.txt"
FILES = 600


def counting(mark: str, gate: str) -> Callable[[ReceivedRequest], Turn]:
    """Counts once, leaves a shell, counts again in a command that stays at the gate; answers what it has counted."""
    steps = (
        call(EXECUTE, command="echo one >> count.txt"),
        call(SHELL, command=f"echo shell > {gate}; sleep {mark}"),
        call(EXECUTE, command=f"echo two >> count.txt; echo command > {gate}; sleep {mark}"),
        call(EXECUTE, command=COUNT),
    )

    def decide(request: ReceivedRequest) -> Turn:
        view = request.view
        shown = visible_answers(view).values()
        if "new_answer" not in view.tool_names:
            return say(next(text for text in shown if "/" in text))
        if shown:
            return use(call("vote", agent_id="agent1", reason="It is right."))
        done = len(view.results)
        if done < len(steps):
            return use(steps[done])
        return use(call("new_answer", content="/".join(json.loads(view.results[-1].text)["stdout"].split())))

    return decide


def configuration(url: str, gates: Path) -> dict[str, Any]:
    backend = {
        "type": "chatcompletion",
        "base_url": url,
        "api_key": "sk-x",
        "cwd": "work",
        "enable_mcp_command_line": True,
        "command_line_execution_mode": "docker",
        "command_line_docker_image": image.build(),
    }
    agents = [{"id": f"agent {n}", "backend": {**backend, "model": f"m{n}"}} for n in (1, 2)]
    return {"agents": agents, "orchestrator": {"context_paths": [{"path": str(gates), "permission": "read"}]}}


def gate_in(launch: Path) -> Path:
    """A pipe that containers may write into: who reads it knows that they have come so far."""
    (launch / "gates").mkdir()
    gate = launch / "gates" / "gate"
    os.mkfifo(gate)
    gate.chmod(0o666)
    return gate


def started(log_dir: Path) -> set[str]:
    """The containers that the log names."""
    text = "".join(path.read_text() for path in log_dir.glob("turn_1/attempt_*/massgen.log"))
    return set(re.findall(r"massgen-agent[\w-]*-[0-9a-f]{8}", text))


def kill_when(launch: Path, reached: Callable[[subprocess.Popen[str]], object]) -> Path:
    """Start a run, kill it as soon as `reached` comes back; its log directory."""
    command = [MASSGEN, "--automation", "--config", "team.json", "What is counted?"]
    errors = (launch / "errors.txt").open("w")
    with errors, subprocess.Popen(command, cwd=launch, stdout=subprocess.PIPE, stderr=errors, text=True) as run:
        assert run.stdout is not None
        log_dir = Path(run.stdout.readline().removeprefix("LOG_DIR: ").strip())
        try:
            reached(run)
            assert run.poll() is None, (launch / "errors.txt").read_text()
        finally:
            run.kill()
    return log_dir


def hear(gate: Path, run: subprocess.Popen[str], lines: int) -> None:
    """Come back when so many lines came through the gate, or the run has ended."""
    descriptor, ended = os.open(gate, os.O_RDWR | os.O_NONBLOCK), os.pidfd_open(run.pid)
    try:
        heard, ready = b"", [descriptor]
        while heard.count(b"\n") < lines and descriptor in ready:
            ready, _, _ = select.select([descriptor, ended], [], [], SECONDS)
            heard += os.read(descriptor, 100) if descriptor in ready else b""
    finally:
        os.close(descriptor)
        os.close(ended)


def go_on(launch: Path, log_dir: Path) -> str:
    done = subprocess.run(
        [MASSGEN, "resume", str(log_dir)], cwd=launch, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def await_objects(launch: Path, run: subprocess.Popen[str], count: int) -> None:
    """Come back when the store of the run holds so many objects, or the run has ended."""
    while run.poll() is None and sum(len(names) for *_, names in os.walk(launch / ".massgen" / "store")) < count:
        continue


def check(log_dir: Path, dead: set[str], mark: str, interrupted: int) -> None:
    """Nothing of the killed program is left, and the log tells of calls that were made once."""
    assert dead and all_removed(dead | started(log_dir))
    assert all_gone(mark), processes_with(mark)
    events = list(read_run(log_dir))
    begun = [event.body.call_id for event in events if isinstance(event.body, ToolStart)]
    ended = [event.body for event in events if isinstance(event.body, ToolEnd)]
    assert len(set(begun)) == len(begun) and sorted(begun) == sorted(end.call_id for end in ended)
    assert sum(INTERRUPTED in end.result for end in ended) == interrupted
    assert sorted(event.body.label for event in events if isinstance(event.body, NewAnswer)) == ["agent1.1", "agent2.1"]
    assert folded(log_dir).follows


@pytest.fixture
def nested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NESTED, "1")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("nested")
@needs("docker")
def test_a_command_that_was_killed_with_its_program_is_told_as_interrupted(tmp_path: Path) -> None:
    mark, gate = a_mark(), gate_in(tmp_path)
    scripts = {"m1": counting(mark, str(gate)), "m2": answer_then_vote("few", "agent1")}
    with ScriptedProvider(scripts).in_thread() as server:
        (tmp_path / "team.json").write_text(json.dumps(configuration(server.openai_url, gate.parent)))
        log_dir = kill_when(tmp_path, lambda run: hear(gate, run, 2))
        dead = started(log_dir)
        assert len(dead) == 2
        assert all_gone(mark), processes_with(mark)
        said = go_on(tmp_path, log_dir)
        told = [result.text for sent in server.requests_for("m1") for result in sent.view.results]
    assert "one/two" in said
    assert any(INTERRUPTED in text for text in told)
    check(log_dir, dead, mark, interrupted=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("nested")
@needs("docker")
def test_a_background_shell_ends_with_its_program_and_the_round_goes_on(tmp_path: Path) -> None:
    mark, gate = a_mark(), gate_in(tmp_path)
    plain = counting(mark, str(gate))

    def held(request: ReceivedRequest) -> Turn:
        reply = plain(request)
        if request.number == 3:
            return Turn(text=reply.text, calls=reply.calls, hold=Hold(gate="never"))
        return reply if request.number != 4 else use(call(EXECUTE, command="echo two >> count.txt"))

    with ScriptedProvider({"m1": held, "m2": answer_then_vote("few", "agent1")}).in_thread() as server:
        (tmp_path / "team.json").write_text(json.dumps(configuration(server.openai_url, gate.parent)))
        
        def beside_a_shell(run: subprocess.Popen[str]) -> None:
            hear(gate, run, 1)
            server.block_for_hold("never", timeout=SECONDS)

        log_dir = kill_when(tmp_path, beside_a_shell)
        dead = started(log_dir)
        assert all_gone(mark), processes_with(mark)
        said = go_on(tmp_path, log_dir)
    assert "one/two" in said
    check(log_dir, dead, mark, interrupted=0)


def filling(request: ReceivedRequest) -> Turn:
    """Makes many files, answers with how many there are, and votes once the gate is open."""
    view = request.view
    shown = visible_answers(view).values()
    if "new_answer" not in view.tool_names:
        return say(next(text for text in shown if "files" in text))
    if shown:
        return Turn(calls=(call("vote", agent_id="agent1", reason="It is right."),), hold=Hold(gate="killed"))
    if not view.results:
        return use(call(EXECUTE, command=f"for i in $(seq {FILES}); do echo $i > file$i; done; ls | wc -l"))
    return use(call("new_answer", content=f"files: {json.loads(view.results[0].text)['stdout'].strip()}"))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("nested")
@needs("docker")
@pytest.mark.parametrize("count", [3, FILES // 2, FILES + 1])
def test_an_answer_that_was_being_frozen_is_given_once_with_all_its_files(tmp_path: Path, count: int) -> None:
    gate = gate_in(tmp_path)
    with ScriptedProvider({"m1": filling, "m2": answer_then_vote("few", "agent1")}).in_thread() as server:
        (tmp_path / "team.json").write_text(json.dumps(configuration(server.openai_url, gate.parent)))
        log_dir = kill_when(tmp_path, lambda run: await_objects(tmp_path, run, count))
        server.open("killed")
        dead = started(log_dir)
        said = go_on(tmp_path, log_dir)
        asked = server.requests_for("m1")
    assert f"files: {FILES}" in said
    assert sum(bool(sent.view.results) for sent in asked if "vote" not in sent.view.tool_names) <= 2
    check(log_dir, dead, a_mark(), interrupted=0)
    (kept,) = log_dir.glob("turn_1/final/agent 1/workspace")
    assert len(list(kept.glob("file*"))) == FILES
