"""The workspace tools as a stdio MCP server of their own (WS-116): `python -m massgen.tools.files.server`.

Workspace: `--workspace`, else MASSGEN_WORKSPACE, else the current directory. `--read` adds readable trees.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from massgen import __version__
from massgen.backends.protocol import ToolCall
from massgen.tools.catalog import bare
from massgen.tools.files.toolset import FILESYSTEM, WORKSPACE_TOOLS, file_tools
from massgen.tools.files.tracker import FileOperationTracker
from massgen.tools.hooks.chain import Hooks
from massgen.tools.protocol import ToolContext, ToolOutcome
from massgen.tools.runner import ToolRunner
from massgen.workspace.grants import Grants
from massgen.workspace.policy import AgentPathPolicy


class _Silent:
    """Nobody watches the calls of a server on its own."""

    def started(self, call_id: str, name: str, arguments: Any) -> None:
        """Nothing to tell."""

    def finished(self, call_id: str, name: str, outcome: ToolOutcome, milliseconds: float) -> None:
        """Nothing to tell."""


def build_runner(workspace: Path, readable: Sequence[Path], servers: tuple[str, ...]) -> ToolRunner:
    """The tools over one workspace, run as agents run them."""
    policy = AgentPathPolicy(
        workspace=workspace,
        grants=Grants(writable=(workspace,), readable=tuple(readable)),
        private=(workspace,),
    )
    tools = file_tools(lambda: policy, tracker=FileOperationTracker(), servers=servers)
    return ToolRunner(tools, hooks=Hooks(), observer=_Silent())


async def serve(runner: ToolRunner, workspace: Path) -> None:
    """Answer `tools/list` and `tools/call` on standard input and output until it is closed."""
    from mcp.server.lowlevel.server import Server
    from mcp.server.stdio import stdio_server
    from mcp_types import CallToolResult, ListToolsResult, TextContent
    from mcp_types import Tool as McpTool

    async def list_tools(_context: Any, _params: Any) -> ListToolsResult:
        return ListToolsResult(
            tools=[
                McpTool(name=bare(spec.name), description=spec.description, input_schema=dict(spec.parameters))
                for spec in runner.specs()
            ]
        )

    async def call_tool(_context: Any, params: Any) -> CallToolResult:
        import json

        call = ToolCall(call_id="", name=params.name, arguments=json.dumps(params.arguments or {}))
        [outcome] = await runner.run_all([call], lambda call: _context_of(call, workspace))
        return CallToolResult(content=[TextContent(type="text", text=outcome.text)], is_error=outcome.is_error)

    server = Server(WORKSPACE_TOOLS, version=__version__, on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def _context_of(call: ToolCall, workspace: Path) -> ToolContext:
    return ToolContext(
        agent_id="", agent_number=0, round=0, phase="coordination", call_id=call.call_id, workspace=workspace
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the server; returns the exit code."""
    parser = argparse.ArgumentParser(prog="massgen.tools.files.server", description="File tools over MCP (stdio).")
    parser.add_argument("--workspace", type=Path, default=os.environ.get("MASSGEN_WORKSPACE", "."))
    parser.add_argument("--read", type=Path, action="append", default=[], help="a further tree to read")
    parser.add_argument("--all", action="store_true", help="the tools of the filesystem server too")
    options = parser.parse_args(arguments)
    workspace = Path(options.workspace).expanduser().resolve()
    if not workspace.is_dir():
        sys.stderr.write(f"The workspace {workspace} is not a directory.\n")
        return 1
    readable = [Path(each).expanduser().resolve() for each in options.read]
    servers = (FILESYSTEM, WORKSPACE_TOOLS) if options.all else (WORKSPACE_TOOLS,)
    asyncio.run(serve(build_runner(workspace, readable, servers), workspace))
    return 0


if __name__ == "__main__":
    sys.exit(main())
