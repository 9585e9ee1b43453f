"""What the provider received: each request as it came, and one view of it for all wire formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct, field

Format = Literal["chat", "responses", "anthropic", "gemini", "models", "other"]


class OfferedTool(Struct, frozen=True, kw_only=True):
    """A tool that the request offers; `schema` is the JSON Schema of its arguments."""

    name: str
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)


class MadeCall(Struct, frozen=True, kw_only=True):
    """A tool call within the history that the request repeats."""

    name: str
    arguments: str
    call_id: str


class GivenResult(Struct, frozen=True, kw_only=True):
    """A tool result in the request. `name` is "" where the format does not carry it and no call matches."""

    call_id: str
    name: str
    text: str


class View(Struct, frozen=True, kw_only=True):
    """A request in one form for all formats.

    `messages` are (role, text) in order, with roles `user`, `assistant` and `tool`; reasoning is left out.
    `native_tools` are the provider's own tools by type name (`web_search`, ...).
    """

    system: str = ""
    messages: tuple[tuple[str, str], ...] = ()
    tools: tuple[OfferedTool, ...] = ()
    native_tools: tuple[str, ...] = ()
    calls: tuple[MadeCall, ...] = ()
    results: tuple[GivenResult, ...] = ()

    @property
    def tool_names(self) -> tuple[str, ...]:
        return tuple(tool.name for tool in self.tools)

    @property
    def text(self) -> str:
        """All messages' text, without the system text."""
        return "\n".join(text for _, text in self.messages)

    @property
    def last_user(self) -> str:
        """The text of the last user message, "" without one."""
        return next((text for role, text in reversed(self.messages) if role == "user"), "")


@dataclass(slots=True, kw_only=True)
class ReceivedRequest:
    """One request in order of arrival: `index` counts all requests, `number` those of the model, from 1.

    `headers` have lower-case names. `json` is the parsed body (None where there is none). `outcome` changes
    once: `open` while it is answered, then `sent`, `cut` (by a fault), or `left` (the client went away).
    """

    index: int
    number: int
    format: Format
    method: str
    path: str
    headers: Mapping[str, str]
    raw_bytes: int
    json: Any
    model: str
    stream: bool
    view: View
    arrived: float
    outcome: Literal["open", "sent", "cut", "left"] = "open"
