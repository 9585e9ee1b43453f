"""The hooks of one agent, run in order around a call."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from massgen.tools.hooks.callables import BrokenHook
from massgen.tools.hooks.matcher import concerns
from massgen.tools.hooks.protocol import Hook, HookEvent, HookResult
from massgen.tools.protocol import Injection

log = logging.getLogger(__name__)

FAILURE = "the hook"


class Permission(Struct, frozen=True, kw_only=True):
    """What the hooks before a call decided: the arguments to use, or why it is refused."""

    arguments: Mapping[str, Any]
    refusal: str | None = None


class Aftermath(Struct, frozen=True, kw_only=True):
    """What the hooks after a call decided: texts to inject, or why the result is withheld."""

    injections: tuple[Injection, ...] = ()
    withheld: str | None = None


class Hooks(Struct, frozen=True, kw_only=True):
    """`permission` hooks belong to the program, run first and again when a later hook changed the arguments
    (HOOK-012); `before` and `after` are in registration order, global ones first (HOOK-010)."""

    permission: Sequence[Hook] = ()
    before: Sequence[Hook] = ()
    after: Sequence[Hook] = ()

    async def permit(self, event: HookEvent) -> Permission:
        """Ask all hooks before a call; the first refusal stops it."""
        for hook in self.after:
            if isinstance(hook, BrokenHook) and concerns(hook.matcher, event):
                return Permission(arguments=event.tool_input, refusal=_denial(hook, hook.problem))
        first = await _ask(self.permission, event, verbatim=True)
        if first.refusal is not None:
            return first
        asked = await _ask(self.before, replace(event, tool_input=first.arguments))
        if asked.refusal is not None or asked.arguments == first.arguments:
            return asked
        return await _ask(self.permission, replace(event, tool_input=asked.arguments), verbatim=True)

    async def follow(self, event: HookEvent) -> Aftermath:
        """Tell all hooks after a call its output and collect what they inject."""
        injections: list[Injection] = []
        for hook in self.after:
            if not concerns(hook.matcher, event):
                continue
            result = await _run(hook, event)
            if not result.allowed:
                return Aftermath(withheld=_denial(hook, result.reason))
            injection = _injection(result)
            if injection is not None:
                injections.append(injection)
                log.info(
                    "[PostToolUse] Hook injection for %s: strategy=%s, content_len=%d",
                    event.tool_name, injection.strategy, len(injection.content),
                )  # fmt: skip
        return Aftermath(injections=tuple(injections))


async def _ask(hooks: Sequence[Hook], event: HookEvent, *, verbatim: bool = False) -> Permission:
    """The first refusal, or the arguments after all changes. The program's own refusals are worded for the
    model already (WS-096), so they are given `verbatim`."""
    for hook in hooks:
        if not concerns(hook.matcher, event):
            continue
        result = await _run(hook, event)
        if not result.allowed:
            own = verbatim and result.reason and not result.reason.startswith(FAILURE)
            refusal = result.reason if own else _denial(hook, result.reason)
            return Permission(arguments=event.tool_input, refusal=refusal)
        if result.tool_input is not None:
            event = replace(event, tool_input=dict(result.tool_input))
    return Permission(arguments=event.tool_input)


async def _run(hook: Hook, event: HookEvent) -> HookResult:
    """Run one hook as untrusted code: it gets its own copy of the arguments, and a failure is a decision."""
    own = replace(event, tool_input=copy.deepcopy(dict(event.tool_input)))
    try:
        async with asyncio.timeout(hook.timeout_seconds):
            result = await hook.run(own)
        _check(result)
    except TimeoutError:
        return _failed(hook, event, f"{FAILURE} timed out after {hook.timeout_seconds:g}s")
    except Exception as error:  # noqa: BLE001 - a hook is foreign code
        return _failed(hook, event, f"{FAILURE} failed: {type(error).__name__}: {error}")
    return result


def _failed(hook: Hook, event: HookEvent, what: str) -> HookResult:
    deny = hook.fail_closed or isinstance(hook, BrokenHook)
    log.warning("Hook '%s' for %s: %s; %s", hook.name, event.tool_name, what, "denied" if deny else "ignored")
    return HookResult.deny(what) if deny else HookResult.allow()


def _check(result: HookResult) -> None:
    if not isinstance(result, HookResult):
        raise TypeError(f"a hook must return a HookResult or None, not {type(result).__name__}")
    if result.tool_input is not None and not isinstance(result.tool_input, Mapping):
        raise TypeError("a hook's tool_input must be a mapping")
    _injection(result)


def _injection(result: HookResult) -> Injection | None:
    if result.inject is None:
        return None
    content, strategy = result.inject.get("content"), result.inject.get("strategy", "tool_result")
    if not isinstance(content, str):
        raise TypeError("a hook's inject needs a text as 'content'")
    match strategy:
        case "tool_result" | "user_message":
            return Injection(content=content, strategy=strategy) if content else None
        case _:
            raise ValueError(f"unknown injection strategy {strategy!r}; use 'tool_result' or 'user_message'")


def _denial(hook: Hook, reason: str) -> str:
    return f"Denied by hook '{hook.name}': {reason or 'no reason given'}"
