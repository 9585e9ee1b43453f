"""The registry of known servers and what is added of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from massgen.config import BackendConfig, load_config
from massgen.config.environment import Environment
from massgen.mcp_tools.server_registry import MCP_SERVER_REGISTRY, discover
from massgen.tools.external import ExternalTools, external_tools


@pytest.mark.spec("MCP-030")
def test_the_registry_holds_three_servers() -> None:
    assert set(MCP_SERVER_REGISTRY) == {"context7", "brave_search", "exa_search"}
    context7, brave = MCP_SERVER_REGISTRY["context7"], MCP_SERVER_REGISTRY["brave_search"]
    assert (context7.command, context7.args) == ("npx", ("-y", "@upstash/context7-mcp"))
    assert (context7.required_key, context7.optional_key) == ("", "CONTEXT7_API_KEY")
    assert brave.env == {"BRAVE_API_KEY": "${BRAVE_API_KEY}"}
    assert all(server.description for server in MCP_SERVER_REGISTRY.values())
    assert "file" in context7.usage_notes
    assert "one after the other" in brave.usage_notes


def effective(servers: list[object], **keys: str) -> ExternalTools:
    raw = {
        "agents": [
            {
                "id": "a",
                "backend": {
                    "type": "gemini",
                    "model": "gemini-2.5-flash",
                    "auto_discover_custom_tools": True,
                    "mcp_servers": servers,
                },
            }
        ]
    }
    environment = Environment(process={"GOOGLE_API_KEY": "k", **keys})
    config = load_config(raw, environment=environment).require()
    return external_tools(config.agents[0].backend, environment, workspace=None, bases=[Path.cwd()])


@pytest.mark.spec("MCP-031", "MCP-033", "BE-075")
@pytest.mark.parametrize(
    ("keys", "added", "lines"),
    [
        (
            {},
            ["context7"],
            (
                "[gemini] Auto-discovery enabled: Added MCP servers from registry: context7",
                "[gemini] Registry servers not added (missing API keys): "
                "brave_search (needs BRAVE_API_KEY), exa_search (needs EXA_API_KEY)",
            ),
        ),
        (
            {"BRAVE_API_KEY": "brave-key-1"},
            ["context7", "brave_search"],
            (
                "[gemini] Auto-discovery enabled: Added MCP servers from registry: context7, brave_search",
                "[gemini] Registry servers not added (missing API keys): exa_search (needs EXA_API_KEY)",
            ),
        ),
        (
            {"BRAVE_API_KEY": "brave-key-1", "EXA_API_KEY": "exa-key-12"},
            ["context7", "brave_search", "exa_search"],
            ("[gemini] Auto-discovery enabled: Added MCP servers from registry: context7, brave_search, exa_search",),
        ),
    ],
)
def test_servers_whose_key_is_there_are_added(keys: dict[str, str], added: list[str], lines: tuple[str, ...]) -> None:
    found = effective([], **keys)
    assert [server.name for server in found.servers] == added
    assert found.lines == lines
    for server in found.servers:
        if server.name == "brave_search":
            assert dict(server.env) == {"BRAVE_API_KEY": "brave-key-1"}


@pytest.mark.spec("MCP-032", "MCP-035")
def test_a_server_configured_by_hand_is_neither_changed_nor_added_again() -> None:
    mine = {"name": "context7", "type": "streamable-http", "url": "https://mcp.context7.com/mcp"}
    (server,) = effective([mine]).servers
    assert server.url == "https://mcp.context7.com/mcp"
    assert discover("gemini", ["context7"], lambda _: None).entries == ()


@pytest.mark.spec("MCP-034")
def test_the_notes_of_a_server_go_with_it() -> None:
    (server,) = effective([]).servers
    assert "5K-50K tokens" in server.usage_notes


@pytest.mark.spec("MCP-006", "TOOL-032", "BE-070")
@pytest.mark.parametrize(
    ("type_name", "servers", "functions"), [("zai", 1, 1), ("azure_openai", 1, 0), ("ag2", 0, 0), ("claude_code", 1, 1)]
)
def test_what_a_backend_cannot_use_is_left_out_with_a_warning(type_name: str, servers: int, functions: int) -> None:
    backend = BackendConfig.model_validate(
        {
            "type": type_name,
            "model": "m",
            "mcp_servers": [{"name": "s", "type": "stdio", "command": "x"}],
            "custom_tools": [{"function": "two_num_tool"}],
        }
    )
    found = external_tools(backend, Environment(process={}), workspace=None, bases=[])
    assert (len(found.servers), len(found.custom)) == (servers, functions)
    assert len(found.warnings) == (1 - servers) + (1 - functions)
