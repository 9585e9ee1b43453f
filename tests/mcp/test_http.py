"""Servers over HTTP on loopback: both transports, a server that goes away, addresses that are refused."""

from __future__ import annotations

import asyncio

import pytest

from massgen.tools.mcp import LinkLimits, McpSecurity, McpServerSettings
from massgen.tools.mcp.address import ServerRefused, check_launcher, check_url, checked_address
from tests.mcp.scene import agent_with, listening, until


@pytest.mark.spec("MCP-003")
@pytest.mark.parametrize(("kind", "transport"), [("http", None), ("sse", "sse")])
def test_a_server_is_reached_at_its_url(kind: str, transport: str | None) -> None:
    async def run() -> None:
        async with listening(kind) as (url, _):
            entry = {"name": "web", "url": url, **({"type": transport} if transport else {})}
            async with agent_with(entry) as scene:
                assert (await scene.call("mcp__web__echo", {"text": "hi"})).text == "hi"
                (report,) = scene.servers.reports()
                assert report.transport == (transport or "streamable-http")

    asyncio.run(run())


@pytest.mark.spec("MCP-063")
@pytest.mark.parametrize(("kind", "transport"), [("http", "streamable-http"), ("sse", "sse")])
def test_a_server_that_goes_away_ends_its_calls_and_is_given_up(kind: str, transport: str) -> None:
    async def run() -> None:
        async with listening(kind) as (url, process):
            limits = LinkLimits(connect=120.0, delays=(0.01,))
            async with agent_with({"name": "web", "url": url, "type": transport}, limits=limits) as scene:
                await scene.servers.tools()
                process.kill()
                await process.wait()

                async def refused() -> bool:
                    return "rest of this turn" in (await scene.call("mcp__web__send_message", {"text": "x"})).text

                await until(refused)
                assert scene.servers.reports()[0].status == "off"

    asyncio.run(run())


def test_a_port_that_nobody_listens_on_leaves_the_server_out() -> None:
    async def run() -> None:
        async with agent_with({"name": "web", "url": "http://127.0.0.1:9/mcp"}) as scene:
            assert await scene.servers.tools() == []
            await scene.warned("'web' (http://127.0.0.1:9/mcp) could not be started")

    asyncio.run(run())


def server(url: str = "", **security: object) -> McpServerSettings:
    """Settings of a server at `url`."""
    return McpServerSettings(
        name="s",
        transport="streamable-http",
        url=url,
        security=McpSecurity(**security),  # type: ignore[arg-type]
    )


@pytest.mark.spec("MCP-060")
@pytest.mark.parametrize(
    ("url", "security"),
    [
        ("http://example.com/mcp", {}),
        ("https://10.0.0.7/mcp", {}),
        ("https://192.168.1.1/mcp", {}),
        ("https://169.254.169.254/latest", {}),
        ("https://[fe80::1]/mcp", {}),
        ("https://[::ffff:10.0.0.1]/mcp", {}),
        ("https://[64:ff9b::a00:1]/mcp", {}),
        ("https://[2002:a00:1::]/mcp", {}),
        ("https://0.0.0.0/mcp", {}),
        ("http://localhost:8080/mcp", {"allow_localhost": False}),
        ("https://127.0.0.1/mcp", {"allow_localhost": False}),
        ("ftp://example.com/mcp", {}),
        ("file:///etc/passwd", {"level": "permissive"}),
    ],
)
def test_addresses_that_are_refused(url: str, security: dict[str, object]) -> None:
    with pytest.raises(ServerRefused):
        check_url(server(url, **security))


@pytest.mark.spec("MCP-060", "MCP-035")
@pytest.mark.parametrize(
    ("url", "security"),
    [
        ("https://mcp.exa.ai/mcp", {}),
        ("http://localhost:8080/mcp/sse", {}),
        ("http://127.0.0.1:1/mcp", {}),
        ("https://10.0.0.7/mcp", {"allow_private_ips": True}),
        ("http://10.0.0.7/mcp", {"level": "permissive"}),
        ("http://example.com/mcp", {"level": "permissive"}),
    ],
)
def test_addresses_that_are_allowed(url: str, security: dict[str, object]) -> None:
    check_url(server(url, **security))


@pytest.mark.spec("MCP-060")
def test_a_name_that_leads_to_a_refused_address_is_refused() -> None:
    async def run() -> None:
        assert await checked_address(server(), "localhost") in ("127.0.0.1", "::1")
        with pytest.raises(ServerRefused):
            await checked_address(server(allow_localhost=False), "localhost")

    asyncio.run(run())


@pytest.mark.spec("MCP-060")
@pytest.mark.parametrize("command", ["sh;ls", "$(ls)", "a|b", "`ls`", "no-such-program", ""])
def test_launchers_that_are_refused(command: str) -> None:
    with pytest.raises(ServerRefused):
        check_launcher(McpServerSettings(name="s", transport="stdio", command=command))
