"""1 to 16 runs at once in one process: CPU a model call, and how it grows."""

from __future__ import annotations

import asyncio
import time

from growth import report
from provider import ask, policies, team

from massgen.testing import ScriptedProvider

AT_ONCE = (1, 2, 4, 8, 16)
ROUNDS = 16
"""Runs measured for each number, so that the small numbers are no shorter."""


async def cpu_a_call(count: int) -> tuple[float, float]:
    """Of `count` two-agent runs at once, several times over: seconds a model call, and a byte sent."""
    async with ScriptedProvider(policies(2)) as server:
        config = team(server.openai_url, 2)
        begin = time.process_time()
        for _ in range(ROUNDS // count):
            async with asyncio.TaskGroup() as group:
                for _ in range(count):
                    group.create_task(ask(config))
        spent = time.process_time() - begin
        return spent / len(server.requests), spent / sum(request.raw_bytes for request in server.requests)


async def main() -> None:
    await cpu_a_call(2)
    per_call, per_byte = [], []
    for count in AT_ONCE:
        call, byte = await cpu_a_call(count)
        per_call.append(call)
        per_byte.append(byte)
        print(f"{count:>3} runs at once: {call * 1000:6.2f} ms CPU a call, {byte * 1e6:6.2f} us a byte", flush=True)
    report("CPU a model call, 1 to 16 runs at once", AT_ONCE, per_call)
    report("CPU a byte sent, 1 to 16 runs at once", AT_ONCE, per_byte)


if __name__ == "__main__":
    asyncio.run(main())
