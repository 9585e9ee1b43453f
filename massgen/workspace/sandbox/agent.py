"""The sandboxes of one agent over the phases of a run: one at a time, the same HOME in all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from massgen.workspace.grants import PathPolicy
from massgen.workspace.sandbox.protocol import Sandbox

MakeSandbox = Callable[[PathPolicy], Sandbox]


async def _nothing() -> None:
    return None


class AgentSandboxes:
    """Implements `CommandPlace` of the command tools. `make` builds the sandbox for a policy when first needed.

    The engine calls `enter` when the phase, and with it the policy, changes, and `close` when the run ends;
    `finish` then takes away what outlives a phase (a container).
    """

    def __init__(self, policy: PathPolicy, make: MakeSandbox, finish: Callable[[], Awaitable[None]] = _nothing) -> None:
        self._policy = policy
        self._make = make
        self._finish = finish
        self._current: Sandbox | None = None

    @property
    def policy(self) -> PathPolicy:
        return self._policy

    async def sandbox(self) -> Sandbox:
        if self._current is None:
            self._current = self._make(self._policy)
        return self._current

    async def enter(self, policy: PathPolicy) -> None:
        """The agent goes on under `policy`; what runs under the old one ends unless the grants are the same."""
        unchanged = policy.grants == self._policy.grants and policy.workspace == self._policy.workspace
        self._policy = policy
        if not unchanged:
            await self._leave()

    async def close(self) -> None:
        """End everything that the agent runs. The next command would start a new sandbox."""
        try:
            await self._leave()
        finally:
            await self._finish()

    async def _leave(self) -> None:
        current, self._current = self._current, None
        if current is not None:
            await current.close()
