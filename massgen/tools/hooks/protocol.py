"""What a hook is: it sees one event of a tool call and says what should happen (HOOK-001 to HOOK-004)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct, field

DEFAULT_TIMEOUT_SECONDS = 30.0


class HookType(StrEnum):
    """The two events."""

    PRE_TOOL_USE = "PreToolUse"
    POST_TOOL_USE = "PostToolUse"


class HookEvent(Struct, frozen=True, kw_only=True):
    """One moment of a call. `tool_output` is set after the call; `aliases` are the tool's other names."""

    tool_name: str
    tool_input: Mapping[str, Any] = field(default_factory=dict)
    hook_type: HookType = HookType.PRE_TOOL_USE
    tool_output: str | None = None
    is_error: bool = False
    agent_id: str = ""
    round: int = 0
    phase: str = ""
    call_id: str = ""
    aliases: tuple[str, ...] = ()


class HookResult(Struct, frozen=True, kw_only=True):
    """A hook's decision.

    `tool_input` replaces the arguments (before a call). `inject` is `{"content": text, "strategy":
    "tool_result" | "user_message"}` (after a call). A denial after the call withholds the result.
    """

    allowed: bool = True
    reason: str = ""
    tool_input: Mapping[str, Any] | None = None
    inject: Mapping[str, str] | None = None

    @classmethod
    def allow(cls) -> HookResult:
        """Let the call go on as it is."""
        return cls()

    @classmethod
    def deny(cls, reason: str) -> HookResult:
        """Refuse the call; the model reads `reason`."""
        return cls(allowed=False, reason=reason)

    @classmethod
    def modify(cls, tool_input: Mapping[str, Any]) -> HookResult:
        """Let the call go on with other arguments."""
        return cls(tool_input=tool_input)


class Hook(Protocol):
    """A matcher (HOOK-005) and what to do.

    `run` may raise; `fail_closed` says what that means (HOOK-008, HOOK-009).
    """

    @property
    def name(self) -> str: ...

    @property
    def matcher(self) -> str: ...

    @property
    def fail_closed(self) -> bool: ...

    @property
    def timeout_seconds(self) -> float: ...

    async def run(self, event: HookEvent) -> HookResult: ...
