"""Which containers of killed programs are removed, and that none is left by a start that fails."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from massgen.process import is_present, is_running, process_started, start_ticks
from massgen.workspace.policy import AgentPathPolicy
from massgen.workspace.sandbox.container.container import AgentContainer
from massgen.workspace.sandbox.container.credentials import Credentials
from massgen.workspace.sandbox.container.engine import Engine, find_engine
from massgen.workspace.sandbox.container.owner import (
    BOOT,
    LABELS,
    MACHINE,
    NAMESPACE,
    OWNER,
    STARTED,
    has_ended,
    owner_labels,
)
from massgen.workspace.sandbox.container.program_place import ContainerProgramPlace
from massgen.workspace.sandbox.container.sweep import STATES, sweep
from tests.faults.disk import root_only
from tests.needs import needs
from tests.sandbox.container import image
from tests.sandbox.container.test_container import PATIENCE, Place, docker, lists_nothing

pytestmark = needs("docker")
ROOT = Path(__file__).parents[3]
GONE = 2**22 + 1
"""No process has this number."""
HERE = socket.gethostname()


@pytest.fixture
def mark() -> Iterator[str]:
    """A label of the containers of one test."""
    value = secrets.token_hex(8)
    yield value
    for container in docker("ps", "--all", "--quiet", "--filter", f"label=test={value}").split():
        docker("rm", "--force", container)


def make(mark: str, labels: Mapping[str, str]) -> str:
    """The id of a container with these labels."""
    words = [word for name, value in {**labels, "test": mark}.items() for word in ("--label", f"{name}={value}")]
    return docker("create", *words, "--network", "none", image.build()).strip()


def left(mark: str) -> set[str]:
    return set(docker("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label=test={mark}").split())


def owned(pid: int, **changes: str) -> dict[str, str]:
    names = {"started": STARTED, "namespace": NAMESPACE, "boot": BOOT, "machine": MACHINE}
    changed = {names[name]: value for name, value in changes.items()}
    return owner_labels() | {OWNER: f"{HERE}:{pid}"} | changed


@pytest.mark.spec("EXEC-031")
def test_a_container_goes_when_its_program_has_ended_and_its_number_is_in_use_again(mark: str) -> None:
    here = os.getpid()
    keep = {
        "this program's": owned(here),
        "of another machine": owned(GONE, boot="another", machine="another"),
        "of a machine without an id": owned(GONE, boot="another", machine=""),
        "of another process namespace": owned(GONE, namespace="pid:[1]"),
        "of an older version elsewhere": {OWNER: f"elsewhere:{GONE}"},
    }
    drop = {
        "of a number that is in use again": owned(here, started="1"),
        "of a number that is free": owned(GONE),
        "of this machine before it started anew": owned(here, boot="another"),
        "of an older version": {OWNER: f"{HERE}:{GONE}"},
    }
    made = {name: make(mark, labels) for name, labels in (keep | drop).items()}
    asyncio.run(sweep(find_engine("docker")))
    limit = time.monotonic() + PATIENCE
    while len(found := left(mark)) > len(keep) and time.monotonic() < limit:
        continue  # what another sweep removes at the same time goes a moment later
    assert {name for name, container in made.items() if container in found} == set(keep)


@pytest.mark.spec("EXEC-031")
def test_the_container_of_an_older_version_stays_while_its_program_runs() -> None:
    """Asked without a container: a sweep in another process namespace, as one test below does, would remove it."""
    none = dict.fromkeys(LABELS, "")
    assert not has_ended(none | {OWNER: f"{HERE}:{os.getpid()}"})
    assert has_ended(none | {OWNER: f"{HERE}:{GONE}"})


@pytest.mark.spec("EXEC-031")
def test_what_was_kept_of_a_container_goes_too(mark: str) -> None:
    tags = {}
    for name, labels in {"dead": owned(GONE), "alive": owned(os.getpid())}.items():
        container = make(mark, labels)
        tags[name] = f"{STATES}:test-{mark}-{name}"
        docker("commit", container, tags[name])
        docker("rm", container)
    try:
        asyncio.run(sweep(find_engine("docker")))
        assert lists_nothing("image", "ls", "--quiet", tags["dead"])
        assert docker("image", "ls", "--quiet", tags["alive"]) != ""
    finally:
        docker("rmi", "--force", *tags.values())


SWEEP = """
import asyncio, sys
from massgen.workspace.sandbox.container.engine import find_engine
from massgen.workspace.sandbox.container.owner import owner_labels
from massgen.workspace.sandbox.container.sweep import sweep
asyncio.run(sweep(find_engine("docker")))
print(*(f"{name}={value}" for name, value in owner_labels().items()), flush=True)
sys.stdin.read()
"""


@pytest.mark.spec("EXEC-031")
@root_only
@needs("unshare")
def test_programs_in_two_process_namespaces_leave_each_others_containers_alone(mark: str) -> None:
    mine = make(mark, owned(os.getpid()))
    inside = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", SWEEP]
    with subprocess.Popen(inside, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as program:
        assert program.stdout is not None
        labels = dict(word.split("=", 1) for word in program.stdout.readline().split())
        assert left(mark) == {mine}
        theirs = make(mark, labels)
        asyncio.run(sweep(find_engine("docker")))
        assert left(mark) == {mine, theirs}


def test_a_process_that_nobody_has_waited_for_runs_no_more() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        started = process_started(process.pid)
        assert started is not None and is_running(process.pid, started) and is_present(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert start_ticks(process.pid) is None
        assert not is_running(process.pid, started) and not is_present(process.pid)


def wrapped(directory: Path, word: str) -> tuple[Engine, Path]:
    """An engine that does `word` and does not come back; and the pipe in which it says so."""
    program, reached = directory / "docker", directory / "reached"
    os.mkfifo(reached)
    script = f'#!/bin/sh\n{shutil.which("docker")} "$@"\ncode=$?\n'
    script += f'[ "$1" = {word} ] && echo done > {reached} && exec sleep 600\nexit $code\n'
    program.write_text(script)
    program.chmod(0o755)
    return Engine(program=str(program)), reached


async def interrupted(task: asyncio.Task[object], reached: Path) -> None:
    assert await asyncio.to_thread(reached.read_text) == "done\n"
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


def program_place(place: Place, engine: Engine) -> ContainerProgramPlace:
    async def same() -> Engine:
        return engine

    policy = AgentPathPolicy(workspace=place.workspace, grants=place.grants())
    settings = replace(place.settings, agent_id=place.settings.instance)
    return ContainerProgramPlace(lambda: policy, settings, same, place.warnings.append)  # type: ignore[arg-type]


def label(place: Place) -> str:
    return f"label=massgen.agent_id={place.settings.instance}"


def of(place: Place) -> str:
    """The containers that this test has made and that exist."""
    return docker("ps", "--all", "--quiet", "--filter", label(place))


def test_a_program_that_is_not_there_leaves_no_container(tmp_path: Path) -> None:
    place = Place(tmp_path.resolve())

    async def run() -> tuple[bytes, bytes]:
        program = await program_place(place, find_engine("docker")).open(["missing"], cwd=None, env={}, limit=9999)
        said = await program.stdout.read(), await program.stderr.read()
        await program.stop()
        return said

    stdout, stderr = asyncio.run(run())
    assert stdout == b"" and b"missing" in stderr
    assert lists_nothing("ps", "--all", "--quiet", "--filter", label(place))


def test_a_start_that_is_interrupted_leaves_no_container(tmp_path: Path) -> None:
    place = Place(tmp_path.resolve())
    engine, reached = wrapped(tmp_path, "create")

    async def run() -> None:
        opening = program_place(place, engine).open(["cat"], cwd=None, env={}, limit=1000)
        await interrupted(asyncio.create_task(opening), reached)

    asyncio.run(run())
    assert lists_nothing("ps", "--all", "--quiet", "--filter", label(place))


def kill_client(name: str) -> None:
    """End the program that is attached to the container `name`."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if name.encode() in words and b"--attach" in words:
                os.kill(int(entry.name), signal.SIGKILL)


