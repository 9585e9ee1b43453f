"""The official reference servers, installed from their registry."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from massgen.tools.mcp import LinkLimits
from tests.mcp.scene import agent_with
from tests.needs import needs

PACKAGES = ("@modelcontextprotocol/server-filesystem@2026.8.31", "@modelcontextprotocol/server-everything@2026.8.31")
PATIENT = LinkLimits(connect=60.0)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the servers' packages."""
    directory = tmp_path_factory.mktemp("npm")
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(directory), *PACKAGES]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    return directory / "node_modules" / "@modelcontextprotocol"


@needs("node", "npm")
@pytest.mark.timeout(300)
@pytest.mark.spec("MCP-002")
def test_the_filesystem_server_reads_writes_and_keeps_to_its_directory(packages: Path, tmp_path: Path) -> None:
    entry = {
        "name": "files",
        "command": "node",
        "args": [str(packages / "server-filesystem/dist/index.js"), "${cwd}"],
        "exclude_tools": ["move_file"],
    }

    async def run() -> None:
        async with agent_with(entry, cwd=tmp_path, limits=PATIENT) as scene:
            tools = await scene.tools()
            assert "mcp__files__move_file" not in tools
            assert tools["mcp__files__write_file"].traits.writes
            assert not tools["mcp__files__read_text_file"].traits.writes
            path = str(tmp_path / "note.txt")
            await scene.call("mcp__files__write_file", {"path": path, "content": "a note"})
            assert (tmp_path / "note.txt").read_text() == "a note"
            assert (await scene.call("mcp__files__read_text_file", {"path": path})).text == "a note"
            assert (await scene.call("mcp__files__read_text_file", {"path": "/etc/hostname"})).is_error

    asyncio.run(run())


@needs("node", "npm")
@pytest.mark.timeout(300)
@pytest.mark.spec("MCP-002", "MCP-007")
def test_the_server_with_everything_gives_text_and_images(packages: Path) -> None:
    entry = {"name": "all", "command": "node", "args": [str(packages / "server-everything/dist/index.js"), "stdio"]}

    async def run() -> None:
        async with agent_with(entry, limits=PATIENT) as scene:
            tools = await scene.tools()
            assert (await scene.call("mcp__all__echo", {"message": "hi"})).text == "Echo: hi"
            image = next(name for name in tools if "image" in name)
            assert (await scene.call(image)).media[0].media_type == "image/png"

    asyncio.run(run())
