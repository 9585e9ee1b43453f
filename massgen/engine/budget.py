"""What a turn and each agent may spend; nobody makes a call once it is used up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from massgen.coordination.facts import DeadlineReached
from massgen.engine.coordinator import Coordinator
from massgen.errors import ExecutionError
from massgen.events.types import Event, ModelCall, Warned


class Allowance(Struct, frozen=True, kw_only=True):
    """USD and tokens (input and output together); None is no limit."""

    cost: float | None = None
    tokens: int | None = None

    @property
    def limited(self) -> bool:
        return self.cost is not None or self.tokens is not None


@dataclass(slots=True, kw_only=True)
class _Spent:
    cost: float = 0.0
    tokens: int = 0

    def add(self, call: ModelCall) -> None:
        self.cost += call.cost or 0.0
        self.tokens += (call.input_tokens or 0) + (call.output_tokens or 0)

    def exceeds(self, allowed: Allowance) -> str:
        if allowed.cost is not None and self.cost >= allowed.cost:
            return f"{allowed.cost:g} USD is used up ({self.cost:.6g} USD spent)"
        if allowed.tokens is not None and self.tokens >= allowed.tokens:
            return f"{allowed.tokens} tokens is used up ({self.tokens} spent)"
        return ""


@dataclass(slots=True, kw_only=True)
class Budget:
    """Give it every event (`count`), ask it before every call. `message` says what ended the run.

    A call that has begun is paid to its end; so a budget is exceeded by at most the calls then in progress.
    """

    run: Allowance
    agents: Mapping[str, Allowance]
    message: str = ""
    unpriced: set[str] = field(default_factory=set)
    _told: set[str] = field(default_factory=set)
    _total: _Spent = field(default_factory=_Spent)
    _spent: dict[str, _Spent] = field(default_factory=dict)

    @property
    def limited(self) -> bool:
        return self.run.limited or any(allowed.limited for allowed in self.agents.values())

    def count(self, event: Event) -> None:
        """Add a model call."""
        if isinstance(event.body, ModelCall):
            name = event.agent_id or ""
            self._total.add(event.body)
            self._spent.setdefault(name, _Spent()).add(event.body)
            if event.body.cost is None and event.body.error_type is None:
                self.unpriced.add(name)

    def used_up(self, agent_id: str) -> str:
        """Why the agent may not call its model again, empty while it may."""
        found = self._spent.get(agent_id, _Spent()).exceeds(self.agents.get(agent_id, Allowance()))
        return f"The agent's budget of {found}" if found else ""

    async def check_run(self, coordinator: Coordinator) -> None:
        """Returns while the run may go on; else ends it and waits for that."""
        self._warn_unpriced(coordinator)
        found = self._total.exceeds(self.run)
        if not found:
            return
        if not self.message:
            self.message = f"The budget of {found}."
            coordinator.submit(DeadlineReached(at=coordinator.clock.now(), reason=self.message))
        await asyncio.Event().wait()

    async def check_presenter(self, coordinator: Coordinator, agent_id: str) -> None:
        """The same for a presentation; one that may not be paid any more delivers the chosen answer."""
        await self.check_run(coordinator)
        found = self.used_up(agent_id)
        if found:
            raise ExecutionError(found)

    def _warn_unpriced(self, coordinator: Coordinator) -> None:
        """A price that nobody knows cannot be added up; said once for each agent."""
        for name in sorted(self.unpriced - self._told):
            if self.run.cost is not None or self.agents.get(name, Allowance()).cost is not None:
                text = "The price of this model is not known: its calls do not count for max_cost_usd."
                coordinator.stream.emit(Warned(text=text), agent_id=name)
        self._told |= self.unpriced
