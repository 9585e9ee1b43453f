"""Snapshots of a workspace of 2,000 files (60 MB), beside copying it for every reader with shutil.copytree."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from budget import Figure

from massgen.workspace import (
    AgentPlace,
    ContextPath,
    Grants,
    RunWorkspaces,
    Store,
    WorkspaceSettings,
    beneath,
    new_instance,
)
from massgen.workspace.policy import AgentPathPolicy

FILES = 2_000
FILE_SIZE = 30_000
READERS = 8
ANSWERS = 3
CALLS = 500
REPEATS = 3


def fill(workspace: Path, seed: int) -> None:
    """Write the files anew, with other contents for another seed."""
    source = random.Random(seed)
    for number in range(FILES):
        folder = workspace / f"package{number % 40}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"module{number}.py").write_bytes(source.randbytes(FILE_SIZE))


def blocks(root: Path) -> int:
    """Bytes on disk below `root`, each file once however many names it has."""
    found: dict[int, int] = {}
    for directory, _, files in os.walk(root):
        for name in files:
            status = os.lstat(os.path.join(directory, name))
            found[status.st_ino] = status.st_blocks * 512
    return sum(found.values())


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds of one piece of work."""
    start = time.perf_counter()
    await work()
    return (time.perf_counter() - start) * 1000


async def longest_pause(work: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds that the event loop was kept from its other tasks while `work` ran."""
    pauses = [0.0]
    async with asyncio.TaskGroup() as group:
        task = group.create_task(timed(work))
        while not task.done():
            start = time.perf_counter()
            await asyncio.sleep(0.001)
            pauses.append((time.perf_counter() - start) * 1000 - 1)
    return max(pauses)


def copy_milliseconds(workspace: Path, place: Path) -> float:
    """One shutil.copytree, the least of some."""
    found: list[float] = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        shutil.copytree(workspace, place)
        found.append((time.perf_counter() - start) * 1000)
        shutil.rmtree(place)
    return min(found)


async def snapshots(root: Path) -> None:
    """The three times of issue 4, each the least of some, and their ratio to one copytree."""
    workspace = root / "workspace"
    fill(workspace, 0)
    copy = copy_milliseconds(workspace, root / "copy")
    store = Store(root / "store")
    first = await store.take(workspace)
    await asyncio.sleep(0.1)
    await store.take(workspace)
    changes, refills, checkouts = [], [], []
    for number in range(1, REPEATS + 1):
        (workspace / "package0/module0.py").write_bytes(os.urandom(FILE_SIZE))
        changes.append(await timed(lambda: store.take(workspace)))
        shutil.rmtree(workspace)
        fill(workspace, number)
        refills.append(await timed(lambda: store.take(workspace)))
        checkouts.append(await timed(lambda: store.materialise(first, root / "views/agent1")))
    Figure(name="one shutil.copytree of the workspace", measured=copy, unit="ms").report()
    for name, found, budget in (
        ("tree after one change", changes, 60),
        ("tree after emptying and refilling", refills, 350),
        ("view of a tree", checkouts, 250),
    ):
        Figure(name=name, measured=min(found), unit="ms", budget=budget).report()
        Figure(name=f"{name}, beside copytree", measured=min(found) / copy, unit="x").report()
    pause = await longest_pause(lambda: store.take(workspace))
    Figure(name="longest pause of the event loop meanwhile", measured=pause, unit="ms").report()


async def copies(root: Path) -> None:
    """A project of the same size in `write_mode: auto`: a fresh copy for a round, and freezing it with one change."""
    project = Path(os.path.realpath(root / "project"))
    fill(project, 0)
    context = ContextPath(path=project, permission="write")
    settings = WorkspaceSettings(
        launch_directory=root, instance=new_instance(), context_paths=(context,), write_mode="auto"
    )
    run = await RunWorkspaces.prepare(settings, [AgentPlace(agent_id="agent1", number=1)])
    workspace = run.workspace("agent1")
    assert workspace is not None
    starts, freezes = [], []
    for _ in range(REPEATS):
        starts.append(await timed(lambda: run.start_round("agent1")))
        (workspace / ".worktree/project/package0/module0.py").write_bytes(os.urandom(FILE_SIZE))
        freezes.append(await timed(lambda: run.freeze("agent1")))
    Figure(name="copy of a project for a round", measured=min(starts), unit="ms").report()
    Figure(name="project copy frozen after one change", measured=min(freezes), unit="ms").report()
    await run.finish()


async def sharing(root: Path) -> None:
    """Disk for eight readers and three answers each, beside one copy and the changed bytes."""
    agents = [AgentPlace(agent_id=f"agent{number}", number=number) for number in range(1, READERS + 1)]
    settings = WorkspaceSettings(launch_directory=root, instance=new_instance())
    run = await RunWorkspaces.prepare(settings, agents)
    changed = 0
    for agent in agents:
        workspace = run.workspace(agent.agent_id)
        assert workspace is not None
        await asyncio.to_thread(fill, workspace, 0)
    for number in range(ANSWERS):
        for agent in agents:
            workspace = run.workspace(agent.agent_id)
            assert workspace is not None
            if number:
                (workspace / "package0/module0.py").write_bytes(os.urandom(FILE_SIZE))
                changed += FILE_SIZE
            await run.publish(agent.agent_id, await run.freeze(agent.agent_id))
    live = blocks(run.layout.workspaces)
    copies = (blocks(root) - live - changed) / (live / READERS)
    Figure(
        name=f"disk for {READERS} readers, {ANSWERS} answers each", measured=copies, unit="copies", budget=2.2
    ).report()
    await run.finish()


def file_calls(root: Path) -> None:
    """What a checked read or write costs beyond the plain system calls."""
    place = Path(os.path.realpath(root / "calls"))
    place.mkdir()
    policy = AgentPathPolicy(workspace=place, grants=Grants(writable=(place,)), private=(place,))
    for name, checked, bare in (
        ("read", lambda: beneath.read_bytes(policy, "file"), (place / "file").read_bytes),
        (
            "write",
            lambda: beneath.replace_file(policy, "file", b"x" * 1000),
            lambda: (place / "file").write_bytes(b"x" * 1000),
        ),
    ):
        (place / "file").write_bytes(b"x" * 1000)
        ours, plain = [], []
        for _ in range(CALLS):
            for work, found in ((checked, ours), (bare, plain)):
                start = time.perf_counter()
                work()
                found.append((time.perf_counter() - start) * 1000)
        extra = statistics.median(ours) - statistics.median(plain)
        Figure(name=f"file {name} beyond its system calls", measured=extra, unit="ms", budget=2).report()


def main() -> None:
    with tempfile.TemporaryDirectory() as root:
        asyncio.run(snapshots(Path(root) / "snapshots"))
        file_calls(Path(root))
        asyncio.run(copies(Path(root) / "copies"))
    with tempfile.TemporaryDirectory() as root:
        asyncio.run(sharing(Path(root)))


if __name__ == "__main__":
    main()
