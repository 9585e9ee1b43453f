"""MCP servers that are known to work and can be added without configuring them (MCP-030 to MCP-034).

`backend.auto_discover_custom_tools: true` adds those whose key is there. A new server is an entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryServer:
    """One server: how it is started, which key it needs or can use, and what an agent should know about it."""

    name: str
    command: str
    args: tuple[str, ...]
    description: str
    required_key: str = ""
    optional_key: str = ""
    tools: tuple[str, ...] = ()
    usage_notes: str = ""
    env: Mapping[str, str] = field(default_factory=dict)

    def entry(self) -> dict[str, Any]:
        """The server as an entry of `mcp_servers`."""
        entry: dict[str, Any] = {
            "name": self.name,
            "type": "stdio",
            "command": self.command,
            "args": list(self.args),
            "usage_notes": self.usage_notes,
        }
        if self.env:
            entry["env"] = dict(self.env)
        return entry


MCP_SERVER_REGISTRY: Mapping[str, RegistryServer] = MappingProxyType(
    {
        "context7": RegistryServer(
            name="context7",
            command="npx",
            args=("-y", "@upstash/context7-mcp"),
            description="Current, version-specific documentation of libraries and frameworks",
            optional_key="CONTEXT7_API_KEY",
            tools=("resolve_context7_library_id", "get_library_docs"),
            usage_notes=(
                "context7 results can hold 5K-50K tokens: write them to a file first, then read what you need. "
                "Narrow them with `topic` and `tokens`."
            ),
        ),
        "brave_search": RegistryServer(
            name="brave_search",
            command="npx",
            args=("-y", "@brave/brave-search-mcp-server"),
            description="Web search by Brave; 2000 free queries a month",
            required_key="BRAVE_API_KEY",
            tools=("brave_web_search",),
            usage_notes=(
                "brave_search is limited: search one after the other, repeat no search, combine questions into one."
            ),
            env={"BRAVE_API_KEY": "${BRAVE_API_KEY}"},
        ),
        "exa_search": RegistryServer(
            name="exa_search",
            command="npx",
            args=("-y", "exa-mcp-server"),
            description="Web search and page contents by Exa",
            required_key="EXA_API_KEY",
            tools=("web_search_exa", "web_fetch_exa", "web_search_advanced_exa"),
            env={"EXA_API_KEY": "${EXA_API_KEY}"},
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Registry servers to add, and the lines that the log gets about it (MCP-033)."""

    entries: tuple[dict[str, Any], ...] = ()
    lines: tuple[str, ...] = ()


def discover(backend_type: str, configured: Collection[str], lookup: Callable[[str], str | None]) -> Discovery:
    """The servers of the registry that can be used now and are not `configured` by hand (MCP-031, MCP-032).

    `lookup` gives the value of a variable, or None.
    """
    added: list[RegistryServer] = []
    missing: list[RegistryServer] = []
    for server in MCP_SERVER_REGISTRY.values():
        if server.name in configured:
            continue
        if server.required_key and not lookup(server.required_key):
            missing.append(server)
        else:
            added.append(server)
    lines: list[str] = []
    if added:
        names = ", ".join(server.name for server in added)
        lines.append(f"[{backend_type}] Auto-discovery enabled: Added MCP servers from registry: {names}")
    if missing:
        names = ", ".join(f"{server.name} (needs {server.required_key})" for server in missing)
        lines.append(f"[{backend_type}] Registry servers not added (missing API keys): {names}")
    entries = []
    for server in added:
        entry = server.entry()
        if server.optional_key and lookup(server.optional_key):
            entry["env"] = {**entry.get("env", {}), server.optional_key: f"${{{server.optional_key}}}"}
        entries.append(entry)
    return Discovery(entries=tuple(entries), lines=tuple(lines))
