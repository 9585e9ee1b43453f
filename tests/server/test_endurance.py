"""Many requests of every kind, rude ones among them: what they needed is given back."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from massgen.testing import ScriptedProvider, answer_then_vote
from tests.server.place import serving, team_values

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
KINDS = ("whole", "streamed", "bad", "vanishes", "leaves", "half head", "half body", "too large")
NONE_KEPT = httpx2.Limits(max_keepalive_connections=0)
MODELS = {"model-a": answer_then_vote("Four.")}

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts files in /proc")


async def ask(kind: str, port: int, client: httpx2.AsyncClient) -> None:
    """One request of that kind; returns when its caller is done with it."""
    body = {"messages": [{"role": "user", "content": "What is 2+2?"}], "stream": kind in ("streamed", "vanishes")}
    sent = json.dumps(body).encode()
    match kind:
        case "whole" | "streamed":
            reply = await client.post("/v1/chat/completions", content=sent)
            assert (reply.status_code, "Four." in reply.text) == (200, True)
        case "bad":
            assert (await client.post("/v1/chat/completions", content=b"[")).status_code == 400
        case "vanishes":
            await talk(port, HEAD % len(sent) + sent, read=True)
        case "leaves":
            await talk(port, HEAD % len(sent) + sent)
        case "half head":
            await talk(port, HEAD[:40])
        case "half body":
            await talk(port, HEAD % len(sent) + sent[:10])
        case "too large":
            await talk(port, HEAD % 50_000_000 + b" " * 1000, read=True)
        case _:
            raise AssertionError(kind)


async def talk(port: int, sent: bytes, *, read: bool = False) -> None:
    """Send, perhaps read a line, and cut the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    await writer.drain()
    if read:
        await reader.readline()
    writer.transport.abort()


async def wave(port: int, client: httpx2.AsyncClient, each: int) -> None:
    """`each` requests of every kind, mixed."""
    async with asyncio.TaskGroup() as group:
        for _ in range(each):
            for kind in KINDS:
                group.create_task(ask(kind, port, client))


async def settled(count: Callable[[], tuple[int, ...]], limits: tuple[int, ...]) -> tuple[int, ...]:
    """The counts once all are within their limits, or those of two minutes later."""
    for _ in range(600):
        gc.collect()
        if all(found <= limit for found, limit in zip(count(), limits, strict=True)):
            break
        await asyncio.sleep(0.2)
    return count()


@pytest.mark.spec("SRV-013")
def test_a_hundred_requests_of_every_kind_leave_no_task_and_no_file(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, MODELS) as place, place.http(limits=NONE_KEPT) as client:

            def count() -> tuple[int, ...]:
                """Tasks and files, without both ends of the connections that are kept for the next request: how many
                those are depends on how many requests met."""
                kept = place.provider.open_connections
                return len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")) - 2 * kept

            await wave(place.port, client, 2)
            before = await settled(count, count())
            await wave(place.port, client, 12)
            limits = tuple(number + 6 for number in before)
            after = await settled(count, limits)
            assert all(found <= limit for found, limit in zip(after, limits, strict=True)), (before, after)

    async def bounded() -> None:
        async with asyncio.timeout(280):
            await story()

    asyncio.run(bounded())


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_thousand_requests_leave_no_file_no_thread_and_no_memory_of_the_server(tmp_path: Path) -> None:
    async def story() -> None:
        async with ScriptedProvider(MODELS) as provider:
            config = tmp_path / "team.yaml"
            config.write_text(json.dumps(team_values(provider, MODELS)))
            command = [sys.executable, "-m", "massgen", "serve", "--config", str(config), "--port", "0"]
            server = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=DEVNULL, stderr=PIPE)
            assert server.stderr is not None
            said = (await server.stderr.readline()).decode()
            found = re.search(r":(\d+)/v1", said)
            assert found is not None, said
            port = int(found.group(1))
            reading = asyncio.create_task(server.stderr.read())
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120, limits=NONE_KEPT) as client:
                for _ in range(10):
                    await wave(port, client, 2)
                before = await settled(lambda: held(server.pid), held(server.pid))
                for _ in range(63):
                    await wave(port, client, 2)
                limits = (before[0] + 6, before[1] + 6, before[2] + 20_000)
                after = await settled(lambda: held(server.pid), limits)
            server.terminate()
            await server.wait()
            assert b"Traceback" not in await reading
            print(f"files, threads, kB: {before} before, {after} after")
            assert all(found <= limit for found, limit in zip(after, limits, strict=True)), (before, after)

    asyncio.run(story())


def held(pid: int) -> tuple[int, ...]:
    """Open files, threads and kilobytes of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    numbers = {name: int(value) for name, value in re.findall(r"^(Threads|VmRSS):\s+(\d+)", status, re.MULTILINE)}
    return len(os.listdir(f"/proc/{pid}/fd")), numbers["Threads"], numbers["VmRSS"]
