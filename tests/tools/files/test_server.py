from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MODULES = ["massgen.tools.files.server", "massgen.filesystem_manager._workspace_tools_server"]


async def session(module: str, workspace: Path, *more: str) -> dict[str, Any]:
    from mcp import Client, StdioServerParameters

    server = StdioServerParameters(command=sys.executable, args=["-m", module, "--workspace", str(workspace), *more])
    async with Client(server) as client:
        tools = await client.list_tools()
        refused = await client.call_tool("delete_file", {"path": "../secret"})
        copied = await client.call_tool("copy_file", {"source_path": "a.txt", "destination_path": "b.txt"})
        garbage = await client.call_tool("copy_file", {"source_path": 5})
    return {
        "names": {tool.name for tool in tools.tools},
        "refused": refused,
        "copied": copied,
        "garbage": garbage,
    }


@pytest.mark.spec("WS-116")
@pytest.mark.parametrize("module", MODULES)
def test_the_workspace_tools_are_a_stdio_server_of_their_own(module: str, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    workspace.mkdir()
    (tmp_path / "secret").write_text("x")
    (workspace / "a.txt").write_text("hello")
    seen = asyncio.run(session(module, workspace))
    assert seen["names"] == {
        "copy_file",
        "copy_files_batch",
        "delete_file",
        "delete_files_batch",
        "compare_directories",
        "compare_files",
    }
    assert seen["refused"].is_error
    assert (tmp_path / "secret").exists()
    assert not seen["copied"].is_error
    assert (workspace / "b.txt").read_text() == "hello"
    assert seen["garbage"].is_error


def test_a_workspace_that_does_not_exist_is_a_clear_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", MODULES[0], "--workspace", str(tmp_path / "none")]
    ended = subprocess.run(command, capture_output=True, timeout=250, check=False)
    assert ended.returncode == 1
    assert b"is not a directory" in ended.stderr
