"""What a tool is. Everything an agent may do besides talking goes through this interface and one runner."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from msgspec import Struct

from massgen.backends.protocol import Media, ToolSpec

Phase = Literal["coordination", "presentation", "post_evaluation"]
Source = Literal[
    "workflow", "file", "command", "mcp", "custom", "planning", "memory", "media", "background", "framework"
]


class ToolTraits(Struct, frozen=True, kw_only=True):
    """What the runner and the permission layer need to know about a tool.

    `server` is the MCP server (real or reserved name), empty otherwise. `writes` is False for tools that only
    read. `parallel` tools may run beside others of the same response (BE-031). `timeout_seconds` replaces the
    runner's limit of one call; `math.inf` for tools that bound themselves.
    """

    source: Source
    server: str = ""
    writes: bool = True
    parallel: bool = True
    timeout_seconds: float | None = None


class Injection(Struct, frozen=True, kw_only=True):
    """Text that reaches the model beside a result: appended to it, or as a message after it (HOOK-023)."""

    content: str
    strategy: Literal["tool_result", "user_message"] = "tool_result"


class ToolOutcome(Struct, frozen=True, kw_only=True):
    """What a call gave: text for the model, media beside it, and whether it is an error.

    `whole` is for the log, where the model gets less than there is; empty where `text` is all (LOG-007).
    `injections` come from hooks only; they are facts of their own and never part of `text`.
    """

    text: str
    is_error: bool = False
    media: tuple[Media, ...] = ()
    injections: tuple[Injection, ...] = ()
    whole: str = ""


Progress = Callable[[str], None]


def _no_progress(_: str) -> None:
    return None


class ToolContext(Struct, frozen=True, kw_only=True):
    """Where a call happens. `agent_id` is real and for logs only; tools never show it to the model.

    `workspace` is the agent's directory (None where the agent has none), `progress` shows one line to people.
    `called_as` is the bare name that the model used; it may be another name of the tool.
    """

    agent_id: str
    agent_number: int
    round: int
    phase: Phase
    call_id: str
    workspace: Path | None = None
    called_as: str = ""
    progress: Progress = _no_progress


class Tool(Protocol):
    """One tool. `call` returns an error outcome for anything the model can act on; it raises only for bugs,
    which the runner turns into an error outcome too. Cancellation must leave nothing running."""

    @property
    def spec(self) -> ToolSpec: ...

    @property
    def traits(self) -> ToolTraits: ...

    def call(self, arguments: Mapping[str, Any], context: ToolContext) -> Awaitable[ToolOutcome]: ...
