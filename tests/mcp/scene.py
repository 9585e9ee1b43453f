"""One agent with servers of the tests: `async with agent_with(...) as scene`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from massgen.tools.mcp import (
    AgentServers,
    LinkLimits,
    McpConnections,
    McpServerSettings,
    McpTool,
    Questions,
    parse_servers,
)
from massgen.tools.protocol import ToolContext, ToolOutcome

SERVERS = Path(__file__).parent / "servers"
QUICK = LinkLimits(connect=120.0, delays=(0.01, 0.01, 0.01))


def plain(name: str = "plain", *args: str, **more: object) -> dict[str, object]:
    """An entry of `mcp_servers` for the ordinary server."""
    return {"name": name, "command": sys.executable, "args": [str(SERVERS / "plain.py"), *args], **more}


def raw(mode: str, *args: str, name: str = "raw", **more: object) -> dict[str, object]:
    """An entry for the misbehaving server."""
    return {"name": name, "command": sys.executable, "args": ["-S", str(SERVERS / "raw.py"), mode, *args], **more}


def settings(*entries: object, environ: Mapping[str, str] | None = None, cwd: str = "") -> list[McpServerSettings]:
    """The entries as settings; they must be valid."""
    parsed = parse_servers(list(entries), environ=environ or {}, cwd=cwd)
    assert not parsed.errors
    return list(parsed.servers)


def context(**more: Any) -> ToolContext:
    """Where the calls of a test happen."""
    return ToolContext(agent_id="a", agent_number=1, round=0, phase="coordination", call_id="c1", **more)


@dataclass(slots=True)
class Scene:
    """An agent's servers, and everything that was told to people."""

    connections: McpConnections
    servers: AgentServers
    warnings: list[str] = field(default_factory=list)

    async def tools(self) -> dict[str, McpTool]:
        return {tool.spec.name: tool for tool in await self.servers.tools()}

    async def call(self, name: str, arguments: Mapping[str, Any] | None = None, **more: Any) -> ToolOutcome:
        return await (await self.tools())[name].call(arguments or {}, context(**more))

    async def warned(self, words: str) -> str:
        """Wait until somebody is told a line with these words."""
        async with asyncio.timeout(250):
            while True:
                for line in self.warnings:
                    if words in line:
                        return line
                await asyncio.sleep(0.005)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that another process or task does."""
    async with asyncio.timeout(250):
        while True:
            if await true():
                return
            await asyncio.sleep(0.005)


@asynccontextmanager
async def agent_with(
    *entries: object,
    limits: LinkLimits = QUICK,
    questions: Questions | None = None,
    environ: Mapping[str, str] | None = None,
    **more: Any,
) -> AsyncIterator[Scene]:
    """An agent with servers from `entries`."""
    warnings: list[str] = []
    async with McpConnections(warn=warnings.append, limits=limits, questions=questions) as connections:
        cwd = str(more.get("cwd") or "")
        servers = connections.agent("a", settings(*entries, environ=environ, cwd=cwd), **more)
        yield Scene(connections, servers, warnings)


@asynccontextmanager
async def listening(kind: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """The ordinary server on loopback; gives its URL and its process."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(SERVERS / "plain.py"), kind, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    port = int(await child.stdout.readline())
    try:
        yield f"http://127.0.0.1:{port}/{'sse' if kind == 'sse' else 'mcp'}", child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
        child._transport.close()  # type: ignore[attr-defined]
