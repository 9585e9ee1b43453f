"""One round of one agent: model call, ordinary tools, safe point, next call, until a terminal tool is accepted.

The loop decides nothing about coordination: every workflow call, every safe point and every end of a response
goes to a `Judge`, whose verdict says how the round goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from massgen.agents.buffer import AgentConversationBuffer
from massgen.agents.calling import ModelCaller
from massgen.agents.record import UnfinishedRound
from massgen.backends.protocol import AssistantMessage, Media, Message, ToolCall, ToolSpec
from massgen.tools.hooks.messages import with_injections
from massgen.tools.protocol import ToolOutcome

FUTILE = 10


class Verdict(Struct, frozen=True, kw_only=True):
    """How the round goes on: `over`, or with `text` (a tool result or a message) and perhaps other `tools`."""

    over: bool = False
    text: str = ""
    is_error: bool = False
    tools: tuple[ToolSpec, ...] | None = None


class Judge(Protocol):
    """The coordination as one agent's round sees it."""

    def is_workflow(self, name: str) -> bool: ...

    def is_terminal(self, name: str) -> bool: ...

    async def propose(self, call: ToolCall) -> Verdict: ...

    async def safe_point(self) -> Verdict: ...

    async def response_ended(self, text: str) -> Verdict: ...


class Tools(Protocol):
    """The ordinary tools of the agent."""

    def specs(self) -> tuple[ToolSpec, ...]: ...

    async def run_all(self, calls: Sequence[ToolCall]) -> list[ToolOutcome]: ...


class RoundStart(Struct, frozen=True, kw_only=True):
    """The fresh context of a round; `history` are the earlier turns of the session. `with_memory` gives the
    system text with a memory section in its place."""

    system: str
    message: str
    workflow: tuple[ToolSpec, ...]
    media: tuple[Media, ...] = ()
    history: tuple[Message, ...] = ()
    with_memory: Callable[[str], str] | None = None


