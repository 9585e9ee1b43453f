"""Many runs in one process: what a run opened, started and made is gone after it."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from massgen.runs.run import Run
from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, answer_then_vote, call, use
from tests.interactive.teams import FINAL, write_team
from tests.interactive.terminal import Terminal
from tests.needs import needs
from tests.server.place import serving

MIB = 2**20
PATIENCE = 60.0


def working(text: str) -> Callable[[ReceivedRequest], Turn]:
    """Writes a file, runs a command and leaves a server behind in the background, then answers and votes."""
    base = answer_then_vote(text, "agent1")
    steps = (
        call("mcp__filesystem__write_file", path="made.txt", content=text),
        call("mcp__command_line__execute_command", command="cat made.txt; sleep 600 &"),
        call("mcp__command_line__start_background_shell", command="sleep 600"),
    )

    def decide(request: ReceivedRequest) -> Turn:
        reply = base(request)
        assert isinstance(reply, Turn)
        done = len(request.view.results)
        return use(steps[done]) if request.view.tool_names and not _voting(reply) and done < len(steps) else reply

    return decide


def own_tasks() -> int:
    """Tasks of the program in this loop, those of connections and of the provider left out."""
    codes = (getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks())
    names = [code.co_filename for code in codes if code is not None]
    return sum("/massgen/" in name and "/massgen/testing/" not in name for name in names)


def _voting(reply: Turn) -> bool:
    return bool(reply.calls) and reply.calls[0].name == "vote"


def config(url: str) -> dict[str, Any]:
    """Two agents with files and commands."""
    wire = {"type": "chatcompletion", "base_url": url, "api_key": "sk-x", "cwd": "work"}
    agents = [
        {"id": f"agent {n}", "backend": {**wire, "model": f"m{n}", "enable_mcp_command_line": True}} for n in (1, 2)
    ]
    return {"agents": agents}


def below(pid: int) -> int:
    """How many processes descend from `pid`."""
    table = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in (line.split() for line in table.splitlines())}
    count = 0
    for child in parents:
        while child in parents and child != pid:
            child = parents[child]
        count += child == pid
    return count - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a process holds at a moment; `sockets` are connections that are kept for the next call, too."""

    files: int
    sockets: int
    threads: int
    children: int
    temporary: tuple[str, ...]
    stored: tuple[str, ...]

    @classmethod
    def by(cls, pid: int, temporary: Path, launch: Path) -> Held:
        here = Path("/proc") / str(pid)
        store = launch / ".massgen" / "store"
        opened = [_target(path) for path in (here / "fd").iterdir()]
        sockets = sum(one.startswith("socket:") for one in opened)
        return cls(
            files=len(opened) - sockets,
            sockets=sockets,
            threads=len(list((here / "task").iterdir())),
            children=below(pid),
            temporary=tuple(sorted(path.name for path in temporary.iterdir())),
            stored=tuple(sorted(path.name for path in store.iterdir())) if store.is_dir() else (),
        )


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:  # the descriptor of this very listing
        return ""


