"""The end of an attempt: the winner delivers, and judges what it delivered where restarts are allowed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from massgen.agents.calling import ModelCaller
from massgen.agents.round import Round, RoundStart, Verdict
from massgen.backends.protocol import ToolCall
from massgen.coordination.directives import Evaluate, Present
from massgen.coordination.facts import Evaluated, PresentationEnded
from massgen.engine.briefing import Briefing
from massgen.engine.budget import Budget
from massgen.engine.context import compression_of, memory_of
from massgen.engine.coordinator import Coordinator, preview
from massgen.engine.functions import FOR_CALLER, CallerFunctions
from massgen.engine.resumption import OpenRound
from massgen.engine.team import Team, TeamAgent, ToolDesk
from massgen.engine.watching import CallArchive, CallCounter, RoundWatcher
from massgen.errors import MassGenError
from massgen.events.types import FinalAnswer, StartedStreaming, ToolEnd, ToolStart, Warned

log = logging.getLogger(__name__)


class PresentationJudge:
    """A round without coordination: the first response without tool calls is the result, or the first one that
    calls `functions` of the caller.

    `stopped` says whether the run was ended meanwhile; then there are no further model calls (COORD-025).
    """

    def __init__(self, stopped: Callable[[], bool], functions: CallerFunctions | None = None) -> None:
        self._stopped = stopped
        self._functions = functions

    def is_workflow(self, name: str) -> bool:
        return self._functions is not None and self._functions.offers(name)

    def is_terminal(self, name: str) -> bool:
        return False

    async def propose(self, call: ToolCall) -> Verdict:
        if self._functions is None:
            return Verdict(text=f"{call.name} is not available now.", is_error=True)
        self._functions.calls.append(call)
        return Verdict(text=FOR_CALLER)

    async def safe_point(self) -> Verdict:
        return Verdict(over=self._stopped() or bool(self._functions and self._functions.calls))

    async def response_ended(self, text: str) -> Verdict:
        return Verdict(over=True)


class EvaluationJudge(PresentationJudge):
    """Takes `submit` or `restart_orchestration`; anything else confirms (COORD-107)."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        super().__init__(stopped)
        self.restart: tuple[str, str] | None = None

    def is_workflow(self, name: str) -> bool:
        return name in ("submit", "restart_orchestration")

    def is_terminal(self, name: str) -> bool:
        return self.is_workflow(name)

    async def propose(self, call: ToolCall) -> Verdict:
        if call.name == "restart_orchestration":
            try:
                arguments = json.loads(call.arguments or "{}")
            except ValueError:
                return Verdict(text="The arguments are no valid JSON. Call it again.", is_error=True)
            if not isinstance(arguments, dict):
                return Verdict(text="The arguments must be a JSON object.", is_error=True)
            self.restart = (str(arguments.get("reason", "")), str(arguments.get("instructions", "")))
        return Verdict(over=True)


