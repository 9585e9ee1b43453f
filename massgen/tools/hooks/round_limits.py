"""The time limits of a round as hooks (HOOK-013, COORD-116, COORD-117)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from massgen.tools.hooks.messages import framed
from massgen.tools.hooks.protocol import DEFAULT_TIMEOUT_SECONDS, HookEvent, HookResult

log = logging.getLogger(__name__)

TERMINAL_TOOLS = frozenset({"vote", "new_answer", "stop"})
MAX_REFUSALS = 5

RoundKind = Literal["initial answer", "coordination", "presentation"]


@dataclass(slots=True, kw_only=True)
class RoundClock:
    """How long one agent's round has worked, and its limits, in seconds.

    `elapsed` gives working time of the current round (held and parked time left out). `soft` None means no
    limit. `usable` names the terminal tools the agent may use now. The engine resets `warned` and
    `refusals` by making a new clock each round.
    """

    agent_id: str
    elapsed: Callable[[], float]
    soft: float | None
    grace: float = 120.0
    kind: RoundKind = "coordination"
    usable: Callable[[], Collection[str]] = field(default=lambda: TERMINAL_TOOLS)
    warned: bool = False
    refusals: int = 0

    @property
    def soft_reached(self) -> bool:
        """Whether the agent should finish now."""
        return self.soft is not None and self.elapsed() >= self.soft

    @property
    def hard_reached(self) -> bool:
        """Whether only terminal tools are left to the agent."""
        return self.soft is not None and self.elapsed() >= self.soft + self.grace

    @property
    def overdue(self) -> bool:
        """Whether the engine should close the round (COORD-118)."""
        if self.soft is None or not self.hard_reached:
            return False
        return self.refusals >= MAX_REFUSALS or self.elapsed() >= self.soft + 2 * self.grace

    def count_refusal(self) -> None:
        """One more call was refused after the hard limit."""
        self.refusals += 1

    def warning(self) -> str | None:
        """The soft limit's message, once per round, else None; for safe points without a tool result too."""
        if self.warned or self.soft is None or not self.soft_reached:
            return None
        self.warned = True
        passed = self.elapsed()
        log.info("[RoundTimeoutPostHook] Soft timeout reached for %s after %ds", self.agent_id, passed)
        return soft_limit_message(self.kind, passed, self.soft, self.grace, self.usable())


def soft_limit_message(kind: RoundKind, passed: float, soft: float, grace: float, usable: Collection[str]) -> str:
    """The block an agent reads at its soft limit."""
    options = {
        "new_answer": "submit your work as it stands with `new_answer`",
        "vote": "`vote` for the best current answer",
        "stop": "end your part with `stop`",
    }
    listed = [text for name, text in options.items() if name in usable] or ["finish now"]
    numbered = "\n".join(f"{index}. {text}" for index, text in enumerate(listed, 1))
    return framed(
        f"ROUND TIME LIMIT APPROACHING - {kind} round",
        f"Time: {passed:.0f}s / {soft:.0f}s. Finish now:\n{numbered}\n"
        f"After a grace period of {grace:.0f}s all other tools are refused. A later round may refine the work.",
    )


class RoundTimeoutPostHook(Struct, frozen=True, kw_only=True):
    """After the soft limit: the warning, appended to the next result, once per round."""

    clock: Callable[[], RoundClock]
    name: str = "RoundTimeoutPostHook"
    matcher: str = "*"
    fail_closed: bool = False
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS

    async def run(self, event: HookEvent) -> HookResult:
        """Inject the warning when it is due."""
        text = self.clock().warning()
        return HookResult.allow() if text is None else HookResult(inject={"content": text})


class RoundTimeoutPreHook(Struct, frozen=True, kw_only=True):
    """After the hard limit: everything but terminal tools is refused. `refused` is told of each refusal."""

    agent_id: str
    hard_reached: Callable[[], bool]
    usable: Callable[[], Collection[str]] = lambda: TERMINAL_TOOLS
    refused: Callable[[], None] = lambda: None
    name: str = "RoundTimeoutPreHook"
    matcher: str = "*"
    fail_closed: bool = True
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS

    @classmethod
    def of(cls, clock: RoundClock) -> RoundTimeoutPreHook:
        """The hook of one round's clock."""
        return cls(
            agent_id=clock.agent_id,
            hard_reached=lambda: clock.hard_reached,
            usable=clock.usable,
            refused=clock.count_refusal,
        )

    async def run(self, event: HookEvent) -> HookResult:
        """Deny when the hard limit has passed."""
        if not self.hard_reached() or event.tool_name in TERMINAL_TOOLS:
            return HookResult.allow()
        self.refused()
        log.warning("[RoundTimeoutPreHook] Blocking %s for %s - hard timeout exceeded", event.tool_name, self.agent_id)
        usable = " or ".join(sorted(self.usable())) or "nothing else"
        return HookResult.deny(f"the time of this round is over; use {usable} now")
