"""Runs one attempt: every agent's rounds side by side, then the presentation, then perhaps its evaluation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from massgen.agents.calling import ModelCaller
from massgen.agents.round import Round
from massgen.coordination.directives import Evaluate, Finish, Present, RestartAttempt, StartRound
from massgen.coordination.facts import (
    AgentFailed,
    AgentTimedOut,
    AttemptBegan,
    DeadlineReached,
    Fact,
    PresentationEnded,
    Resumed,
    RoundClosed,
    RoundReady,
)
from massgen.engine.briefing import Briefing
from massgen.engine.budget import Budget
from massgen.engine.context import compression_of, memory_of
from massgen.engine.coordinator import Coordinator
from massgen.engine.judging import CoordinationJudge
from massgen.engine.limits import AgentLimit, AgentSkip, RoundCut, RoundLimits
from massgen.engine.presenting import Presentation
from massgen.engine.resumption import OpenRound, Resumption
from massgen.engine.seat import Seat
from massgen.engine.team import Team, TeamAgent, ToolDesk
from massgen.engine.watching import CallArchive, CallCounter, RoundWatcher
from massgen.errors import BackendError, MassGenError
from massgen.events.types import Warned

log = logging.getLogger(__name__)
STOP_PATIENCE = 5.0


@dataclass(slots=True)
class AttemptRunner:
    """`run` returns when the rules say that the attempt is over. `deadline` is run time, None for no limit."""

    team: Team
    coordinator: Coordinator
    briefing: Briefing
    counter: CallCounter
    archive: CallArchive | None = None
    deadline: float | None = None
    excluded: tuple[int, ...] = ()
    skipped: tuple[int, ...] = ()
    resume: Resumption | None = None
    budget: Budget | None = None
    presentation: Presentation | None = None
    _drivers: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> Finish | RestartAttempt:
        """Raises nothing that an agent, a tool or a provider caused."""
        async with asyncio.TaskGroup() as group:
            timer = group.create_task(self._watch_deadline())
            for seat in self.coordinator.seats:
                self._drivers[seat.number] = group.create_task(self._drive(seat))
            self._begin()
            work: asyncio.Task[None] | None = None
            while True:
                decision = await self.coordinator.decision()
                await self._dismiss_drivers()
                if isinstance(decision, Finish | RestartAttempt):
                    break
                work = group.create_task(self._deliver(decision))
            timer.cancel()
            if work is not None:
                work.cancel()
        return decision

    def close(self, decision: Finish | RestartAttempt) -> Finish | RestartAttempt:
        """The attempt ended in a process that died before it could act on `decision`."""
        resume = self.resume
        if resume is not None:
            self.coordinator.report(resume.missing, resume.shown, resume.phase)
            self._presenter().delivered = resume.delivered
        return decision

    def _begin(self) -> None:
        """From the start, or where a process that died stopped."""
        resume = self.resume
        if resume is None or not resume.begun:
            self.coordinator.submit(AttemptBegan(at=self._now(), excluded=self.excluded, skipped=self.skipped))
            return
        self.coordinator.report(resume.missing, resume.shown, resume.phase)
        for seat in self.coordinator.seats:
            seat.worked(resume.worked.get(seat.number, 0.0))
        self.coordinator.submit(Resumed(at=self._now(), continued=tuple(sorted(resume.rounds))))
        if resume.delivered:
            self._presenter().delivered = resume.delivered
        if isinstance(resume.pending, Present) and resume.delivered:
            self.coordinator.submit(PresentationEnded(at=self._now(), delivered=resume.presented))
        elif resume.pending is not None:
            self.coordinator.decide(resume.pending)

    def _presenter(self) -> Presentation:
        self.presentation = self.presentation or Presentation(
            team=self.team,
            coordinator=self.coordinator,
            briefing=self.briefing,
            counter=self.counter,
            archive=self.archive,
            budget=self.budget,
        )
        return self.presentation

    async def _deliver(self, decision: Present | Evaluate) -> None:
        going_on = None
        if self.resume is not None and decision is self.resume.pending:
            going_on = self.resume.closing
        if isinstance(decision, Present):
            await self._presenter().present(decision, going_on)
        else:
            await self._presenter().evaluate(decision, going_on)

    def _spending(self, agent: TeamAgent) -> Callable[[], Awaitable[None]] | None:
        """What is asked before each model call of a round: whether its price may still be paid."""
        if self.budget is None:
            return None
        budget = self.budget

        async def check() -> None:
            await budget.check_run(self.coordinator)
            used_up = budget.used_up(agent.id)
            if used_up:
                raise AgentLimit(used_up)

        return check

    def _now(self) -> float:
        return self.coordinator.clock.now()

    async def _watch_deadline(self) -> None:
        if self.deadline is not None:
            await self.coordinator.clock.sleep_until(self.deadline)
            self.coordinator.submit(DeadlineReached(at=self._now()))

    async def _dismiss_drivers(self) -> None:
        """No round goes on; tool calls in progress may finish first (COORD-114, COORD-123)."""
        drivers, self._drivers = self._drivers, {}
        for seat in self.coordinator.seats:
            if not seat.in_tools and seat.number in drivers:
                drivers.pop(seat.number).cancel()
        self._say_who_finishes()
        await self._tools_done()
        for driver in drivers.values():
            driver.cancel()

    def _say_who_finishes(self) -> None:
        """A run whose time is over goes on for a while where tools run; people are told what it waits for."""
        working = [self.team.agent(seat.number).id for seat in self.coordinator.seats if seat.in_tools]
        if working and self.coordinator.stop_reason == "timeout":
            wait = f"waiting up to {self.team.limits.grace:.0f} s for tools of {', '.join(working)}"
            self.coordinator.stream.emit(Warned(text=f"The time of the run is over; {wait}."))

    async def _tools_done(self) -> None:
        """Wait for running tool calls, those of a presentation included, but not for ever."""
        limit = self.team.limits.grace if self.coordinator.stop_reason == "timeout" else STOP_PATIENCE
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                for seat in self.coordinator.seats:
                    await seat.tools_idle.wait()

    async def _drive(self, seat: Seat) -> None:
        """One agent: wait until a round is wanted, run it, again. A round of a process that died comes first."""
        going_on = self.resume.rounds.get(seat.number) if self.resume is not None else None
        if going_on is not None and going_on.start is not None:
            await self._run_round(seat, going_on.start, going_on)
            self._tell_round(going_on.start.round)
            seat.total.pause()
        while True:
            await seat.summoned.wait()
            seat.summoned.clear()
            seat.clear()
            self.coordinator.submit(RoundReady(at=self._now(), agent=seat.number))
            directive = await seat.next()
            if isinstance(directive, StartRound):
                await self._run_round(seat, directive)
                _stay_cancelled()
                self._tell_round(directive.round)
            seat.total.pause()

    def _tell_round(self, round: int) -> None:
        """COORD-122."""
        limit = "∞" if self.team.limits.run is None else f"{self.team.limits.run:.0f}s"
        log.debug("Round %d complete (elapsed: %.0fs / %s)", round + 1, self._now(), limit)

    async def _run_round(self, seat: Seat, start: StartRound, going_on: OpenRound | None = None) -> None:
        """A round and everything that may end it from outside; its failure is a fact, never an exception."""
        agent = self.team.agent(seat.number)
        if going_on is None:
            seat.begin_round()
        else:
            hard = self.coordinator.attempt.member(seat.number).hard_limit
            seat.begin_round(going_on.used, warned=going_on.warned, hard_limit=hard)
        holder = _Spoken()
        try:
            await self._limited(agent, seat, start, holder, going_on)
        except* RoundCut as group:
            cut = next(_leaves(group))
            self._submit_cut(seat, cut, holder.text())
        except* BackendError as group:
            error = next(_leaves(group))
            self._fail(seat, getattr(error, "kind", "api_error"), str(error))
        except* MassGenError as group:
            self._fail(seat, "error", str(next(_leaves(group))))
        except* Exception as group:
            log.error("exception in a round of %s", agent.id, exc_info=group)
            self._fail(seat, "internal", str(next(_leaves(group))) or "internal error")

    def _fail(self, seat: Seat, kind: str, message: str) -> None:
        self._submit(AgentFailed(at=self._now(), agent=seat.number, error_type=kind, message=message))

    def _submit(self, fact: Fact) -> None:
        self.coordinator.submit(fact)

    def _submit_cut(self, seat: Seat, cut: BaseException, text: str) -> None:
        now = self._now()
        if isinstance(cut, AgentSkip):
            return
        if isinstance(cut, AgentLimit):
            self._submit(AgentTimedOut(at=now, agent=seat.number, message=str(cut)))
        else:
            self._submit(RoundClosed(at=now, agent=seat.number, text=text))

    async def _limited(
        self, agent: TeamAgent, seat: Seat, start: StartRound, spoken: _Spoken, going_on: OpenRound | None
    ) -> None:
        async with asyncio.TaskGroup() as group:
            limits = RoundLimits(seat, self.coordinator, self.team.limits, first=start.round == 0)
            watching = [group.create_task(watch) for watch in limits.watches()]
            await self._play(agent, seat, start, limits, spoken, going_on)
            for task in watching:
                task.cancel()

    async def _play(
        self,
        agent: TeamAgent,
        seat: Seat,
        start: StartRound,
        limits: RoundLimits,
        spoken: _Spoken,
        going_on: OpenRound | None,
    ) -> None:
        attempt = self.coordinator.attempt
        if going_on is not None and not going_on.announced:
            self.coordinator.tell_round(start)
        kept = going_on is not None and going_on.touched
        if agent.files is not None:
            await agent.files.begin_round(attempt.member(agent.number).count, kept=kept)
        await self.briefing.show(attempt, agent, start.visible)
        watcher = RoundWatcher(
            stream=self.coordinator.stream,
            agent_id=agent.id,
            round=start.round,
            round_kind="vote" if start.kind == "vote_only" else "answer",
            model=agent.backend.model,
            provider=agent.backend.provider,
            counter=self.counter,
            archive=self.archive,
        )
        judge = CoordinationJudge(agent, self.coordinator, self.briefing, limits, going_on)
        desk = ToolDesk(agent, seat, start.round, "coordination", self.coordinator.stream)
        caller = ModelCaller(
            backend=agent.backend, observer=watcher, agent_id=agent.id, round=start.round, phase=start.kind
        )
        caller.before = self._spending(agent)
        caller.compression = compression_of(agent, watcher)
        if not kept:
            self.coordinator.hear(agent.number)
        told = seat.runtime[: going_on.unfinished.heard] if going_on is not None and kept else seat.runtime
        begin = self.briefing.round_start(attempt, agent, start, told)
        tools = limits.guard(await desk.open())
        spoken.round = Round(start=begin, caller=caller, judge=judge, tools=tools, updates=limits.updates)
        if going_on is not None and kept:
            spoken.round.unfinished = watcher.take_up(going_on.unfinished)
        spoken.round.memory = memory_of(agent, watcher)
        seat.conversation = spoken.round.buffer.so_far
        await spoken.round.run()
        latest = self.coordinator.attempt.latest(agent.number)
        if agent.files is not None and latest is not None:
            await agent.files.show(agent.number, latest.label, latest.tree)


def _stay_cancelled() -> None:
    """A round that is cut and cancelled in the same moment raises only the cut (a task group's errors win)."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@dataclass(slots=True)
class _Spoken:
    """What an agent said before its round was cut."""

    round: Round | None = None

    def text(self) -> str:
        return self.round.last_text if self.round is not None else ""


def _leaves(group: BaseExceptionGroup[BaseException]):
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
