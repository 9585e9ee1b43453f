"""One tool of an MCP server, as agents and the runner see it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from massgen.backends.protocol import ToolSpec
from massgen.tools.mcp.bounds import masked
from massgen.tools.mcp.link import ServerLink, ServerUnavailable
from massgen.tools.mcp.results import outcome
from massgen.tools.media_files import Accepts, with_media_as_files
from massgen.tools.protocol import ToolContext, ToolOutcome, ToolTraits

PROGRESS_INTERVAL = 0.1
Refuse = Callable[[str, ToolContext], str | None]


class McpTool:
    """`mcp__<server>__<tool>` (MCP-002). `refuse` may name a reason why the tool is blocked now (MCP-051)."""

    def __init__(
        self,
        name: str,
        key: str,
        link: ServerLink,
        *,
        refuse: Refuse | None = None,
        accepts_media: Accepts | None = None,
    ) -> None:
        offered = link.listing.tools[key]
        self._key = key
        self._offered = offered
        self._link = link
        self._refuse = refuse
        self._accepts_media = accepts_media
        self.spec = ToolSpec(name=name, description=offered.description, parameters=offered.parameters)
        # The limit of a call is the link's: it stands still while a person is asked.
        self.traits = ToolTraits(
            source="mcp",
            server=link.settings.name,
            writes=not offered.reads,
            timeout_seconds=math.inf,
        )

    @property
    def marked_read_only(self) -> bool:
        """Whether the server itself says that the tool changes nothing."""
        return self._offered.marked_read_only

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        reason = self._refuse(self.spec.name, context) if self._refuse else None
        if reason:
            return ToolOutcome(text=reason, is_error=True)
        if self._key in self._link.listing.gone:
            return ToolOutcome(text=f"The server no longer offers {self.spec.name}.", is_error=True)
        secrets = self._link.settings.secrets
        try:
            result = await self._link.call(self._offered, arguments, _thinned(context.progress))
        except ServerUnavailable as error:
            return ToolOutcome(text=masked(error.message, secrets), is_error=True)
        found = outcome(result)
        shown = replace(found, text=masked(found.text, secrets), whole=masked(found.whole, secrets))
        return await with_media_as_files(shown, context.workspace, self._accepts_media)


def _thinned(progress: Callable[[str], None]) -> Callable[[str], None]:
    """At most one line per interval: a server may report as fast as it can."""
    loop = asyncio.get_running_loop()
    last = -math.inf

    def show(line: str) -> None:
        nonlocal last
        now = loop.time()
        if now - last >= PROGRESS_INTERVAL:
            last = now
            progress(line)

    return show
