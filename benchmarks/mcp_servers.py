"""MCP servers: ten starts beside one, and what a call through our stack adds to the bare client."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from budget import Figure

from massgen.tools.mcp import AgentServers, LinkLimits, McpConnections, McpServerSettings, parse_servers
from massgen.tools.protocol import ToolContext

SERVERS = 10
ROUNDS = 400
WARM_UP = 50

# Needs almost no CPU, so that ten of them can wait side by side on a small machine.
WAITING = """
import json, sys, time
time.sleep(float(sys.argv[1]))
for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    answer = {"jsonrpc": "2.0", "id": request["id"]}
    if request["method"] == "initialize":
        version = request["params"]["protocolVersion"]
        info = {"name": "waiting", "version": "1"}
        answer["result"] = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
    elif request["method"] == "tools/list":
        answer["result"] = {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]}
    elif request["method"] == "tools/call":
        answer["result"] = {"content": [{"type": "text", "text": "echo"}]}
    else:
        answer["error"] = {"code": -32601, "message": "no such method"}
    sys.stdout.write(json.dumps(answer) + "\\n")
    sys.stdout.flush()
"""

REAL = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("real")

@server.tool()
def echo(text: str = "echo") -> str:
    return text

server.run("stdio")
"""


def servers(script: Path, count: int, *arguments: str) -> list[McpServerSettings]:
    entries = [
        {"name": f"s{number}", "command": sys.executable, "args": [str(script), *arguments]} for number in range(count)
    ]
    return list(parse_servers(entries, environ={}).servers)


async def ready(wanted: list[McpServerSettings]) -> tuple[float, float]:
    """Seconds until all servers are ready, and until the slowest was, of one start."""
    begin = time.perf_counter()
    async with McpConnections(warn=_stop, limits=LinkLimits(connect=60)) as connections:
        each = [connections.agent("a", [one]) for one in wanted]

        async def until(agent_servers: AgentServers) -> float:
            await agent_servers.tools()
            return time.perf_counter() - begin

        async with asyncio.TaskGroup() as group:
            times = [group.create_task(until(one)) for one in each]
        whole = time.perf_counter() - begin
    return whole, max(task.result() for task in times)


async def one_alone(script: Path) -> float:
    return (await ready(servers(script, 1)))[0]


async def call_times(script: Path) -> tuple[float, float]:
    """Milliseconds of one call: through our stack, and with the bare client, taken in turns."""
    from mcp import Client, StdioServerParameters

    context = ToolContext(agent_id="a", agent_number=1, round=0, phase="coordination", call_id="c")
    bare = StdioServerParameters(command=sys.executable, args=[str(script)])
    ours: list[float] = []
    theirs: list[float] = []
    async with McpConnections(warn=_stop) as connections, Client(bare) as client:
        (tool,) = await connections.agent("a", servers(script, 1)).tools()
        await client.list_tools()
        for number in range(WARM_UP + ROUNDS):
            begin = time.perf_counter()
            outcome = await tool.call({"text": "x"}, context)
            middle = time.perf_counter()
            await client.call_tool("echo", {"text": "x"})
            end = time.perf_counter()
            if outcome.is_error:
                raise SystemExit(outcome.text)
            if number >= WARM_UP:
                ours.append(middle - begin)
                theirs.append(end - middle)
    return statistics.median(ours) * 1000, statistics.median(theirs) * 1000


def _stop(text: str) -> None:
    raise SystemExit(text)


async def measure(base: Path) -> None:
    waiting, real = base / "waiting.py", base / "real.py"
    waiting.write_text(WAITING)
    real.write_text(REAL)
    await ready(servers(waiting, 1, "0"))  # the library is imported once
    whole, _ = await ready(servers(waiting, SERVERS, "1"))
    Figure(name=f"{SERVERS} servers that wait 1 s", measured=whole, unit="s", budget=1.5).report()
    alone = await one_alone(real)
    whole, slowest = await ready(servers(real, SERVERS))
    Figure(name="one real server ready", measured=alone, unit="s").report()
    Figure(
        name=f"{SERVERS} real servers ready, over the slowest of them", measured=whole / slowest, unit="x", budget=1.5
    ).report()
    ours, theirs = await call_times(real)
    Figure(name="call with the bare client", measured=theirs, unit="ms").report()
    Figure(name="call through our stack, in addition", measured=ours - theirs, unit="ms", budget=1.0).report()


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(measure(Path(scratch).resolve()))


if __name__ == "__main__":
    sys.exit(main())
