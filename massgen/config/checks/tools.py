"""MCP servers, custom tools and filters (CFG-067, CFG-073, MCP-009, MCP-012, TOOL-021)."""

from __future__ import annotations

from massgen.config.capabilities import CAPABILITIES
from massgen.config.diagnostics import Path
from massgen.config.findings import Findings
from massgen.config.schema.backend import BackendConfig
from massgen.config.schema.root import Config
from massgen.config.schema.tools import CustomTool, McpServer

RESERVED_SERVERS = frozenset(
    {
        "command_line",
        "workspace_tools",
        "filesystem",
        "planning",
        "memory",
        "subagents",
        "massgen_custom_tools",
    }
)


def check_tools(config: Config, findings: Findings) -> None:
    """The tools of every agent."""
    for index, agent in enumerate(config.agents):
        path: Path = ("agents", index, "backend")
        _check_filters(agent.backend, path, findings)
        _check_servers(agent.backend, path, findings)
        for number, tool in enumerate(agent.backend.custom_tools):
            _check_custom_tool(tool, (*path, "custom_tools", number), findings)
        _check_command_line_needs(agent.backend, path, findings)


def _check_filters(backend: BackendConfig, path: Path, findings: Findings) -> None:
    if backend.allowed_tools and (backend.exclude_tools or backend.disallowed_tools):
        other = "exclude_tools" if backend.exclude_tools else "disallowed_tools"
        message = f"'allowed_tools' and '{other}' together are hard to follow; an exclusion always wins"
        findings.warning((*path, "allowed_tools"), message, "Use one of them")
    for number, server in enumerate(backend.mcp_servers):
        if server.allowed_tools and server.exclude_tools:
            message = "'allowed_tools' and 'exclude_tools' together are hard to follow; an exclusion always wins"
            findings.warning((*path, "mcp_servers", number, "allowed_tools"), message, "Use one of them")


def _check_servers(backend: BackendConfig, path: Path, findings: Findings) -> None:
    seen: set[str] = set()
    for number, server in enumerate(backend.mcp_servers):
        where: Path = (*path, "mcp_servers", number)
        if server.name in seen:
            findings.error((*where, "name"), f"Two MCP servers are called '{server.name}'", "Rename one")
        seen.add(server.name)
        if server.name in RESERVED_SERVERS:
            message = f"'{server.name}' is the name of a built-in server, which this one replaces"
            findings.warning((*where, "name"), message, "Choose another name if that is not wanted")
        _check_connection(server, where, findings)


def _check_connection(server: McpServer, where: Path, findings: Findings) -> None:
    label = f"MCP server '{server.name}'"
    if server.type is None and not (server.command or server.url):
        findings.error(where, f"{label} missing required field 'command' or 'url'", "Add one of them")
    elif server.type == "stdio" and not server.command:
        findings.error(where, f"{label} missing required field 'command'", "Add 'command: ...'")
    elif server.type in ("streamable-http", "sse") and not server.url:
        findings.error(where, f"{label} missing required field 'url'", "Add 'url: http://...'")


def _check_custom_tool(tool: CustomTool, where: Path, findings: Findings) -> None:
    if tool.function is None:
        findings.error(where, "Custom tool missing required field 'function'", "Add 'function: ...'")
        return
    wanted = len(tool.function) if isinstance(tool.function, tuple) else 1
    for key in ("name", "description", "preset_args"):
        value = getattr(tool, key)
        if isinstance(value, tuple) and len(value) != wanted:
            message = f"'{key}' has {len(value)} entries for {wanted} functions"
            findings.error((*where, key), message, "Give one for each function, in the same order")


def _check_command_line_needs(backend: BackendConfig, path: Path, findings: Findings) -> None:
    own_shell = backend.type in CAPABILITIES and CAPABILITIES[backend.type].shell == "provider"
    if backend.enable_mcp_command_line or own_shell:
        return
    for key, what in (
        ("enable_code_based_tools", "its servers stay ordinary tools"),
        ("exclude_file_operation_mcps", "the agent cannot read files"),
    ):
        if getattr(backend, key):
            message = f"'{key}' needs 'enable_mcp_command_line'; without it {what}"
            findings.warning((*path, key), message, "Add 'enable_mcp_command_line: true'")