@dataclass(slots=True)
class Round:
    """Run once with `run`; `last_text` is the last non-empty text the agent said in it. `memory` is read before
    each request (MEM-094). With `unfinished` the round goes on where another process left it: what was said, called
    and returned there is taken as it was."""

    start: RoundStart
    caller: ModelCaller
    judge: Judge
    tools: Tools | None
    updates: Callable[[], Sequence[str]] = field(default=lambda: ())
    memory: Callable[[], Awaitable[str]] | None = None
    unfinished: UnfinishedRound | None = None
    last_text: str = ""
    buffer: AgentConversationBuffer = field(default_factory=AgentConversationBuffer)
    _workflow: tuple[ToolSpec, ...] = ()
    _futile: int = 0

    async def run(self) -> None:
        """Until the judge says that the round is over. Raises `BackendError` when the model cannot be called."""
        self._workflow = self.start.workflow
        for message in self.start.history:
            self.buffer.add_earlier(message)
        self.buffer.add_request(self.start.message, self.start.media)
        message = self._recall()
        while True:
            message = message or await self._call()
            if not message.tool_calls:
                verdict = await self.judge.response_ended(self.last_text)
                if verdict.over:
                    return
                self._take_tools(verdict)
                self.buffer.add_user("\n\n".join((*self._updates(), verdict.text)))
            elif await self._serve(message.tool_calls):
                return
            message = self.unfinished = None

    def _recall(self) -> AssistantMessage | None:
        """Rebuild the conversation; the response that was not served to its end."""
        unfinished = self.unfinished
        if unfinished is None:
            return None
        for step in unfinished.past:
            self.buffer.recall(step)
            if isinstance(step, AssistantMessage) and step.text.strip():
                self.last_text = step.text
        if unfinished.pending is None:
            self.unfinished = None
        return unfinished.pending

    def _updates(self) -> tuple[str, ...]:
        earlier = self.unfinished.updates if self.unfinished is not None else ()
        return (*earlier, *self.updates())

    async def _call(self) -> AssistantMessage:
        """Workflow tools, which change from round to round, come last: providers cache what requests begin with."""
        taken = {spec.name for spec in self._workflow}
        offered = self.tools.specs() if self.tools is not None else ()
        ordinary = tuple(spec for spec in offered if spec.name not in taken)
        system = self.start.system
        if self.memory is not None and self.start.with_memory is not None:
            system = self.start.with_memory(await self.memory())
        message = await self.caller.call(system, self.buffer, (*ordinary, *self._workflow))
        if message.text.strip():
            self.last_text = message.text
        return message

    async def _serve(self, calls: Sequence[ToolCall]) -> bool:
        """Ordinary tools first, then workflow calls up to the first terminal one (COORD-018). True: round over.

        A model that keeps calling what is not there, or cannot be understood, is treated as one that calls nothing:
        every round ends.
        """
        results: dict[str, ToolOutcome] = {}
        useful = False
        ordinary = [call for call in calls if not self.judge.is_workflow(call.name)]
        if ordinary:
            outcomes = await self._run_ordinary(ordinary)
            results.update(zip((call.call_id for call in ordinary), outcomes, strict=True))
            known = {spec.name for spec in self.tools.specs()} if self.tools is not None else set()
            served = zip(ordinary, outcomes, strict=True)
            useful = any(call.name in known or not outcome.is_error for call, outcome in served)
        decided = False
        for call in calls:
            if call.call_id in results:
                continue
            if decided:
                results[call.call_id] = ToolOutcome(text="Ignored: the round was decided by an earlier call.")
                continue
            verdict = await self.judge.propose(call)
            if verdict.over:
                return True
            self._take_tools(verdict)
            useful = useful or not verdict.is_error
            decided = self.judge.is_terminal(call.name)
            results[call.call_id] = ToolOutcome(text=verdict.text, is_error=verdict.is_error)
        self._futile = 0 if useful else self._futile + 1
        if self._futile > FUTILE:
            verdict = await self.judge.response_ended(self.last_text)
        else:
            verdict = await self.judge.safe_point()
        if verdict.over:
            return True
        self._take_tools(verdict)
        self._add_results(calls, results, [*self._updates(), *([verdict.text] if verdict.text else [])])
        return False

    async def _run_ordinary(self, calls: Sequence[ToolCall]) -> list[ToolOutcome]:
        if self.tools is None:
            return [_unknown(call, self._workflow) for call in calls]
        known = dict(self.unfinished.outcomes) if self.unfinished is not None else {}
        left = [call for call in calls if call.call_id not in known]
        if left:
            outcomes = await self.tools.run_all(left)
            known.update(zip((call.call_id for call in left), outcomes, strict=True))
        return [known[call.call_id] for call in calls]

    def _add_results(
        self, calls: Sequence[ToolCall], results: dict[str, ToolOutcome], injected: Sequence[str]
    ) -> None:
        """Injected text goes behind the last result (strategy `tool_result`, COORD-056)."""
        messages: list[str] = []
        for position, call in enumerate(calls):
            outcome = results[call.call_id]
            messages += [item.content for item in outcome.injections if item.strategy == "user_message"]
            behind = injected if position == len(calls) - 1 else ()
            self.buffer.add_tool_result(
                call.call_id,
                call.name,
                "\n\n".join((with_injections(outcome), *behind)),
                is_error=outcome.is_error,
                media=outcome.media,
                returned=outcome.text if self.tools is not None and not self.judge.is_workflow(call.name) else None,
            )
        for text in messages:
            self.buffer.inject_update(text)

    def _take_tools(self, verdict: Verdict) -> None:
        if verdict.tools is not None:
            self._workflow = verdict.tools


def _unknown(call: ToolCall, offered: Sequence[ToolSpec]) -> ToolOutcome:
    names = ", ".join(spec.name for spec in offered) or "none"
    text = f"ToolNotFound: No tool named '{call.name[:80]}' exists. Available: {names}."
    return ToolOutcome(text=text, is_error=True)
