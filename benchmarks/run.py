"""A two-agent run without latency: the whole process, a further run in one that is warm, and calls under jitter."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
from budget import Figure
from provider import QUESTION, apart, ask, policies, scripts, team

from massgen.testing import Pace, ScriptedProvider

ROUNDS = 5
WARM = 20
LATENCY = 0.5


def whole_process(server: ScriptedProvider, directory: Path) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak MiB of `massgen --automation`."""
    massgen = str(Path(sys.executable).with_name("massgen"))
    (directory / "team.json").write_text(json.dumps(team(server.openai_url, 2)))
    begin = time.perf_counter()
    process = subprocess.Popen(
        [massgen, "--automation", "--config", "team.json", QUESTION],
        cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the run ended with {process.returncode}")
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


async def warm() -> None:
    """What a further run takes beyond its calls: two at once, two at once, and the winner's."""
    async with ScriptedProvider(policies(2)) as server:
        await ask(team(server.openai_url, 2))
        bodies = [request.json or {} for request in server.requests]
        sent = sum(request.raw_bytes for request in server.requests)
    with apart(scripts(2)) as address:
        config = team(f"{address}/v1", 2)
        await ask(config)
        pairs = [((await ask(config)).seconds, await bare(f"{address}/v1", bodies)) for _ in range(WARM)]
    whole = statistics.median(seconds for seconds, _ in pairs) * 1000
    calls = statistics.median(seconds for _, seconds in pairs) * 1000
    Figure(name="a further two-agent run in a warm process", measured=whole, unit="ms").report()
    Figure(name="its calls by a bare client", measured=calls, unit="ms").report()
    Figure(name="the run beyond its calls", measured=whole - calls, unit="ms", budget=40).report()
    Figure(name="bodies of a two-agent run", measured=sent / 1000, unit="kB", budget=12).report()


async def bare(url: str, bodies: Sequence[dict[str, Any]]) -> float:
    """Seconds of the same five calls by the HTTP client alone, a new one as each run has; no certificates are read."""
    begin = time.perf_counter()
    async with httpx2.AsyncClient(verify=False) as client:

        async def call(body: dict[str, Any]) -> None:
            async with client.stream("POST", f"{url}/chat/completions", json=body) as response:
                async for _ in response.aiter_bytes():
                    pass

        for step in (bodies[:2], bodies[2:4], bodies[4:]):
            await asyncio.gather(*(call(body) for body in step))
    return time.perf_counter() - begin


async def latency() -> None:
    """Five calls, two of them in parallel twice: the critical path is three calls."""
    with apart(scripts(2), LATENCY) as address:
        config = team(f"{address}/v1", 2)
        await ask(config)
        times = [(await ask(config)).seconds for _ in range(3)]
    ratio = min(times) / (3 * LATENCY)
    Figure(name="a run at 0.5 s to first token, beside its calls", measured=ratio, unit="x", budget=1.05).report()


async def jitter() -> None:
    for size in (1, 2, 3, 5, 8):
        pace = Pace(first=0.05, between=0.002, jitter=0.5, seed=size)
        async with ScriptedProvider(policies(size), pace=pace) as server:
            await ask(team(server.openai_url, size))
            calls = len(server.requests)
        wanted = 2 * size + 1 if size > 1 else 1
        name = f"model calls of {size} agents under 50 % jitter"
        Figure(name=name, measured=calls, unit="calls", budget=wanted).report()


def main() -> None:
    with ScriptedProvider(policies(2)).in_thread() as server, tempfile.TemporaryDirectory() as directory:
        whole_process(server, Path(directory))
        found = [whole_process(server, Path(directory)) for _ in range(ROUNDS)]
    Figure(name="a two-agent run, whole process", measured=statistics.median(s for s, _, _ in found), unit="s",
           budget=2).report()  # fmt: skip
    Figure(name="CPU of a two-agent run", measured=statistics.median(c for _, c, _ in found), unit="s").report()
    Figure(name="memory of a two-agent run", measured=max(m for _, _, m in found), unit="MiB", budget=130).report()
    asyncio.run(warm())
    asyncio.run(latency())
    asyncio.run(jitter())


if __name__ == "__main__":
    main()
