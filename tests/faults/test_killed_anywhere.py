"""kill -9 of the program while agents work with commands, background shells, servers and containers: nothing of it
goes on, and the next start removes what could not end by itself.
"""

from __future__ import annotations

import json
import random
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from massgen.runs.commands import NESTED
from massgen.testing import Hold, ReceivedRequest, ScriptedProvider, Turn, answer_then_vote, call, use
from tests.needs import needs
from tests.sandbox.container import image
from tests.sandbox.place import processes_with

MASSGEN = str(Path(sys.executable).with_name("massgen"))
STUBBORN = Path(__file__).with_name("stubborn_server.py")
EXECUTE, SHELL = "mcp__command_line__execute_command", "mcp__command_line__start_background_shell"
CALLS = 6
"""Model calls of an agent until its vote."""


def working(mark: str, stop_at: int) -> Callable[[ReceivedRequest], Turn]:
    """Leaves processes wherever it can; call number `stop_at` waits for ever."""
    base = answer_then_vote("four", "agent1")
    steps = (
        call("mcp__filesystem__write_file", path="made.txt", content="four"),
        call(EXECUTE, command=f"(trap '' TERM HUP; sleep {mark}) & setsid sleep {mark} & echo started"),
        call(SHELL, command=f"trap '' TERM HUP; setsid sleep {mark} & sleep {mark}"),
        call("mcp__stubborn__leave_a_child"),
    )

    def decide(request: ReceivedRequest) -> Turn:
        done = len(request.view.results)
        offered = set(request.view.tool_names)
        reply = use(steps[done]) if done < len(steps) and steps[done].name in offered else base(request)
        assert isinstance(reply, Turn)
        held = Hold(gate="never") if request.number >= stop_at else None
        return Turn(text=reply.text, calls=reply.calls, hold=held)

    return decide


def configuration(url: str, mark: str, project: Path, **backend: Any) -> dict[str, Any]:
    server = {"name": "stubborn", "type": "stdio", "command": sys.executable, "args": [str(STUBBORN), mark]}
    wire = {"type": "chatcompletion", "base_url": url, "api_key": "sk-x", "cwd": "work", **backend}
    agents = [
        {
            "id": f"agent {n}",
            "backend": {"enable_mcp_command_line": True, "mcp_servers": [server], **wire, "model": f"m{n}"},
        }
        for n in (1, 2)
    ]
    paths = [{"path": str(project), "permission": "write"}]
    return {"agents": agents, "orchestrator": {"context_paths": paths, "coordination": {"write_mode": "auto"}}}


def project_at(place: Path) -> Path:
    """A repository of the user's."""
    place.mkdir()
    (place / "mine.txt").write_text("mine\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], cwd=place, check=True)
    return place


def kill_in_the_middle(launch: Path, mark: str, stop_at: int, **backend: Any) -> str:
    """Start a run, kill it once an agent has come to its call `stop_at`; what it printed."""
    scripts = {"m1": working(mark, stop_at), "m2": working(mark, stop_at + 1)}
    project = project_at(launch / "project")
    with ScriptedProvider(scripts).in_thread() as server:
        (launch / "team.json").write_text(json.dumps(configuration(server.openai_url, mark, project, **backend)))
        command = [MASSGEN, "--automation", "--config", "team.json", "What is 2+2?"]
        with subprocess.Popen(command, cwd=launch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
            server.block_for_requests("m1", stop_at, timeout=250)
            assert processes_with(mark)
            run.kill()
            assert run.stdout is not None
            said = run.stdout.read()
    status = subprocess.run(["git", "status", "--porcelain"], cwd=project, capture_output=True, text=True, check=True)
    worktrees = subprocess.run(["git", "worktree", "list"], cwd=project, capture_output=True, text=True, check=True)
    assert status.stdout == "" and len(worktrees.stdout.splitlines()) == 1
    return said


def all_gone(mark: str) -> bool:
    limit = time.monotonic() + 120
    while processes_with(mark) and time.monotonic() < limit:
        time.sleep(0.02)
    return not processes_with(mark)


def a_mark() -> str:
    """Seconds that nothing else sleeps, so that a process can be found by them."""
    return f"{random.randint(10**6, 10**7)}.{secrets.randbelow(10**9):09d}"


@pytest.mark.slow
@needs("bwrap", "git")
def test_no_process_outlives_a_killed_program(tmp_path: Path) -> None:
    mark = a_mark()
    said = kill_in_the_middle(tmp_path, mark, stop_at=5)
    assert all_gone(mark), (processes_with(mark), said)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@needs("bwrap", "git")
def test_no_process_outlives_a_program_killed_at_any_time(tmp_path: Path) -> None:
    draw = random.Random(9)
    for number in range(30):
        mark, launch = a_mark(), tmp_path / str(number)
        launch.mkdir()
        stop_at = draw.randint(1, CALLS)
        said = kill_in_the_middle(launch, mark, stop_at)
        assert all_gone(mark), (stop_at, processes_with(mark), said)


def all_removed(names: set[str]) -> bool:
    """What two programs remove at once goes a moment later."""
    limit = time.monotonic() + 120
    while names & containers() and time.monotonic() < limit:
        time.sleep(0.02)
    return not names & containers()


def containers() -> set[str]:
    listing = ["docker", "ps", "-a", "--format", "{{.Names}}"]
    return set(subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.slow
@needs("docker", "git")
def test_containers_of_a_killed_program_are_removed_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NESTED, "1")
    docker = {"command_line_execution_mode": "docker", "command_line_docker_image": image.build()}
    mark = a_mark()
    said = kill_in_the_middle(tmp_path, mark, 3, **docker)
    (log,) = (tmp_path / ".massgen" / "massgen_logs").glob("log_2*/turn_1/attempt_1/massgen.log")
    names = set(re.findall(r"massgen-agent[\w-]*-[0-9a-f]{8}", log.read_text()))
    assert names, said
    again = tmp_path / "again"
    again.mkdir()
    with ScriptedProvider({"m1": answer_then_vote("four")}).in_thread() as server:
        config = configuration(server.openai_url, "0", project_at(again / "project"), **docker)
        (again / "team.json").write_text(json.dumps({"agents": config["agents"][:1]}))
        command = [MASSGEN, "--automation", "--config", "team.json", "What is 2+2?"]
        done = subprocess.run(command, cwd=again, capture_output=True, text=True, timeout=250, check=False)
        assert done.returncode == 0, done.stderr
    assert all_removed(names)
    assert all_gone(mark), processes_with(mark)