def test_a_server_whose_client_has_ended_leaves_no_container(tmp_path: Path) -> None:
    place = Place(tmp_path.resolve())

    async def run() -> None:
        opened = program_place(place, find_engine("docker"))
        program = await opened.open(["sh", "-c", "echo up; sleep 60"], cwd=None, env={}, limit=1000)
        assert await program.stdout.readline() == b"up\n"
        kill_client(docker("ps", "--no-trunc", "--format", "{{.Names}}", "--filter", label(place)).strip())
        await program.stop()

    asyncio.run(run())
    assert lists_nothing("ps", "--all", "--quiet", "--filter", label(place))


@pytest.mark.parametrize("word", ["create", "start", "exec"])
def test_the_container_of_an_agent_goes_although_its_making_was_interrupted(word: str, tmp_path: Path) -> None:
    place = Place(tmp_path.resolve())
    engine, reached = wrapped(tmp_path, word)
    container = AgentContainer(
        engine,
        replace(place.settings, agent_id=place.settings.instance),
        Credentials(binds=(), env={}),
        workspace=place.workspace,
        warn=place.warnings.append,
    )

    async def run() -> None:
        await interrupted(asyncio.create_task(container.ensure(place.grants())), reached)
        assert of(place)
        await container.remove()

    asyncio.run(run())
    assert lists_nothing("ps", "--all", "--quiet", "--filter", label(place))
