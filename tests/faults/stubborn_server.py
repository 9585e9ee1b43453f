"""An MCP server that does not end when its input does, and neither do its children: `stubborn_server.py SECONDS`."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

from mcp.server.mcpserver import MCPServer

server = MCPServer("stubborn")


@server.tool()
def leave_a_child() -> str:
    """Start a process in a session of its own."""
    subprocess.Popen(["sleep", sys.argv[1]], start_new_session=True)
    return "left"


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    server.run("stdio")
    time.sleep(float(sys.argv[1]))