@dataclass(slots=True)
class Presentation:
    """Runs the presentation and the evaluation of one attempt and reports each as a fact.

    `delivered` is the text that counts after `present`, the stored answer included.
    """

    team: Team
    coordinator: Coordinator
    briefing: Briefing
    counter: CallCounter
    archive: CallArchive | None = None
    budget: Budget | None = None
    delivered: str = ""

    async def present(self, present: Present, going_on: OpenRound | None = None) -> None:
        """COORD-024, COORD-101 to COORD-104. What a presentation that was cut off did is not done again."""
        agent = self.team.agent(present.agent)
        seat = self.coordinator.seat(present.agent)
        attempt = self.coordinator.attempt
        stored = attempt.find(present.label)
        watcher = self._watcher(agent, "presentation", channel="final")
        kept = going_on is not None and going_on.touched
        log.info("🎤 [%s] presenting final answer", agent.id)
        error = ""
        try:
            if agent.files is not None:
                await agent.files.begin_presentation(stored.tree if stored else None, kept=kept)
            context = tuple(answer.label for answer in attempt.current())
            if going_on is None or going_on.chunks or not going_on.announced:
                body = StartedStreaming(context=context, round_kind="presentation")
                self.coordinator.stream.emit(body, agent_id=agent.id, round=watcher.round)
            await self.briefing.show(attempt, agent, context)
            told = seat.runtime
            if going_on is not None and kept:
                told = seat.runtime[: going_on.unfinished.heard]
            else:
                self.coordinator.hear(agent.number)
            start = self.briefing.presentation(attempt, agent, present, told)
            if self.team.functions is not None:
                self.team.functions.calls.clear()
                start = replace(start, workflow=self.team.functions.specs)
            judge = PresentationJudge(self._stopped, self.team.functions)
            text = await self._run(agent, start, watcher, judge, "presentation", going_on)
        except MassGenError as failure:
            text, error = "", str(failure)
        self._log_calls(agent, watcher.round)
        delivered = bool(text.strip()) or self._asks_caller
        if not delivered and stored is not None:
            why = error or "it was empty"
            self.coordinator.stream.emit(
                Warned(text=f"The presentation failed ({why}); the chosen answer is delivered as it was."),
                agent_id=agent.id,
            )
        tree = await self._freeze(agent)
        self.delivered = text if text.strip() else (stored.text if stored else "")
        if self.delivered:
            self._announce(present, text, watcher, tree)
        if agent.files is not None:
            await agent.files.end_presentation(tree)
        now = self.coordinator.clock.now()
        self.coordinator.submit(PresentationEnded(at=now, delivered=delivered, error=error))

    @property
    def _asks_caller(self) -> bool:
        return self.team.functions is not None and bool(self.team.functions.calls)

    def _log_calls(self, agent: TeamAgent, round: int) -> None:
        emit = partial(self.coordinator.stream.emit, agent_id=agent.id, round=round)
        for call in self.team.functions.calls if self.team.functions is not None else ():
            emit(ToolStart(call_id=call.call_id, name=call.name, arguments=call.arguments))
            emit(ToolEnd(call_id=call.call_id, name=call.name, result=FOR_CALLER, is_error=False, milliseconds=0.0))

    def _stopped(self) -> bool:
        return self.coordinator.stopped.is_set()

    async def _freeze(self, agent: TeamAgent) -> str | None:
        if agent.files is None:
            return None
        return await agent.files.freeze(f"agent{agent.number}.final")

    def _announce(self, present: Present, text: str, watcher: RoundWatcher, tree: str | None) -> None:
        """The result stands in the log before the rules go on; the text only where it is nowhere else."""
        agent = self.team.agent(present.agent)
        presented = bool(text.strip())
        streamed = presented and "".join(watcher.final_parts) == text
        body = FinalAnswer(
            label=f"agent{present.agent}.final",
            preview=preview(self.delivered),
            source=None if presented else present.label,
            text=text if presented and not streamed else None,
            tree=tree,
        )
        self.coordinator.stream.emit(body, agent_id=agent.id, round=watcher.round)

    async def evaluate(self, evaluate: Evaluate, going_on: OpenRound | None = None) -> None:
        """COORD-106, COORD-107: an evaluation that fails confirms. Calls for the caller are no answer to judge."""
        if self._asks_caller:
            self.coordinator.submit(Evaluated(at=self.coordinator.clock.now(), restart=False))
            return
        agent = self.team.agent(evaluate.agent)
        attempt = self.coordinator.attempt
        delivered = self.delivered
        if not delivered:
            stored = attempt.find(attempt.winning_label)
            delivered = stored.text if stored else ""
        if self.team.debug_final_answer is not None and attempt.number == 1:
            delivered = self.team.debug_final_answer
        judge = EvaluationJudge(self._stopped)
        watcher = self._watcher(agent, "post_evaluation")
        log.info("🔍 Evaluating final answer")
        try:
            start = self.briefing.evaluation(agent, delivered)
            await self._run(agent, start, watcher, judge, "post_evaluation", going_on)
        except MassGenError as failure:
            text = f"The evaluation failed ({failure}); the delivered answer stands."
            self.coordinator.stream.emit(Warned(text=text), agent_id=agent.id)
        now = self.coordinator.clock.now()
        if judge.restart is None:
            self.coordinator.submit(Evaluated(at=now, restart=False))
        else:
            reason, instructions = judge.restart
            log.info("🔄 Restart requested by %s: %s", agent.id, reason)
            self.coordinator.submit(Evaluated(at=now, restart=True, reason=reason, instructions=instructions))

    def _updates(self, number: int) -> tuple[str, ...]:
        heard = self.coordinator.hear(number)
        return (heard,) if heard else ()

    def _watcher(self, agent: TeamAgent, kind: str, channel: str = "text") -> RoundWatcher:
        member = self.coordinator.attempt.member(agent.number)
        return RoundWatcher(
            stream=self.coordinator.stream,
            agent_id=agent.id,
            round=max(member.round, -1) + 1,
            round_kind=kind,
            model=agent.backend.model,
            provider=agent.backend.provider,
            counter=self.counter,
            archive=self.archive,
            channel=channel,
        )

    async def _run(
        self,
        agent: TeamAgent,
        start: RoundStart,
        watcher: RoundWatcher,
        judge: PresentationJudge,
        phase: str,
        going_on: OpenRound | None,
    ) -> str:
        caller = ModelCaller(
            backend=agent.backend, observer=watcher, agent_id=agent.id, round=watcher.round, phase=phase
        )
        caller.compression = compression_of(agent, watcher)
        if self.budget is not None:
            caller.before = partial(self.budget.check_presenter, self.coordinator, agent.id)
        seat = self.coordinator.seat(agent.number)
        tools = None
        if phase == "presentation":
            tools = await ToolDesk(agent, seat, watcher.round, "presentation", self.coordinator.stream).open()
        running = Round(
            start=start, caller=caller, judge=judge, tools=tools, updates=lambda: self._updates(agent.number)
        )
        running.memory = memory_of(agent, watcher)
        if going_on is not None and going_on.touched:
            running.unfinished = watcher.take_up(going_on.unfinished)
        await running.run()
        return running.last_text
