"""Workspaces of 10 to 50,000 files: freezing, freezing again after one change, and refilling; CPU, and its growth."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from growth import report

from massgen.workspace.run_workspaces import AgentPlace, RunWorkspaces, WorkspaceSettings

SIZES = (10, 100, 1_000, 10_000, 50_000)


def make_files(root: Path, count: int) -> None:
    for number in range(count):
        place = root / f"part{number // 200}"
        if number % 200 == 0:
            place.mkdir(parents=True, exist_ok=True)
        (place / f"file{number}.py").write_text(f"value = {number}\n" * 8)


async def cpu(work: Callable[[], Awaitable[object]]) -> float:
    begin = time.process_time()
    await work()
    return time.process_time() - begin


async def measure(count: int, launch: Path) -> tuple[float, float, float, float]:
    settings = WorkspaceSettings(launch_directory=launch, instance="00000000", snapshot_storage="snapshots",
                                 agent_temporary_workspace="temp", context_paths=(), write_mode="legacy")  # fmt: skip
    places = [AgentPlace(agent_id=f"agent_{n}", number=n, cwd=f"work{n}", files=True) for n in (1, 2)]
    run = await RunWorkspaces.prepare(settings, places)
    workspace = run.workspace("agent_1")
    assert workspace is not None
    make_files(workspace, count)
    first = await cpu(lambda: run.freeze("agent_1"))
    (workspace / "part0" / "file0.py").write_text("changed\n")
    again = await cpu(lambda: run.freeze("agent_1"))
    frozen = await run.freeze("agent_1")
    shown = await cpu(lambda: run.publish("agent_1", frozen))
    await run.empty("agent_1")
    restored = await cpu(lambda: run.restore("agent_1", frozen))
    await run.finish()
    return first, again, shown, restored


async def main() -> None:
    names = ("freezing", "freezing after one change", "showing to two readers", "restoring")
    spent: list[tuple[float, ...]] = []
    for count in SIZES:
        with tempfile.TemporaryDirectory() as directory:
            spent.append(await measure(count, Path(directory)))
        each = ", ".join(f"{name} {value * 1000:,.1f} ms" for name, value in zip(names, spent[-1], strict=True))
        print(f"{count:>7,} files: {each}", flush=True)
    for index, name in enumerate(names):
        report(f"{name} with the files of a workspace", SIZES, [values[index] for values in spent])


if __name__ == "__main__":
    asyncio.run(main())
