"""All MCP connections of a run: started concurrently, shared where configured, ended with the run.

async with McpConnections(warn=print) as connections:
    servers = connections.agent("a", parsed.servers)     # begins to connect
    tools = await servers.tools()                        # waits, and gives what is there
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from msgspec import Struct

from massgen.tools.filter import NameFilter, OfferedTool, fits_entry, select_tools
from massgen.tools.mcp.bounds import MAX_NAME, masked, name_part, one_line
from massgen.tools.mcp.link import LinkLimits, ServerLink, Status
from massgen.tools.mcp.place import HostPlace, ServerPlace
from massgen.tools.mcp.questions import Questions
from massgen.tools.mcp.settings import McpServerSettings
from massgen.tools.mcp.tool import McpTool, Refuse
from massgen.tools.media_files import Accepts
from massgen.workspace.sandbox.protocol import SandboxKind

Warn = Callable[[str], None]
PlaceOf = Callable[[McpServerSettings], ServerPlace]


class ServerReport(Struct, frozen=True, kw_only=True):
    """What became of one server of one agent (MCP-062); `removed` gives a reason for each filtered tool,
    `sandbox` says what confines a local server, `chosen` whether the configuration says so itself."""

    name: str
    address: str
    transport: str
    status: Status
    reason: str
    found: int
    offered: tuple[str, ...]
    removed: dict[str, str]
    sandbox: SandboxKind
    chosen: bool
    shared: bool

    def line(self) -> str:
        """One line for the log."""
        counts = f"{self.found} tools found, {len(self.removed)} filtered, {len(self.offered)} offered"
        return f"MCP server '{self.name}': {counts}" + (f" ({self.reason})" if self.status == "off" else "")


class McpConnections:
    """The links of a run. Enter and leave it in the same task; leaving ends every server process (MCP-005)."""

    def __init__(self, *, warn: Warn, questions: Questions | None = None, limits: LinkLimits | None = None) -> None:
        self._warn = warn
        self._questions = questions
        self._limits = limits or LinkLimits()
        self._group = asyncio.TaskGroup()
        self._links: list[ServerLink] = []
        self._owners: list[asyncio.Task[None]] = []
        self._shared: dict[McpServerSettings, ServerLink] = {}
        self._host = HostPlace()

    async def __aenter__(self) -> McpConnections:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        for owner in self._owners:
            owner.cancel()
        # A failure of the body is not the group's: it goes on its way unwrapped.
        try:
            await self._group.__aexit__(None, None, None)
        finally:
            await self._host.close()

    def agent(
        self,
        agent_id: str,
        servers: Sequence[McpServerSettings],
        *,
        cwd: Path | None = None,
        place: PlaceOf | None = None,
        refuse: Refuse | None = None,
        accepts_media: Accepts | None = None,
    ) -> AgentServers:
        """The servers of one agent. They begin to start at once; nothing waits.

        `cwd` is where its local servers run, `place` makes the sandbox of those that are to have one, `refuse` is
        asked before every call. Media that `accepts_media` refuses become files in the workspace.
        """
        links = [self._link(agent_id, server, cwd, place) for server in servers]
        pairs = list(zip(servers, links, strict=True))
        return AgentServers(pairs, warn=self._warn, refuse=refuse, accepts_media=accepts_media)

    def new_turn(self) -> None:
        """Servers that were given up are tried again."""
        for link in self._links:
            link.new_turn()

    def _link(self, agent_id: str, settings: McpServerSettings, cwd: Path | None, place: PlaceOf | None) -> ServerLink:
        # Filters, limits of use and notes are an agent's own; what remains tells whether two links are one.
        key = replace(settings, allowed_tools=None, exclude_tools=(), usage_notes="")
        if settings.shared and key in self._shared:
            return self._shared[key]
        if settings.sandboxed and place is None:
            raise ValueError(f"no place is given for MCP server '{settings.name}'")
        link = ServerLink(
            settings,
            warn=self._warn,
            limits=self._limits,
            place=place(settings) if settings.sandboxed and place is not None else self._host,
            cwd=cwd,
            questions=self._questions,
            agent_ids=() if settings.shared else (agent_id,),
        )
        if settings.shared:
            self._shared[key] = link
        self._links.append(link)
        self._owners.append(self._group.create_task(link.run(), name=f"mcp:{settings.name}"))
        return link


class AgentServers:
    """What one agent gets from its servers."""

    def __init__(
        self,
        pairs: list[tuple[McpServerSettings, ServerLink]],
        *,
        warn: Warn,
        refuse: Refuse | None,
        accepts_media: Accepts | None,
    ) -> None:
        self._pairs = pairs
        self._warn = warn
        self._refuse = refuse
        self._accepts_media = accepts_media
        self._offered: dict[str, tuple[str, ...]] = {}
        self._removed: dict[str, dict[str, str]] = {}
        self._warned: set[str] = set()

    async def tools(self) -> list[McpTool]:
        """The tools of all servers that are there, filtered per server, in the order of the configuration.

        Waits until each server has started or failed (bounded by the start limit). Later calls see tools that
        were added meanwhile; what a server took back stays and answers with an error, so that prompts keep.
        """
        for _, link in self._pairs:
            await link.settled()
        tools: list[McpTool] = []
        names: set[str] = set()
        for settings, link in self._pairs:
            full = {self._full_name(settings.name, key): key for key in link.listing.tools}
            own = NameFilter(allowed=settings.allowed_tools, excluded=settings.exclude_tools)
            chosen = select_tools(
                [OfferedTool(name=name, server=settings.name) for name in full], servers={settings.name: own}
            )
            self._offered[settings.name] = chosen.kept
            self._removed[settings.name] = {name: _why(name, own) for name in full if name not in chosen.kept}
            for warning in chosen.warnings if full else ():
                self._warn_once(warning)
            for name in chosen.kept:
                if name in names:
                    self._warn_once(f"Two MCP tools are named '{name}'; the one of '{settings.name}' is left out.")
                    continue
                names.add(name)
                tools.append(McpTool(name, full[name], link, refuse=self._refuse, accepts_media=self._accepts_media))
        return tools

    def renew(self) -> None:
        """What the agent may touch has changed: sandboxed servers start anew where that is another place."""
        for _, link in self._pairs:
            link.renew()

    def reports(self) -> tuple[ServerReport, ...]:
        """What became of each server; complete after `tools`."""
        return tuple(self._report(settings, link) for settings, link in self._pairs)

    def usage_notes(self) -> tuple[str, ...]:
        """Notes for the prompt about servers that are there (MCP-034)."""
        return tuple(s.usage_notes for s, link in self._pairs if s.usage_notes and link.listing.tools)

    def _report(self, settings: McpServerSettings, link: ServerLink) -> ServerReport:
        return ServerReport(
            name=settings.name,
            address=masked(one_line(settings.address, 300), settings.secrets),
            transport=settings.transport,
            status=link.status,
            reason=masked(link.reason, settings.secrets),
            found=len(link.listing.tools),
            offered=self._offered.get(settings.name, ()),
            removed=self._removed.get(settings.name, {}),
            sandbox=link.place.kind,
            chosen=settings.sandbox is not None,
            shared=settings.shared,
        )

    def _full_name(self, server: str, key: str) -> str:
        name = f"mcp__{name_part(server)}__{key}"
        if len(name) <= MAX_NAME:
            return name
        # Providers take 64 characters; a digest keeps shortened names apart.
        return f"{name[: MAX_NAME - 7]}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self._warn(text)


def _why(name: str, rules: NameFilter) -> str:
    entry = next((entry for entry in rules.excluded if fits_entry(entry, name)), None)
    return f"exclude_tools of the server ({entry})" if entry else "not in allowed_tools of the server"
