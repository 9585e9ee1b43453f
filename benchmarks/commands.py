"""Commands in the sandbox beside plain exec of the same command: what one costs in addition, and the start."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from budget import Figure

from massgen.workspace.grants import Grants
from massgen.workspace.sandbox.choice import LocalSettings, choose_sandbox

ROUNDS = 100
BUDGET_MS = 15


def plain(directory: Path) -> None:
    subprocess.run(["/bin/bash", "-c", "true"], cwd=directory, capture_output=True, check=True)


async def measure(base: Path) -> None:
    workspace = base / "workspace"
    workspace.mkdir()
    sandbox = choose_sandbox(
        LocalSettings(), Grants(writable=(workspace,)), private=base / "private", workspace=workspace, warn=print
    )
    begin = time.perf_counter()
    await sandbox.start()
    Figure(
        name=f"start of a sandbox ({sandbox.kind})", measured=(time.perf_counter() - begin) * 1000, unit="ms"
    ).report()
    inside, bare = [], []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        await sandbox.run("true", timeout=10)
        middle = time.perf_counter()
        plain(workspace)
        bare.append(time.perf_counter() - middle)
        inside.append(middle - begin)
    await sandbox.close()
    alone, with_sandbox = statistics.median(bare) * 1000, statistics.median(inside) * 1000
    Figure(name="command by plain exec", measured=alone, unit="ms").report()
    Figure(
        name="command in the sandbox, in addition", measured=with_sandbox - alone, unit="ms", budget=BUDGET_MS
    ).report()


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(measure(Path(scratch).resolve()))


if __name__ == "__main__":
    sys.exit(main())
