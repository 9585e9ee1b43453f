"""`massgen tools CONFIG`: what each agent will be able to do, without a model call."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from massgen.errors import ConfigError

if TYPE_CHECKING:
    from massgen.config import AgentConfig, BackendConfig, LoadedConfig
    from massgen.runs.server_places import ServerPlaces
    from massgen.tools.mcp import McpServerSettings, ServerReport
    from massgen.tools.mcp.place import ServerPlace
    from massgen.tools.protocol import Tool

BYTES_PER_TOKEN = 4


@dataclass(slots=True, kw_only=True)
class Inventory:
    """The tools of one agent: offered, left out (with the reason), the state of its servers, and notes."""

    agent_id: str
    backend_type: str
    workspace: Path
    offered: list[Tool] = field(default_factory=list)
    removed: dict[str, str] = field(default_factory=dict)
    servers: tuple[ServerReport, ...] = ()
    provider_tools: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@click.command("tools", short_help="Show what each agent of a configuration can do.")
@click.argument("config", required=False)
@click.option("--config", "named", metavar="PATH", help="The same as CONFIG.")
@click.option("--call", "call", nargs=2, metavar="NAME JSON", help="Call one tool with arguments as JSON.")
@click.option("--agent", "agent_id", help="Only this agent.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def tools_command(
    config: str | None, named: str | None, call: tuple[str, str] | None, agent_id: str | None, as_json: bool
) -> None:
    """Show the tools of each agent of CONFIG, where they come from, what is left out and why, and what they cost.

    MCP servers are started and custom tools loaded as in a run, in an empty directory; no model is called.
    """
    from massgen.config import load_config

    loaded = load_config(config or named)
    team = loaded.require()
    agents = [agent for agent in team.agents if agent_id in (None, agent.id)]
    if not agents:
        raise click.UsageError(
            f"There is no agent '{agent_id}'; there are {', '.join(each.id for each in team.agents)}."
        )
    failed = asyncio.run(_show(loaded, agents, call, as_json))
    if failed:
        raise SystemExit(2)


async def _show(loaded: LoadedConfig, agents: list[AgentConfig], call: tuple[str, str] | None, as_json: bool) -> bool:
    with tempfile.TemporaryDirectory(prefix="massgen-tools-") as scratch:
        async with _inventories(loaded, agents, Path(scratch).resolve()) as found:
            if call is not None:
                return await _call(found, *call)
            if as_json:
                click.echo(json.dumps([_as_json(each) for each in found], indent=2))
            else:
                click.echo("\n\n".join(_as_text(each) for each in found))
    return False


@asynccontextmanager
async def _inventories(
    loaded: LoadedConfig, agents: list[AgentConfig], scratch: Path
) -> AsyncIterator[list[Inventory]]:
    """The inventories of `agents`; servers and workers live as long as the context. All start at once."""
    from massgen.runs.server_places import ServerPlaces
    from massgen.tools.custom.tools import CustomToolOptions, CustomTools
    from massgen.tools.external import external_tools
    from massgen.tools.mcp import McpConnections

    bases = [Path.cwd(), *([loaded.path.parent] if loaded.path else [])]
    found: list[Inventory] = []
    async with AsyncExitStack() as stack:
        notes: list[str] = []
        places = stack.enter_context(ServerPlaces(warn=notes.append))
        connections = await stack.enter_async_context(McpConnections(warn=notes.append))
        begun = []
        for agent in agents:
            workspace = scratch / f"agent{len(begun) + 1}"
            workspace.mkdir()
            external = external_tools(agent.backend, loaded.environment, workspace=workspace, bases=bases)
            servers = connections.agent(
                agent.id, external.servers, cwd=workspace, place=_places(agent, places, workspace)
            )
            begun.append((agent, workspace, external, servers))
        for agent, workspace, external, servers in begun:
            inventory = Inventory(agent_id=agent.id, backend_type=agent.backend.type, workspace=workspace)
            if external.errors:
                raise ConfigError("\n".join(external.errors))
            inventory.notes += [*external.warnings, *external.lines]
            seconds = float(agent.backend.tool_timeout_seconds)
            custom = CustomTools(
                external.custom, warn=inventory.notes.append, options=CustomToolOptions(timeout_seconds=seconds)
            )
            await stack.enter_async_context(custom)
            before = len(notes)
            tools: list[Tool] = [*await servers.tools(), *custom.tools]
            inventory.servers = servers.reports()
            _fill(inventory, agent.backend, [*_own_tools(agent.backend), *tools])
            inventory.notes += notes[before:] if len(agents) > 1 else notes
            found.append(inventory)
        yield found


def _places(agent: AgentConfig, places: ServerPlaces, workspace: Path) -> Callable[[McpServerSettings], ServerPlace]:
    """The sandboxes of an agent's servers, as in a run whose only files are in `workspace`."""
    from massgen.workspace.grants import Grants
    from massgen.workspace.policy import AgentPathPolicy

    policy = AgentPathPolicy(workspace=workspace, grants=Grants(writable=(workspace,)), private=(workspace,))
    return lambda server: places.place(agent, server, lambda: policy, workspace.with_name(f"{workspace.name}-home"))


def _own_tools(backend: BackendConfig) -> list[Tool]:
    """MassGen's file and command tools, for their descriptions only."""
    tools: list[Tool] = []
    if backend.cwd is not None:
        from massgen.tools.files.toolset import file_tools
        from massgen.tools.files.tracker import FileOperationTracker

        tools += file_tools(
            _not_called, tracker=FileOperationTracker(), exclude_file_operations=backend.exclude_file_operation_mcps
        )
    if backend.enable_mcp_command_line:
        from massgen.tools.commands.offer import command_tools
        from massgen.tools.commands.settings import command_settings

        tools += command_tools(_NoPlace(), command_settings(backend))
    return tools


