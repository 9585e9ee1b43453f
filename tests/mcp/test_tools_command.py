"""`massgen tools CONFIG`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from massgen.cli.tools import tools_command
from tests.mcp.scene import raw
from tests.needs import needs

SAMPLE = str(Path(__file__).parents[1] / "custom_tools" / "sample.py")


def team(directory: Path, **more: object) -> str:
    """A configuration with one agent that has servers and functions, and one without."""
    backend = {
        "type": "openai",
        "model": "gpt-5-nano",
        "cwd": "workspace",
        "enable_web_search": True,
        "mcp_servers": [raw("plain", exclude_tools=["hang"]), {"name": "gone", "command": "no-such-program"}],
        "custom_tools": [{"path": SAMPLE, "function": ["calculator", "chart"]}],
        "exclude_tools": ["mcp__raw__storm", "custom_tool__chart", "delete_file"],
        **more,
    }
    agents = [
        {"id": "busy", "backend": backend},
        {"id": "idle", "backend": {"type": "gemini", "model": "gemini-2.5-flash"}},
    ]
    path = directory / "team.yaml"
    path.write_text(yaml.safe_dump({"agents": agents, "orchestrator": {}}))
    return str(path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(tools_command, arguments)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("GOOGLE_API_KEY", "g-1")


@pytest.mark.usefixtures("keys")
@pytest.mark.spec("TOOL-030", "TOOL-020", "TOOL-084", "MCP-040", "MCP-062")
def test_it_shows_each_agents_tools_their_source_cost_and_what_is_left_out(tmp_path: Path) -> None:
    shown = run(team(tmp_path))
    assert shown.exit_code == 0
    busy, idle = shown.output.split("\nidle (gemini)")
    assert "0 tools" in idle
    lines = {line.split()[0]: line for line in busy.splitlines() if line.startswith("  ")}
    assert "mcp: raw" in lines["mcp__raw__hello"]
    assert "tokens" in lines["mcp__raw__hello"]
    assert "custom" in lines["custom_tool__calculator"]
    assert "file: filesystem" in lines["mcp__filesystem__read_file"]
    assert "of the provider" in lines["web_search"]
    assert "excluded by the backend" in lines["custom_tool__chart:"]
    assert "excluded by the backend" in lines["mcp__raw__storm:"]
    assert "exclude_tools of the server" in lines["mcp__raw__hang:"]
    assert "9 tools found, 1 filtered, 8 offered; stdio, outside of the sandbox (default)" in busy
    assert "no-such-program" in busy


@pytest.mark.usefixtures("keys")
def test_it_prints_json(tmp_path: Path) -> None:
    shown = json.loads(run(team(tmp_path), "--json", "--agent", "busy").output)
    (agent,) = shown
    hello = next(tool for tool in agent["tools"] if tool["name"] == "mcp__raw__hello")
    assert hello["writes"] is False
    assert hello["tokens"] > 0
    assert agent["left_out"]["custom_tool__chart"]


@needs("bwrap")
@pytest.mark.usefixtures("keys")
def test_it_says_of_each_server_where_it_runs_and_whether_that_was_chosen(tmp_path: Path) -> None:
    servers = [
        raw("plain", name="inside", sandbox=True),
        raw("plain", name="shared", stateless=True),
        raw("plain", name="chosen", sandbox=False),
        {"name": "far", "url": "http://127.0.0.1:9/mcp"},
    ]
    config = team(tmp_path, mcp_servers=servers, custom_tools=[])
    (agent,) = json.loads(run(config, "--json", "--agent", "busy").output)
    places = {server["name"]: server["place"] for server in agent["servers"]}
    assert places.pop("inside").startswith("in the agent's sandbox (bubblewrap")
    assert places == {
        "shared": "outside of the sandbox (default), shared by agents",
        "chosen": "outside of the sandbox",
        "far": "remote",
    }
    tried = run(config, "--call", "mcp__inside__hello", "{}")
    assert (tried.output.strip(), tried.exit_code) == ("hello", 0)


@pytest.mark.usefixtures("keys")
def test_it_tries_a_tool(tmp_path: Path) -> None:
    config = team(tmp_path)
    assert run(config, "--call", "hello", "{}").output.strip() == "hello"
    tried = run(config, "--call", "calculator", '{"operation": "add", "x": 1, "y": 2}')
    assert (tried.output.strip(), tried.exit_code) == ("add(1, 2) = 3", 0)
    assert "excluded" in run(config, "--call", "custom_tool__chart", "{}").output
    assert "Did you mean custom_tool__calculator?" in run(config, "--call", "calculater", "{}").output


@pytest.mark.usefixtures("keys")
@pytest.mark.spec("TOOL-034")
def test_a_tool_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    shown = run(team(tmp_path, custom_tools=[{"path": "no/such.py", "function": "f"}]))
    assert shown.exit_code == 1
    assert "no/such.py" in str(shown.exception)
