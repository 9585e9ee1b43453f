"""MCP servers as tools of agents. Importing this does not import the `mcp` package."""

from massgen.tools.mcp.connections import AgentServers, McpConnections, ServerReport
from massgen.tools.mcp.link import LinkLimits
from massgen.tools.mcp.questions import Answer, Question, Questions
from massgen.tools.mcp.settings import (
    RESERVED_NAMES,
    McpSecurity,
    McpServerSettings,
    ParsedServers,
    parse_servers,
)
from massgen.tools.mcp.tool import McpTool

__all__ = [
    "RESERVED_NAMES",
    "AgentServers",
    "Answer",
    "LinkLimits",
    "McpConnections",
    "McpSecurity",
    "McpServerSettings",
    "McpTool",
    "ParsedServers",
    "Question",
    "Questions",
    "ServerReport",
    "parse_servers",
]
