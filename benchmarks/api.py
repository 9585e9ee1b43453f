"""`massgen.run` in a warm process: a team of two whose models take no time, median of 20 runs."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from budget import Figure

import massgen

ROUNDS = 20
BUDGET = 40.0


def team(url: str) -> dict[str, Any]:
    wire = {"type": "chatcompletion", "base_url": url, "api_key": "sk-unused"}
    return {"agents": [{"id": name, "backend": {**wire, "model": f"model-{name}"}} for name in ("a", "b")]}


async def measure(url: str) -> tuple[float, float]:
    """Milliseconds of a run, and those of this process's processor."""
    wall: list[float] = []
    own: list[float] = []
    for number in range(ROUNDS + 5):
        begin, worked = time.perf_counter(), time.process_time()
        result = await massgen.run("What is 2+2?", config_dict=team(url))
        if not result["final_answer"]:
            raise SystemExit(f"no answer: {result['error']}")
        if number >= 5:
            wall.append((time.perf_counter() - begin) * 1000)
            own.append((time.process_time() - worked) * 1000)
    return statistics.median(wall), statistics.median(own)


def main() -> None:
    command = [sys.executable, "-m", "massgen.testing", "--stdin"]
    with (
        tempfile.TemporaryDirectory() as directory,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as provider,
    ):
        assert provider.stdin is not None and provider.stdout is not None
        os.chdir(directory)
        os.environ["HOME"] = directory
        wall, own = asyncio.run(measure(f"{provider.stdout.readline().strip()}/v1"))
        os.chdir("/")
        provider.stdin.close()
    Figure(name="massgen.run, two agents, warm", measured=wall, unit="ms", budget=BUDGET).report()
    Figure(name="massgen.run, two agents, warm: own processor time", measured=own, unit="ms").report()


if __name__ == "__main__":
    main()
