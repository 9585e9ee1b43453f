"""The MCP servers and custom functions of one agent, read from its backend section."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from massgen.backends.capabilities import capabilities_of
from massgen.mcp_tools.server_registry import discover
from massgen.tools.custom.settings import CustomToolSettings, ParsedTools, parse_custom_tools
from massgen.tools.mcp.settings import McpServerSettings, parse_servers

if TYPE_CHECKING:
    from massgen.config import BackendConfig, Environment


class ExternalTools(Struct, frozen=True, kw_only=True):
    """`errors` end the run before any model call (exit code 1), `warnings` and `lines` go to the log."""

    servers: tuple[McpServerSettings, ...] = ()
    custom: tuple[CustomToolSettings, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def external_tools(
    backend: BackendConfig, environment: Environment, *, workspace: Path | None, bases: Sequence[Path]
) -> ExternalTools:
    """Servers and functions of `backend`, registry servers included where it asks for them (BE-075).

    `workspace` replaces `${cwd}` (CFG-012); `bases` are the launch directory and the configuration's. What the
    backend type cannot use is left out with a warning (BE-070, TOOL-032).
    """
    capabilities = capabilities_of(backend.type)
    entries: list[object] = list(backend.mcp_servers)
    warnings: list[str] = []
    lines: tuple[str, ...] = ()
    if capabilities.mcp == "no":
        if entries:
            warnings.append(f"{backend.type} has no MCP servers; left out: {_names(backend.mcp_servers)}.")
        entries = []
    elif backend.auto_discover_custom_tools:
        found = discover(backend.type, [server.name for server in backend.mcp_servers], environment.get)
        entries += found.entries
        lines = found.lines
    servers = parse_servers(
        entries,
        environ={**environment.file_values(), **environment.process},
        cwd=str(workspace) if workspace else "",
    )
    custom = ParsedTools()
    if capabilities.custom_tools:
        custom = parse_custom_tools(backend.custom_tools, bases=bases)
    elif backend.custom_tools:
        warnings.append(f"{backend.type} has no custom tools; {len(backend.custom_tools)} entries left out.")
    return ExternalTools(
        servers=servers.servers,
        custom=custom.tools,
        errors=(*servers.errors, *custom.errors),
        warnings=(*warnings, *servers.warnings, *custom.warnings),
        lines=lines,
    )


def _names(servers: Sequence[object]) -> str:
    return ", ".join(str(getattr(server, "name", "")) for server in servers)
