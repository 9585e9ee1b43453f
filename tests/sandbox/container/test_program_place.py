"""A server in a container of its own, beside the container of its agent."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from msgspec.structs import replace

from massgen.tools.mcp import McpServerSettings
from massgen.workspace.policy import AgentPathPolicy
from massgen.workspace.sandbox.container.container import AgentContainer
from massgen.workspace.sandbox.container.place import ready_engine
from massgen.workspace.sandbox.container.program_place import ContainerProgramPlace
from massgen.workspace.sandbox.container.sandbox import ContainerSandbox
from massgen.workspace.sandbox.protocol import Limits
from tests.mcp.scene import agent_with
from tests.needs import needs
from tests.sandbox.container.test_container import PATIENCE, Place, lists_nothing

pytestmark = needs("docker")
SECRET = "tok-of-the-server"
SERVER = r"""
answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id": *\([0-9]*\).*/\1/p')
  [ -n "$id" ] || continue
  case $line in
    *'"initialize"'*)
      answer '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}' ;;
    *'"tools/list"'*) answer '{"tools":[{"name":"look","inputSchema":{"type":"object"}}]}' ;;
    *'"tools/call"'*)
      seen="$(cat note.txt) $(id -u) $MY_TOKEN $(cat "$PEER/note.txt" 2>/dev/null || echo unseen) $PATH"
      answer "{\"content\":[{\"type\":\"text\",\"text\":\"$seen\"}]}" ;;
    *) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}\n' "$id" ;;
  esac
done
"""


def agent(place: Place) -> str:
    """An id that no other test has."""
    return f"agent-{place.settings.instance}"


def containers(place: Place) -> list[str]:
    """Containers of this test that exist."""
    form = ["--format", "{{.Names}}", "--filter", f"label=massgen.agent_id={agent(place)}-mcp-sh"]
    return subprocess.run(["docker", "ps", "--all", *form], capture_output=True, text=True, check=True).stdout.split()


async def look(place: Place, container: AgentContainer) -> tuple[str, bytes, list[str]]:
    """What the server sees, what the agent's commands see of it, and the containers while it runs."""

    def policy() -> AgentPathPolicy:
        return AgentPathPolicy(workspace=place.workspace, grants=place.grants())

    engine = await ready_engine("docker", place.warnings.append)

    async def same() -> object:
        return engine

    def make(server: McpServerSettings) -> ContainerProgramPlace:
        settings = replace(place.settings, agent_id=f"{agent(place)}-mcp-{server.name}")
        return ContainerProgramPlace(policy, settings, same, place.warnings.append)  # type: ignore[arg-type]

    entry = {
        "name": "sh",
        "command": "bash",
        "args": ["-c", SERVER],
        "env": {"MY_TOKEN": SECRET, "PEER": str(place.root / "peer"), "DOCKER_HOST": "tcp://nowhere"},
        "sandbox": True,
    }
    async with agent_with(entry, cwd=place.workspace, place=make) as scene:
        seen = (await scene.call("mcp__sh__look")).text
        assert scene.servers.reports()[0].sandbox == "docker"
        commands = ContainerSandbox(container, place.grants(), start_directory=place.workspace, limits=Limits())
        found = await commands.run("cat /proc/[0-9]*/environ", timeout=PATIENCE)
        await commands.close()
        running = containers(place)
    await container.remove()
    return seen, found.stdout, running


def test_it_sees_the_agents_mounts_its_own_variables_and_ends_with_the_run(tmp_path: Path) -> None:
    place = Place(tmp_path.resolve())
    seen, found, running = asyncio.run(look(place, place.container()))
    note, uid, token, peer, path = seen.split()
    # Its own token was there and was masked on its way to the model.
    assert (note, token, peer) == ("ws", "***", "unseen")
    assert uid != "0"
    assert "home" not in path
    assert SECRET.encode() not in found
    assert len(running) == 1
    assert lists_nothing("ps", "--all", "--quiet", "--filter", f"label=massgen.agent_id={agent(place)}-mcp-sh")
