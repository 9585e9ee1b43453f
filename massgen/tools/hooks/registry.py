"""Hooks registered from Python: for all agents, or for one (HOOK-004, HOOK-006)."""

from __future__ import annotations

from massgen.tools.hooks.chain import Hooks
from massgen.tools.hooks.protocol import Hook, HookType


class GeneralHookManager:
    """Collects hooks in registration order and gives each agent its chain."""

    def __init__(self) -> None:
        self._global: dict[HookType, list[Hook]] = {kind: [] for kind in HookType}
        self._own: dict[tuple[str, HookType], list[Hook]] = {}
        self._overrides: set[tuple[str, HookType]] = set()

    def register_global_hook(self, hook_type: HookType, hook: Hook) -> None:
        """Add a hook for all agents."""
        self._global[hook_type].append(hook)

    def register_agent_hook(self, agent_id: str, hook_type: HookType, hook: Hook, *, override: bool = False) -> None:
        """Add a hook for one agent; with `override` the global ones of that event no longer concern it."""
        self._own.setdefault((agent_id, hook_type), []).append(hook)
        if override:
            self._overrides.add((agent_id, hook_type))

    def hooks_for(self, agent_id: str) -> Hooks:
        """The chain of one agent, global hooks first."""
        return Hooks(
            before=tuple(self._chain(agent_id, HookType.PRE_TOOL_USE)),
            after=tuple(self._chain(agent_id, HookType.POST_TOOL_USE)),
        )

    def _chain(self, agent_id: str, kind: HookType) -> list[Hook]:
        own = self._own.get((agent_id, kind), [])
        return [*own] if (agent_id, kind) in self._overrides else [*self._global[kind], *own]
