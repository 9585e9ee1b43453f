"""Messages of a server on their way to the library: what the library cannot bear is mended or taken out.

The library checks results against the output schema that the server itself declares. With a regular expression in
it the server could stop the whole program; results are looked at by models, so that nothing needs the check.
It also refuses a whole list for one tool, and a whole result for one block, that does not keep to the protocol.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from massgen.tools.mcp.bounds import one_line

if TYPE_CHECKING:
    from mcp.client._transport import ReadStream, TransportStreams
    from mcp.shared.message import SessionMessage


@asynccontextmanager
async def sifted(
    transport: AbstractAsyncContextManager[TransportStreams], warn: Callable[[str], None]
) -> AsyncIterator[TransportStreams]:
    """`transport`, with tool lists and results that the library takes; `warn` hears of what is left out of a list."""
    async with transport as (reading, writing):
        yield _Sifted(reading, warn), writing


def misfit(error: Exception) -> str:
    """What does not keep to the protocol, in a few words, where the library says it at length ("" if not that)."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return ""
    first = error.errors(include_url=False, include_input=False)[0]
    return one_line(f"not as MCP has it: {'.'.join(map(str, first['loc']))}: {first['msg']}", 200)


class _Sifted:
    """Implements the library's `ReadStream`."""

    def __init__(self, inner: ReadStream[SessionMessage | Exception], warn: Callable[[str], None]) -> None:
        self._inner = inner
        self._warn = warn

    async def receive(self) -> SessionMessage | Exception:
        return _mended(await self._inner.receive(), self._warn)

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        return _mended(await self._inner.__anext__(), self._warn)

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> bool | None:
        return await self._inner.__aexit__(exc_type, exc_val, exc_tb)


def _mended(item: SessionMessage | Exception, warn: Callable[[str], None]) -> SessionMessage | Exception:
    result = None if isinstance(item, Exception) else getattr(item.message, "result", None)
    if isinstance(result, dict):
        if isinstance(result.get("tools"), list):
            result["tools"] = [tool for tool in result["tools"] if _usable(tool, warn)]
        if isinstance(result.get("content"), list):
            result["content"] = [_block(block) for block in result["content"]]
        elif "structuredContent" in result:
            result.setdefault("content", [])
    return item


def _usable(tool: Any, warn: Callable[[str], None]) -> bool:
    """Whether the library takes the tool, if need be without its input schema; changes it in place."""
    from mcp_types import Tool

    if not isinstance(tool, dict):
        warn("offers something that is no tool; left out.")
        return False
    tool.pop("outputSchema", None)
    named = f"the tool '{one_line(str(tool.get('name', '')), 80)}'"
    schema = tool.get("inputSchema")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        tool["inputSchema"] = {"type": "object"}
        warn(f"{named} has no input schema of type object; its arguments are not checked.")
    if not _fits(Tool, tool):
        warn(f"{named} is not described as MCP has it; left out.")
        return False
    return True


def _block(block: Any) -> Any:
    """A block of a result, or a line of text where it is none that the protocol knows."""
    import mcp_types

    kind = block.get("type") if isinstance(block, dict) else None
    known = {
        "text": mcp_types.TextContent,
        "image": mcp_types.ImageContent,
        "audio": mcp_types.AudioContent,
        "resource_link": mcp_types.ResourceLink,
        "resource": mcp_types.EmbeddedResource,
    }.get(str(kind))
    if known is not None and _fits(known, block):
        return block
    return {"type": "text", "text": f"[content of type {one_line(str(kind), 40)} left out: not as MCP has it]"}


def _fits(model: Any, value: Any) -> bool:
    from pydantic import ValidationError

    try:
        model.model_validate(value, by_name=False)
    except ValidationError:
        return False
    return True
