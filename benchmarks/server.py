"""`massgen serve`, warm: one request after the other, then eight at once against models that take half a second."""

from __future__ import annotations

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from api import team
from budget import Figure

ROUNDS = 20
TOGETHER = 8


@contextmanager
def serving(latency: float) -> Iterator[str]:
    """The address of a server in front of a provider that waits `latency` seconds before each reply."""
    provide = [sys.executable, "-m", "massgen.testing", "--stdin", "--latency", str(latency)]
    with (
        tempfile.TemporaryDirectory() as directory,
        subprocess.Popen(provide, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as provider,
    ):
        assert provider.stdin is not None and provider.stdout is not None
        config = Path(directory) / "team.yaml"
        config.write_text(json.dumps(team(f"{provider.stdout.readline().strip()}/v1")), encoding="utf-8")
        serve = [sys.executable, "-m", "massgen", "serve", "--config", str(config), "--port", "0"]
        environment = {**os.environ, "HOME": directory}
        with subprocess.Popen(serve, cwd=directory, env=environment, stderr=subprocess.PIPE, text=True) as server:
            assert server.stderr is not None
            found = re.search(r"http://\S+/v1", server.stderr.readline())
            if found is None:
                raise SystemExit("the server did not start")
            yield found.group()
            server.terminate()
        provider.stdin.close()


async def ask(client: httpx2.AsyncClient) -> float:
    """Seconds of one request."""
    begin = time.perf_counter()
    body = {"model": "massgen", "messages": [{"role": "user", "content": "What is 2+2?"}]}
    reply = await client.post("chat/completions", json=body)
    if reply.status_code != 200:
        raise SystemExit(f"{reply.status_code}: {reply.text}")
    return time.perf_counter() - begin


async def one_by_one(url: str) -> float:
    async with httpx2.AsyncClient(base_url=f"{url}/", timeout=60) as client:
        times = [await ask(client) for _ in range(ROUNDS + 5)]
    return statistics.median(times[5:]) * 1000


async def throughput(url: str) -> float:
    """How many times faster eight at once are than eight after another."""
    async with httpx2.AsyncClient(base_url=f"{url}/", timeout=120) as client:
        await ask(client)
        alone = await ask(client)
        begin = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(TOGETHER):
                group.create_task(ask(client))
        return alone * TOGETHER / (time.perf_counter() - begin)


def main() -> None:
    with serving(0.0) as url:
        figure = asyncio.run(one_by_one(url))
    Figure(name="serve, two agents, warm request", measured=figure, unit="ms", budget=60).report()
    with serving(0.5) as url:
        ratio = asyncio.run(throughput(url))
    Figure(name="serve, 8 at once beside 1 (0.5 s a call)", measured=ratio, unit="x", budget=6, at_least=True).report()


if __name__ == "__main__":
    main()
