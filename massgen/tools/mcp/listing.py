"""What a server offers, read once per connection (MCP-008) and compared with what it offered before."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from massgen.tools.mcp.bounds import MAX_LISTING, MAX_PAGES, MAX_TOOLS, name_part, one_line, prompt_text, schema

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import Tool as WireTool

_READING = re.compile(r"^(get|list|read|search|fetch|find|query|describe|show|lookup|count)(_|-|[A-Z]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTool:
    """One tool of a server, cleaned. `wire_name` is what the server is called with.

    `marked_read_only` is the server's own word (untrusted), `reads` also counts telling names (S-25).
    """

    wire_name: str
    description: str
    parameters: Mapping[str, Any] = field(repr=False)
    marked_read_only: bool = False
    reads: bool = False


class Listing(Struct, frozen=True, kw_only=True):
    """The tools of a server by cleaned name; `gone` were offered before and are no longer."""

    tools: Mapping[str, OfferedTool] = msgspec.field(default_factory=dict)
    gone: frozenset[str] = frozenset()


async def read_listing(client: Client, before: Listing, title: str, warn: Callable[[str], None]) -> Listing:
    """Ask the server for its tools, page by page within bounds.

    A tool that was seen before keeps its first description and schema for the run: text that a model has read
    must not turn into something else. What changed is told to `warn`.
    """
    offered: dict[str, OfferedTool] = {}
    cursor: str | None = None
    seen = size = 0
    for _ in range(MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        for item in page.tools[: MAX_TOOLS - seen]:
            found = _offered(item, title, warn)
            size += len(found.description) + len(json.dumps(found.parameters))
            if size <= MAX_LISTING:
                _add(offered, name_part(item.name), found, title, warn)
        seen += len(page.tools)
        cursor = page.next_cursor
        if not cursor or seen > MAX_TOOLS or size > MAX_LISTING:
            break
    if size > MAX_LISTING:
        warn(f"{title} describes its tools with more than {MAX_LISTING} characters; the last ones are left out.")
    elif cursor or seen > MAX_TOOLS:
        warn(f"{title} offers more than {MAX_TOOLS} tools; only the first {MAX_TOOLS} are used.")
    return _compared(before, offered, title, warn)


def _add(
    offered: dict[str, OfferedTool], name: str, item: OfferedTool, title: str, warn: Callable[[str], None]
) -> None:
    if not name or name in offered:
        warn(f"{title} offers the tool '{one_line(item.wire_name, 80)}' twice or without a name; left out.")
    else:
        offered[name] = item


def _offered(item: WireTool, title: str, warn: Callable[[str], None]) -> OfferedTool:
    parameters, problem = schema(item.input_schema)
    if problem:
        warn(f"{title}: the tool '{one_line(item.name, 80)}' {problem}; its arguments are not checked.")
    hints = item.annotations
    marked = bool(hints and hints.read_only_hint)
    denied = bool(hints and (hints.read_only_hint is False or hints.destructive_hint))
    return OfferedTool(
        wire_name=item.name,
        description=prompt_text(item.description or item.title or "").strip(),
        parameters=parameters,
        marked_read_only=marked,
        reads=marked or (not denied and _READING.match(item.name) is not None),
    )


def _compared(before: Listing, offered: dict[str, OfferedTool], title: str, warn: Callable[[str], None]) -> Listing:
    if not before.tools:
        return Listing(tools=offered)
    added = sorted(offered.keys() - before.tools.keys())
    gone = sorted(before.tools.keys() - offered.keys() - before.gone)
    if added:
        warn(f"{title} now also offers: {_names(added)}.")
    if gone:
        warn(f"{title} no longer offers: {_names(gone)}.")
    kept: dict[str, OfferedTool] = {}
    for name in (*before.tools, *added):
        old, new = before.tools.get(name), offered.get(name)
        if old is not None and new is not None:
            _report_change(old, new, f"{title}: the tool '{name}'", warn)
        kept[name] = old or offered[name]
    return Listing(tools=kept, gone=frozenset(before.tools.keys() - offered.keys()))


def _report_change(old: OfferedTool, new: OfferedTool, subject: str, warn: Callable[[str], None]) -> None:
    changed = [
        what
        for what, differs in (
            ("description", old.description != new.description),
            ("input schema", _dumped(old.parameters) != _dumped(new.parameters)),
            ("read-only mark", old.marked_read_only != new.marked_read_only),
        )
        if differs
    ]
    if changed:
        warn(f"{subject} changed its {' and '.join(changed)} during the run; the first one stays in use.")


def _dumped(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"
