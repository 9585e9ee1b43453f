"""Reading `mcp_servers`: both forms, derived names, variables, errors."""

from __future__ import annotations

import pytest

from massgen.tools.mcp import ParsedServers, parse_servers


def parse(raw: object, **environ: str) -> ParsedServers:
    return parse_servers(raw, environ=environ, cwd="/place/a")


@pytest.mark.spec("MCP-001")
def test_list_and_mapping_mean_the_same() -> None:
    entry = {"type": "stdio", "command": "npx", "args": ["@playwright/mcp@latest"], "env": {"A": "b"}}
    listed = parse([{"name": "playwright", **entry}])
    mapped = parse({"playwright": entry})
    assert listed == mapped
    assert listed.servers[0].args == ("@playwright/mcp@latest",)
    assert listed.servers[0].transport == "stdio"


@pytest.mark.spec("MCP-001")
def test_the_type_follows_from_command_or_url() -> None:
    servers = parse([{"name": "a", "command": "x"}, {"name": "b", "url": "https://b.example/mcp"}]).servers
    assert [server.transport for server in servers] == ["stdio", "streamable-http"]


@pytest.mark.spec("IOP-020")
@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({"command": "npx", "args": ["-y", "@modelcontextprotocol/server-weather"]}, "weather"),
        ({"command": "npx", "args": ["-y", "@brave/brave-search-mcp-server@1.2"]}, "brave_search"),
        ({"command": "uvx", "args": ["mcp-server-fetch"]}, "fetch"),
        ({"command": "/usr/bin/python3", "args": ["tools/my_server.py"]}, "my_server"),
        ({"command": "my-tool"}, "my_tool"),
        ({"url": "https://mcp.exa.ai/mcp"}, "mcp_exa_ai"),
    ],
)
def test_a_server_without_a_name_gets_one_and_a_hint(entry: dict[str, object], name: str) -> None:
    parsed = parse([entry, entry])
    assert [server.name for server in parsed.servers] == [name, f"{name}_2"]
    assert len(parsed.hints) == 2
    assert not parsed.errors


@pytest.mark.spec("MCP-009")
def test_two_servers_of_one_name_are_an_error() -> None:
    parsed = parse([{"name": "a", "command": "x"}, {"name": "a", "command": "y"}])
    assert parsed.errors == ("Two MCP servers are named 'a'.",)


@pytest.mark.spec("MCP-012")
def test_a_framework_servers_name_is_taken_with_a_warning() -> None:
    parsed = parse([{"name": "filesystem", "command": "x"}])
    assert parsed.servers
    assert "framework server" in parsed.warnings[0]


@pytest.mark.spec("MCP-020", "MCP-021", "MCP-022")
def test_variables_are_replaced_in_every_value() -> None:
    raw = [
        {
            "name": "a",
            "command": "x",
            "args": ["--key=${KEY}", "${cwd}/data", "${other}"],
            "env": {"K": "${KEY}", "N": 3, "B": True},
        }
    ]
    (server,) = parse(raw, KEY="secret-1").servers
    assert server.args == ("--key=secret-1", "/place/a/data", "${other}")
    assert dict(server.env) == {"K": "secret-1", "N": "3", "B": "true"}
    assert "secret-1" in server.secrets
    assert "secret-1" not in repr(server)


@pytest.mark.spec("MCP-023")
def test_a_variable_that_is_not_set_leaves_the_server_out_and_is_named() -> None:
    parsed = parse([{"name": "a", "command": "x", "env": {"K": "${MISSING}"}}, {"name": "b", "command": "y"}])
    assert [server.name for server in parsed.servers] == ["b"]
    assert parsed.warnings == ("MCP server 'a' is left out: ${MISSING} is not set.",)


@pytest.mark.spec("MCP-065")
def test_secrets_are_known_also_where_variables_were_replaced_before() -> None:
    (server,) = parse([{"name": "a", "command": "x", "args": ["--key=abcdefgh"]}], MY_API_KEY="abcdefgh").servers
    assert server.secrets == ("abcdefgh",)


@pytest.mark.spec("MCP-065")
def test_what_looks_secret_in_env_is_one_whatever_its_name() -> None:
    env = {"DATABASE_URL": "postgres://me:pass@host/db", "PROXY": "http://me:pass@proxy", "MODE": "fast", "AT": "/x/y"}
    (server,) = parse([{"name": "a", "command": "x", "env": env | {"SITE": "https://example.org"}}]).servers
    assert set(server.secrets) == {"postgres://me:pass@host/db", "http://me:pass@proxy"}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "a"}, "needs 'command'"),
        ({"name": "a", "type": "stdio", "url": "https://x"}, "needs 'command'"),
        ({"name": "a", "type": "sse", "command": "x"}, "needs 'url'"),
        ({"name": "a", "type": "carrier-pigeon", "command": "x"}, "unknown type"),
        ({"name": "a", "command": "x", "args": "y"}, "'args' must be a list"),
        ({"name": "a", "command": "x", "timeout_seconds": -1}, "positive"),
        ({"name": "a", "command": "x", "security": {"level": "none"}}, "security.level"),
        ({"name": "a", "command": "x", "sandbox": "bubblewrap"}, "'sandbox' must be true or false"),
        ("just a text", "must be a mapping"),
    ],
)
def test_entries_that_cannot_work_are_errors(entry: object, words: str) -> None:
    parsed = parse([entry])
    assert not parsed.servers
    assert words in parsed.errors[0]


def test_a_sandbox_is_for_local_servers_and_for_one_agent() -> None:
    parsed = parse(
        [
            {"name": "local", "command": "x", "sandbox": True, "stateless": True},
            {"name": "far", "url": "https://x", "sandbox": True},
            {"name": "plain", "command": "x"},
        ]
    )
    local, far, plain = parsed.servers
    assert (local.sandboxed, far.sandboxed, plain.sandboxed) == (True, False, False)
    assert not local.shared
    assert ["'stateless' means nothing" in parsed.hints[0], "'sandbox' means nothing" in parsed.hints[1]] == [True] * 2


@pytest.mark.spec("MCP-011")
def test_the_third_party_blocks_of_the_documents_are_valid() -> None:
    raw = [
        {"name": "weather", "type": "stdio", "command": "npx", "args": ["-y", "@modelcontextprotocol/server-weather"]},
        {
            "name": "brave_search",
            "type": "stdio",
            "command": "npx",
            "args": ["-y", "@brave/brave-search-mcp-server"],
            "env": {"BRAVE_API_KEY": "${BRAVE_API_KEY}"},
        },
        {
            "name": "discord",
            "type": "stdio",
            "command": "npx",
            "args": ["-y", "mcp-discord"],
            "env": {"DISCORD_TOKEN": "${DISCORD_TOKEN}"},
            "security": {"level": "high"},
        },
        {
            "name": "twitter",
            "type": "stdio",
            "command": "npx",
            "args": ["-y", "mcp-server-twitter-unofficial"],
            "env": {"TWITTER_USERNAME": "${TWITTER_USERNAME}", "TWITTER_PASSWORD": "${TWITTER_PASSWORD}"},
        },
    ]
    keys = dict.fromkeys(("BRAVE_API_KEY", "DISCORD_TOKEN", "TWITTER_USERNAME", "TWITTER_PASSWORD"), "value-1")
    parsed = parse(raw, **keys)
    assert len(parsed.servers) == 4
    assert not parsed.errors