def _not_called() -> Any:
    raise click.ClickException("File and command tools cannot be tried here: there is no workspace outside of a run.")


class _NoPlace:
    """The place of commands outside of a run."""

    @property
    def policy(self) -> Any:
        return _not_called()

    async def sandbox(self) -> Any:
        return _not_called()


def _fill(inventory: Inventory, backend: BackendConfig, tools: list[Tool]) -> None:
    """Apply the filters of the backend, and say what they took away."""
    from massgen.tools.filter import NameFilter, OfferedTool, fits_entry, select_tools

    rules = NameFilter(
        allowed=backend.allowed_tools, excluded=(*backend.exclude_tools, *(backend.disallowed_tools or ()))
    )
    offered = [OfferedTool(name=tool.spec.name, server=tool.traits.server) for tool in tools]
    chosen = select_tools(offered, backend=rules)
    for report in inventory.servers:
        inventory.removed |= report.removed
    for tool in tools:
        name = tool.spec.name
        if name in chosen.kept:
            inventory.offered.append(tool)
            continue
        entry = next((entry for entry in rules.excluded if fits_entry(entry, name)), None)
        inventory.removed[name] = (
            f"excluded by the backend ({entry})" if entry else "not in allowed_tools of the backend"
        )
    inventory.notes += chosen.warnings
    for key in ("enable_web_search", "enable_code_execution", "enable_code_interpreter"):
        if getattr(backend, key):
            inventory.provider_tools.append(key.removeprefix("enable_"))


async def _call(found: list[Inventory], name: str, arguments: str) -> bool:
    """Call the tool `name` of the first agent that has it; whether it failed."""
    from massgen.tools.arguments import ArgumentReader
    from massgen.tools.catalog import ToolCatalog
    from massgen.tools.protocol import ToolContext

    for number, inventory in enumerate(found, start=1):
        tool = ToolCatalog(inventory.offered).find(name)
        if tool is None:
            continue
        context = ToolContext(
            agent_id=inventory.agent_id,
            agent_number=number,
            round=0,
            phase="coordination",
            call_id="try",
            workspace=inventory.workspace,
            progress=lambda line: click.echo(f"... {line}", err=True),
        )
        outcome = await tool.call(ArgumentReader().read(tool.spec, arguments), context)
        click.echo(outcome.text)
        for media in outcome.media:
            click.echo(f"[{media.media_type}, {len(media.data)} bytes]")
        return outcome.is_error
    for inventory in found:
        if name in inventory.removed:
            raise click.ClickException(f"{name} is left out for {inventory.agent_id}: {inventory.removed[name]}.")
    near = ToolCatalog([tool for each in found for tool in each.offered]).near(name)
    raise click.ClickException(f"No agent has a tool '{name}'." + (f" Did you mean {near[0]}?" if near else ""))


def token_cost(tool: Tool) -> int:
    """Roughly how many tokens a tool adds to every prompt."""
    spec = tool.spec
    shown = {"name": spec.name, "description": spec.description, "parameters": spec.parameters}
    return -(-len(json.dumps(shown, ensure_ascii=False, default=dict).encode()) // BYTES_PER_TOKEN)


def _as_text(inventory: Inventory) -> str:
    total = sum(map(token_cost, inventory.offered))
    lines = [
        f"{inventory.agent_id} ({inventory.backend_type}): {len(inventory.offered)} tools, ~{total} tokens a prompt"
    ]
    width = max((len(tool.spec.name) for tool in inventory.offered), default=0)
    for tool in sorted(inventory.offered, key=lambda each: each.traits.source):
        effect = "writes" if tool.traits.writes else "reads"
        lines.append(f"  {tool.spec.name:<{width}}  {_source(tool):<20} {effect:<6}  ~{token_cost(tool)} tokens")
    for name in inventory.provider_tools:
        lines.append(f"  {name:<{width}}  of the provider")
    if inventory.removed:
        lines.append("  left out:")
        lines += [f"    {name}: {reason}" for name, reason in inventory.removed.items()]
    if inventory.servers:
        lines.append("  servers:")
        lines += [f"    {report.line()}; {report.transport}, {_place(report)}" for report in inventory.servers]
    lines += [f"  note: {note}" for note in inventory.notes]
    return "\n".join(lines)


def _as_json(inventory: Inventory) -> dict[str, Any]:
    return {
        "agent": inventory.agent_id,
        "backend": inventory.backend_type,
        "tools": [
            {
                "name": tool.spec.name,
                "source": tool.traits.source,
                "server": tool.traits.server,
                "writes": tool.traits.writes,
                "tokens": token_cost(tool),
            }
            for tool in inventory.offered
        ],
        "provider_tools": inventory.provider_tools,
        "left_out": inventory.removed,
        "servers": [
            {"name": each.name, "status": each.status, "reason": each.reason, "place": _place(each)}
            for each in inventory.servers
        ],
        "notes": inventory.notes,
    }


def _source(tool: Tool) -> str:
    traits = tool.traits
    return f"{traits.source}: {traits.server}" if traits.server else traits.source


def _place(report: ServerReport) -> str:
    """Where a server runs, and whether the configuration says so itself."""
    if report.transport != "stdio":
        return "remote"
    place = "outside of the sandbox" if report.sandbox == "none" else f"in the agent's sandbox ({report.sandbox})"
    if not report.chosen:
        place += " (default)"
    return f"{place}, shared by agents" if report.shared else place
