"""The one way a tool is called: arguments checked, hooks asked, limits kept, outcome cleaned, all of it told.

Whatever goes wrong becomes an error outcome that the model can act on (WS-122); only cancellation and errors
of the observer (the log is gone) leave the runner.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from massgen.backends.protocol import ToolCall, ToolSpec
from massgen.errors import MassGenError
from massgen.tools.arguments import ArgumentReader, BadArguments, parse_object, prefetch_checks
from massgen.tools.catalog import ToolCatalog, bare
from massgen.tools.cleaning import clean, each_text, shorten
from massgen.tools.hooks.chain import Hooks
from massgen.tools.hooks.protocol import HookEvent, HookType
from massgen.tools.protocol import Injection, Tool, ToolContext, ToolOutcome

log = logging.getLogger(__name__)


class ToolObserver(Protocol):
    """Is told of every call before it starts and after it ended; arguments and outcome are clean and masked.

    Denied and malformed calls are told too. An exception of the observer ends the calls.
    """

    def started(self, call_id: str, name: str, arguments: Mapping[str, Any]) -> None: ...

    def finished(self, call_id: str, name: str, outcome: ToolOutcome, milliseconds: float) -> None: ...


class RunnerLimits(Struct, frozen=True, kw_only=True):
    """`concurrent` runs calls of one response side by side (BE-031), at most `max_parallel` at a time.

    `call_seconds` bounds a call whose traits name no limit; longer texts than `result_characters` lose
    their middle.
    """

    concurrent: bool = False
    max_parallel: int = 10
    call_seconds: float = 300.0
    result_characters: int = 400_000


class _Prepared(Struct, frozen=True, kw_only=True):
    """A call that is ready: with a `tool`, or with the `refusal` the model gets instead."""

    name: str
    arguments: Mapping[str, Any]
    tool: Tool | None = None
    refusal: str = ""
    event: HookEvent | None = None


class ToolRunner:
    """Runs the ordinary tool calls of one agent's responses. Workflow calls never come here."""

    def __init__(
        self,
        tools: Sequence[Tool],
        *,
        hooks: Hooks,
        observer: ToolObserver,
        redact: Callable[[str], str] = str,
        limits: RunnerLimits | None = None,
    ) -> None:
        self._catalog = ToolCatalog(tools)
        self._hooks = hooks
        self._observer = observer
        self._redact = redact
        self._limits = limits or RunnerLimits()
        self._reader = ArgumentReader()
        self._specs = tuple(tool.spec for tool in self._catalog.tools())

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences about tools that were left out; for people."""
        return self._catalog.problems

    def specs(self) -> tuple[ToolSpec, ...]:
        """What the model is offered, in a stable order (prompt caches depend on it)."""
        return self._specs

    def knows(self, name: str) -> bool:
        """Whether `name` (full, alias or unambiguous bare name) is one of the tools."""
        return self._catalog.find(name) is not None

    async def run_all(
        self, calls: Sequence[ToolCall], make_context: Callable[[ToolCall], ToolContext]
    ) -> list[ToolOutcome]:
        """Run the calls of one response; outcomes are in call order (BE-031)."""
        if calls and "jsonschema" not in sys.modules:
            await asyncio.to_thread(prefetch_checks)
        outcomes: list[ToolOutcome] = []
        for group in self._groups(calls):
            if len(group) == 1:
                outcomes.append(await self._run(group[0], make_context(group[0])))
            else:
                outcomes += await self._side_by_side(group, make_context)
        return outcomes

    def _groups(self, calls: Sequence[ToolCall]) -> list[list[ToolCall]]:
        """Neighbours that may run together; a tool that may not is alone, before and after the others."""
        groups: list[list[ToolCall]] = []
        joinable = False
        for call in calls:
            tool = self._catalog.find(call.name)
            parallel = self._limits.concurrent and tool is not None and tool.traits.parallel
            if parallel and joinable:
                groups[-1].append(call)
            else:
                groups.append([call])
            joinable = parallel
        return groups

    async def _side_by_side(
        self, calls: Sequence[ToolCall], make_context: Callable[[ToolCall], ToolContext]
    ) -> list[ToolOutcome]:
        gate = asyncio.Semaphore(self._limits.max_parallel)

        async def one(call: ToolCall) -> ToolOutcome:
            async with gate:
                return await self._run(call, make_context(call))

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(call)) for call in calls]
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _run(self, call: ToolCall, context: ToolContext) -> ToolOutcome:
        ready = await self._prepare(call, context)
        shown = each_text(ready.arguments, self._presentable)
        self._observer.started(call.call_id, ready.name, shown)
        started = time.perf_counter()
        try:
            own = replace(context, called_as=bare(call.name))
            outcome = self._tidy(await self._execute(ready, own))
        except asyncio.CancelledError:
            outcome = ToolOutcome(text="The call was cancelled; its effect is unknown.", is_error=True)
            self._observer.finished(call.call_id, ready.name, outcome, _milliseconds(started))
            raise
        self._observer.finished(call.call_id, ready.name, outcome, _milliseconds(started))
        return outcome

    async def _prepare(self, call: ToolCall, context: ToolContext) -> _Prepared:
        tool = self._catalog.find(call.name)
        if tool is None:
            name = shorten(self._presentable(call.name), 200)
            return _Prepared(name=name, arguments=_lenient(call.arguments), refusal=self._unknown(name))
        name = tool.spec.name
        try:
            arguments = self._reader.read(tool.spec, call.arguments)
        except BadArguments as error:
            return _Prepared(name=name, arguments=_lenient(call.arguments), refusal=f"Error: {error.message}")
        event = HookEvent(
            tool_name=name,
            tool_input=arguments,
            agent_id=context.agent_id,
            round=context.round,
            phase=context.phase,
            call_id=call.call_id,
            aliases=self._catalog.aliases_of(name),
        )
        permission = await self._hooks.permit(event)
        event = replace(event, tool_input=permission.arguments, hook_type=HookType.POST_TOOL_USE)
        if permission.refusal is not None:
            return _Prepared(name=name, arguments=permission.arguments, refusal=permission.refusal)
        if permission.arguments != arguments:
            try:
                self._reader.read(tool.spec, json.dumps(permission.arguments))
            except (BadArguments, TypeError, ValueError) as error:
                refusal = f"Error: a hook changed the arguments, and they no longer fit: {error}"
                return _Prepared(name=name, arguments=arguments, refusal=refusal)
        return _Prepared(name=name, arguments=permission.arguments, tool=tool, event=event)

    async def _execute(self, ready: _Prepared, context: ToolContext) -> ToolOutcome:
        if ready.tool is None or ready.event is None:
            return ToolOutcome(text=ready.refusal, is_error=True)
        outcome = await self._call(ready.tool, ready.arguments, context)
        event = replace(ready.event, tool_output=outcome.text, is_error=outcome.is_error)
        after = await self._hooks.follow(event)
        if after.withheld is not None:
            text = f"The tool ran, but its result is withheld. {after.withheld}"
            return ToolOutcome(text=text, is_error=True)
        return replace(outcome, injections=outcome.injections + after.injections)

    async def _call(self, tool: Tool, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        limit = tool.traits.timeout_seconds
        seconds = self._limits.call_seconds if limit is None else limit
        name = tool.spec.name
        own = replace(context, progress=lambda line: context.progress(self._presentable(line)))
        try:
            async with asyncio.timeout(None if math.isinf(seconds) else seconds) as scope:
                outcome = await tool.call(arguments, own)
        except TimeoutError:
            late = f"took longer than {seconds:g}s and was stopped" if scope.expired() else "timed out"
            return ToolOutcome(text=f"Error: {name} {late}.", is_error=True)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return ToolOutcome(text=f"Error: {name} cancelled itself.", is_error=True)
        except MassGenError as error:
            return ToolOutcome(text=f"Error: {error}", is_error=True)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a tool's bug must not end the round
            log.warning("Tool %s failed: %s", name, self._presentable(repr(error)))
            return ToolOutcome(text=f"Error: {name} failed: {type(error).__name__}: {error}", is_error=True)
        if not isinstance(outcome, ToolOutcome):
            return ToolOutcome(text=f"Error: {name} gave no usable result.", is_error=True)
        return outcome

    def _tidy(self, outcome: ToolOutcome) -> ToolOutcome:
        limit = self._limits.result_characters
        injections = tuple(
            Injection(content=shorten(self._presentable(each.content), limit), strategy=each.strategy)
            for each in outcome.injections
        )
        text, whole = (shorten(self._presentable(each), limit) for each in (outcome.text, outcome.whole))
        return replace(outcome, text=text, whole=whole, injections=injections)

    def _presentable(self, text: str) -> str:
        return self._redact(clean(text))

    def _unknown(self, name: str) -> str:
        near = self._catalog.near(name)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        return f"ToolNotFound: No tool named '{name}' exists.{meant}"


def _lenient(raw: str) -> dict[str, Any]:
    """What can be shown of arguments that may be garbage."""
    try:
        return parse_object(raw)
    except BadArguments:
        return {"raw": shorten(raw, 2_000)}


def _milliseconds(started: float) -> float:
    return (time.perf_counter() - started) * 1000
