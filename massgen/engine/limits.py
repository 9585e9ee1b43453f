"""Time limits of rounds and agents; parked and held time does not count (COORD-116 to COORD-119)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from massgen.agents.round import Tools
from massgen.backends.protocol import ToolCall, ToolSpec
from massgen.coordination.facts import HardLimitReached
from massgen.coordination.prompts import FRAME
from massgen.engine.coordinator import Coordinator
from massgen.engine.seat import Seat, WorkMeter
from massgen.engine.team import TimeLimits
from massgen.tools.protocol import ToolOutcome

log = logging.getLogger(__name__)
TICK = 0.05
TOOL_PATIENCE = 5.0
MAX_REFUSALS = 5


class RoundCut(Exception):
    """The round is ended from outside because its time is over."""


class AgentLimit(RoundCut):
    """The agent's whole working time is over."""


class AgentSkip(RoundCut):
    """A person sent the agent out; the rules know it already."""


class RoundLimits:
    """The limits of one round: `watches` are run beside it, `updates` are put before the model at safe points."""

    def __init__(self, seat: Seat, coordinator: Coordinator, limits: TimeLimits, *, first: bool) -> None:
        self._seat = seat
        self._coordinator = coordinator
        self._limits = limits
        self._soft = limits.first_round if first else limits.later_round
        self._kind = "initial answer" if first else "later"

    def watches(self) -> list[Coroutine[Any, Any, None]]:
        """What to run beside the round; each ends it by raising `RoundCut`."""
        found: list[Coroutine[Any, Any, None]] = [self._skip()]
        if self._soft is not None:
            found += [self._hard_limit(self._soft), self._close(self._soft)]
        if self._limits.agent is not None:
            found.append(self._agent_limit(self._limits.agent))
        return found

    @property
    def seconds_left(self) -> float | None:
        """Time to the soft limit, None without one."""
        return None if self._soft is None else self._soft - self._seat.round.used()

    def updates(self) -> Sequence[str]:
        """What people said, then the soft-limit message, once a round, when it is due (COORD-116, SESS-045)."""
        heard = self._coordinator.hear(self._seat.number)
        return (*((heard,) if heard else ()), *self._soft_limit())

    def _soft_limit(self) -> Sequence[str]:
        left = self.seconds_left
        if left is None or left > 0 or self._seat.warned_round:
            return ()
        self._seat.warned_round = True
        agent, used = self._coordinator.agent_id(self._seat.number), self._seat.round.used()
        log.info("[RoundTimeoutPostHook] Soft timeout reached for %s after %.0fs", agent, used)
        text = self._soft_message()
        self._coordinator.injected(self._seat.number, (), text, "round_limit")
        return (text,)

    def _soft_message(self) -> str:
        member = self._coordinator.attempt.member(self._seat.number)
        tools = " or ".join(tool for tool in member.tools if tool in ("new_answer", "vote", "stop"))
        used, soft = self._seat.round.used(), self._soft or 0.0
        return (
            f"{FRAME}\nROUND TIME LIMIT APPROACHING ({self._kind} round): {used:.0f}s / {soft:.0f}s\n{FRAME}\n"
            f"Submit what is presentable now with {tools}. In {self._limits.grace:.0f}s all other tools will be "
            f"refused. A later round may refine it.\n{FRAME}"
        )

    def guard(self, tools: Tools | None) -> Tools | None:
        """The same tools; calls after the hard limit are counted, and too many end the round (COORD-118)."""
        return None if tools is None else _CountedTools(tools, self._seat)

    async def _until(self, meter: WorkMeter, seconds: float) -> None:
        clock = self._coordinator.clock
        while (left := seconds - meter.used()) > 0:
            await clock.sleep_until(clock.now() + max(left, TICK))

    async def _hard_limit(self, soft: float) -> None:
        await self._until(self._seat.round, soft + self._limits.grace)
        self._seat.hard_limit = True
        self._coordinator.submit(HardLimitReached(at=self._coordinator.clock.now(), agent=self._seat.number))

    async def _close(self, soft: float) -> None:
        """A second grace period without a submission ends the round (COORD-118)."""
        await self._until(self._seat.round, soft + 2 * self._limits.grace)
        raise RoundCut("the round's time is over")

    async def _skip(self) -> None:
        """Running tools may finish first, but not for ever."""
        await self._seat.skipped.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(TOOL_PATIENCE):
                await self._seat.tools_idle.wait()
        raise AgentSkip("a person skipped the agent")

    async def _agent_limit(self, seconds: float) -> None:
        await self._until(self._seat.total, seconds)
        raise AgentLimit(f"Agent timeout after {seconds:g}s")


class _CountedTools:
    """Implements `agents.round.Tools`. After the hard limit every call that comes here is refused by its hook."""

    def __init__(self, tools: Tools, seat: Seat) -> None:
        self._tools = tools
        self._seat = seat
        self._refused = 0

    def specs(self) -> tuple[ToolSpec, ...]:
        return self._tools.specs()

    async def run_all(self, calls: Sequence[ToolCall]) -> list[ToolOutcome]:
        if self._seat.hard_limit:
            self._refused += len(calls)
        outcomes = await self._tools.run_all(calls)
        if self._refused >= MAX_REFUSALS:
            raise RoundCut("too many calls after the round's time limit")
        return outcomes
