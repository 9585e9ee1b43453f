"""The tool by which an agent says that it has written its notes (MEM-079)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from massgen.backends.protocol import ToolSpec
from massgen.tools.protocol import ToolContext, ToolOutcome, ToolTraits

SERVER = "memory"
NAME = f"mcp__{SERVER}__compression_complete"


class CompressionComplete(Struct, frozen=True, kw_only=True):
    """Implements `Tool`. `wanted` says whether notes were asked for, `complete` looks whether they are there."""

    wanted: Callable[[], bool]
    complete: Callable[[], bool]

    @property
    def spec(self) -> ToolSpec:
        """The tool under its MCP name."""
        return ToolSpec(
            name=NAME,
            description="Say that memory/short_term/recent.md is written, when you were asked for it.",
            parameters={"type": "object", "properties": {}},
        )

    @property
    def traits(self) -> ToolTraits:
        """After the writes of the same response."""
        return ToolTraits(source="memory", server=SERVER, writes=False, parallel=False)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Accept the notes or say what is missing."""
        if not self.wanted():
            return ToolOutcome(text="Nothing is to be compressed now.", is_error=True)
        if await asyncio.to_thread(self.complete):
            return ToolOutcome(text="The notes are there; the conversation is cut before your next response.")
        missing = "memory/short_term/recent.md was not written. Write it, then call again."
        return ToolOutcome(text=missing, is_error=True)
