"""Every MCP and custom-tool example that stands in the documents validates, and gives what it names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from massgen.config import load_config
from massgen.config.environment import Environment
from massgen.tools.external import external_tools

PAGES: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "documented.yaml").read_text())
KEYS = Environment(
    process=dict.fromkeys(
        (
            *("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY", "API_KEY", "ENV_VAR"),
            *("BRAVE_API_KEY", "EXA_API_KEY", "DISCORD_BOT_TOKEN", "DISCORD_TOKEN", "LOGFIRE_READ_TOKEN"),
            *("TWITTER_USERNAME", "TWITTER_PASSWORD"),
        ),
        "a-value-1",
    )
)


def examples() -> Iterator[Any]:
    for page, found in PAGES.items():
        if not page.startswith("x-"):
            for number, values in enumerate(found, 1):
                whole = values if "agents" in values else {"agents": [{"id": "a", "backend": values}]}
                yield pytest.param(whole, id=f"{page}-{number}")


@pytest.mark.spec("MCP-001", "MCP-011", "MCP-035", "TOOL-020")
@pytest.mark.parametrize("values", list(examples()))
def test_an_example_of_the_documents_is_valid_and_gives_its_servers_and_functions(
    values: dict[str, Any], tmp_path: Path
) -> None:
    for agent in values["agents"]:
        for entry in agent["backend"].get("custom_tools", ()):
            if "path" in entry and not entry["path"].startswith("massgen/"):
                file = tmp_path / entry["path"]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
    config = load_config(values, launch=tmp_path, environment=KEYS).require()
    for agent, given in zip(config.agents, values["agents"], strict=True):
        found = external_tools(agent.backend, KEYS, workspace=tmp_path, bases=[tmp_path])
        assert found.errors == ()
        servers = given["backend"].get("mcp_servers", ())
        wanted = {entry.get("name") for entry in servers} if isinstance(servers, list) else set(servers)
        assert wanted - {None} <= {server.name for server in found.servers}
        assert len(found.servers) >= len(servers)
        assert len(found.custom) == len(given["backend"].get("custom_tools", ()))
        assert "${" not in str([(server.args, server.env, server.url) for server in found.servers])
