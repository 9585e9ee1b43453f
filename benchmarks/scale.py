"""More agents in one process: memory and time of each further one, and how the work grows."""

from __future__ import annotations

import asyncio
from pathlib import Path

from budget import Figure
from growth import report
from provider import apart, ask, policies, scripts, team

from massgen.testing import Pace, ScriptedProvider

LATENCY = 0.5
ROUNDS = 3
SIZES = (1, 2, 4, 8, 16, 32, 64)


def resident() -> float:
    """MiB of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


async def run(size: int, first: float) -> tuple[float, float, int]:
    async with ScriptedProvider(policies(size), pace=Pace(first=first)) as server:
        timed = await ask(team(server.openai_url, size))
        return timed.seconds, timed.cpu, sum(request.raw_bytes for request in server.requests)


async def slow(address: str, size: int) -> float:
    """Seconds of the fastest of some runs at a provider with latency."""
    return min([(await ask(team(f"{address}/v1", size))).seconds for _ in range(ROUNDS)])


async def main() -> None:
    await run(2, 0.0)
    per_call: list[float] = []
    per_byte: list[float] = []
    for size in SIZES:
        _, cpu, sent = await run(size, 0.0)
        per_call.append(cpu / (2 * size + 1))
        per_byte.append(cpu / sent)
        each = per_call[-1] * 1000
        print(f"{size:>3} agents: {cpu * 1000:7.0f} ms CPU, {each:6.2f} ms a call, {sent / 1000:8.1f} kB sent")
    report("CPU a model call, 1 to 64 agents", SIZES, per_call)
    report("CPU a byte sent, 1 to 64 agents", SIZES, per_byte)
    with apart(scripts(32), LATENCY) as address:
        few = await slow(address, 4)
        before = resident()
        many = await slow(address, 32)
        further = max(0.0, resident() - before) / 28
    Figure(name="32 agents beside 4, at 0.5 s to each first token", measured=many / few, unit="x", budget=1.3).report()
    Figure(name="memory of a further agent", measured=further, unit="MiB", budget=3).report()


if __name__ == "__main__":
    asyncio.run(main())