def resident(pid: int) -> float:
    """MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / MIB


def is_flat(early: Held, late: Held, *, spare: int = 0) -> bool:
    """`spare` threads and connections more are pools that had not grown to their size yet."""
    return (
        late.files <= early.files + 1
        and late.sockets <= early.sockets + 2 * spare
        and late.threads <= early.threads + spare
        and late.children <= early.children
        and late.temporary == early.temporary
        and late.stored == early.stored == ()
    )


def check_flat(early: Held, look: Callable[[], Held], *, spare: int = 0) -> None:
    """What a process has done with may take its time to go."""
    end = time.monotonic() + PATIENCE
    while not is_flat(early, late := look(), spare=spare):
        assert time.monotonic() < end, (early, late)


@pytest.mark.slow
@needs("bwrap")
def test_a_server_holds_nothing_of_the_runs_it_has_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    scripts = {"m1": working("four"), "m2": working("IV")}

    async def story() -> None:
        async with ScriptedProvider(scripts) as provider:
            file = tmp_path / "work.yaml"
            file.write_text(yaml.safe_dump(config(provider.openai_url)))
            async with serving(tmp_path, team=False, config=str(file)) as place:

                async def wave() -> None:
                    async with asyncio.TaskGroup() as group:
                        asked = [group.create_task(place.chat()) for _ in range(2)]
                    assert {task.result().status_code for task in asked} == {200}

                def look() -> tuple[Held, int, int]:
                    gc.collect()
                    alive = sum(isinstance(one, Run) for one in gc.get_objects())
                    return Held.by(os.getpid(), temporary, tmp_path), own_tasks(), alive

                await wave()
                await wave()
                early, tasks, alive = look()
                await wave()
                end = time.monotonic() + PATIENCE
                while True:  # what was done with may take its time to go
                    late, later_tasks, later_alive = look()
                    if is_flat(early, late, spare=4) and later_tasks <= tasks and later_alive <= 1:
                        break
                    assert time.monotonic() < end, (early, tasks, alive, late, later_tasks, later_alive)
                    await asyncio.sleep(0.05)
                assert len(place.logs) == 6

    asyncio.run(story())
    assert threading.active_count() < 40


def test_a_session_holds_nothing_of_the_turns_it_has_played(tmp_path: Path) -> None:
    play_session(tmp_path, early=4, turns=10, growth=6.0)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_an_hour_of_questions_in_one_session_needs_no_more_at_its_end(tmp_path: Path) -> None:
    play_session(tmp_path, early=40, turns=200, growth=12.0)


def play_session(directory: Path, *, early: int, turns: int, growth: float) -> None:
    """As many turns, through a terminal; what the program holds after `early` of them is all it ever holds."""
    launch, temporary = directory / "launch", directory / "tmp"
    launch.mkdir()
    temporary.mkdir()
    write_team(launch, questions=["Tabs or spaces?"], backend={"cwd": "work"})
    options: dict[str, Any] = {"environment": {"TMPDIR": str(temporary)}}
    with Terminal(launch, "--no-display", "--config", "team.yaml", "--cwd-context", "ro", **options) as terminal:
        terminal.expect("User: ")
        first, memory = None, 0.0
        for turn in range(1, turns + 1):
            terminal.line("Tabs or spaces?")
            terminal.expect(FINAL)
            terminal.expect("User: ")
            if turn == early:
                first, memory = Held.by(terminal.pid, temporary, launch), resident(terminal.pid)
        assert first is not None
        check_flat(first, lambda: Held.by(terminal.pid, temporary, launch), spare=2)
        assert resident(terminal.pid) - memory < growth
        terminal.line("/quit")
        assert terminal.wait() == 0


@pytest.mark.soak
@pytest.mark.timeout(3600)
@needs("bwrap")
def test_two_hundred_runs_in_one_server_process_leave_it_as_it_was(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    scripts = {"m1": working("four"), "m2": working("IV")}
    massgen = str(Path(sys.executable).with_name("massgen"))
    with ScriptedProvider(scripts).in_thread() as provider:
        (tmp_path / "team.yaml").write_text(json.dumps(config(provider.openai_url)))
        command = [massgen, "serve", "--config", "team.yaml", "--port", "0"]
        env = {**os.environ, "TMPDIR": str(temporary)}
        with subprocess.Popen(
            command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as server:
            assert server.stdout is not None
            url = next(word for line in server.stdout for word in line.split() if word.startswith("http://127")).rstrip(
                "/"
            )
            drain = threading.Thread(target=server.stdout.read, daemon=True)
            drain.start()
            try:
                held, memory = [], []
                for number in range(1, 201):
                    body = {"model": "massgen", "messages": [{"role": "user", "content": "What is 2+2?"}]}
                    assert (
                        httpx2.post(
                            f"{url.removesuffix('/v1')}/v1/chat/completions", json=body, timeout=120
                        ).status_code
                        == 200
                    )
                    if number % 50 == 0:
                        held.append(Held.by(server.pid, temporary, tmp_path))
                        memory.append(resident(server.pid))
                check_flat(held[0], lambda: Held.by(server.pid, temporary, tmp_path), spare=2)
                assert memory[-1] - memory[0] < 15, memory
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(60)
