"""One turn: a question in, a result out, over as many attempts as the rules allow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from massgen.backends.protocol import Message
from massgen.coordination.ballots import all_voted, tally
from massgen.coordination.directives import Finish, RestartAttempt
from massgen.coordination.facts import AgentSkipped, Cancelled
from massgen.coordination.prompts import PastAttempt
from massgen.coordination.state import Attempt, new_attempt
from massgen.engine.attempt import AttemptRunner
from massgen.engine.briefing import Briefing
from massgen.engine.budget import Budget
from massgen.engine.clock import Clock
from massgen.engine.coordinator import Coordinator, preview
from massgen.engine.resumption import Resumption
from massgen.engine.team import Question, Team
from massgen.engine.watching import CallArchive, CallCounter
from massgen.engine.words import RuntimeWords, Said
from massgen.errors import EXIT_EXECUTION, EXIT_INTERRUPTED, EXIT_OK, EXIT_TIMEOUT
from massgen.events.continuing import Spoken
from massgen.events.stream import EventStream
from massgen.events.types import AttemptStart, ErrorOccurred, FinalAnswer, OrchestrationRestart, SessionEnd

log = logging.getLogger(__name__)
EXIT_CODES = {"complete": EXIT_OK, "timeout": EXIT_TIMEOUT, "cancelled": EXIT_INTERRUPTED, "failed": EXIT_EXECUTION}


class AnswerRecord(Struct, frozen=True, kw_only=True):
    """One accepted answer, for results (COORD-043)."""

    label: str
    agent_id: str
    number: int
    text: str
    tree: str | None


class VoteRecord(Struct, frozen=True, kw_only=True):
    """A vote that stood at the end."""

    voter: int
    target: int
    label: str
    reason: str


class TurnResult(Struct, frozen=True, kw_only=True):
    """What a turn came to. `text` is the delivered answer, empty without one; `winner` its agent's number."""

    outcome: str
    exit_code: int
    text: str = ""
    winner: int | None = None
    label: str = ""
    is_tie: bool = False
    consensus: bool = False
    attempt: int = 1
    answers: tuple[AnswerRecord, ...] = ()
    votes: tuple[VoteRecord, ...] = ()
    errors: dict[str, str] = msgspec.field(default_factory=dict)
    message: str = ""


async def _nothing(finish: Finish, text: str) -> None:
    return None


@dataclass(slots=True)
class TurnRunner:
    """Run once with `run`; `cancel` ends it with what there is (COORD-123).

    `deadline` is run time for all attempts together (COORD-113). `on_attempt(turn, attempt)` prepares the place
    of an attempt before its first event; `closing` is awaited with the result before the last event. `resume` is
    where another process stopped.
    """

    team: Team
    question: Question
    stream: EventStream
    clock: Clock
    turn: int = 1
    archive: CallArchive | None = None
    on_attempt: Callable[[int, int], None] = field(default=lambda turn, attempt: None)
    closing: Callable[[Finish, str], Awaitable[None]] = field(default=_nothing)
    counter: CallCounter = field(default_factory=CallCounter)
    past: tuple[PastAttempt, ...] = ()
    resume: Resumption | None = None
    budget: Budget | None = None
    said: list[Said] = field(default_factory=list)
    _words: dict[int, RuntimeWords] = field(default_factory=dict)
    _coordinator: Coordinator | None = None
    _cancelled: bool = False
    _skipped: set[int] = field(default_factory=set)

    def cancel(self) -> None:
        """Stop model calls, keep what is there; `run` returns soon."""
        if self._cancelled:
            return
        self._cancelled = True
        if self._coordinator is not None:
            self._coordinator.submit(Cancelled(at=self.clock.now()))

    def skip(self, agent_id: str) -> bool:
        """Send an agent out for the rest of the turn; its answers stay. False: there is no such agent."""
        number = next((agent.number for agent in self.team.agents if agent.id == agent_id), None)
        if number is None:
            return False
        self._skipped.add(number)
        if self._coordinator is not None:
            asyncio.get_running_loop().call_soon(self._send_out, self._coordinator, number)
        return True

    def _send_out(self, coordinator: Coordinator, number: int) -> None:
        """Not while another fact is being applied."""
        coordinator.submit(AgentSkipped(at=self.clock.now(), agent=number))
        coordinator.seat(number).skipped.set()

    def conversation(self, number: int) -> Sequence[Message]:
        """What is in an agent's context now; empty before its first round."""
        return self._coordinator.seat(number).conversation() if self._coordinator is not None else ()

    def inject(self, text: str, agent_id: str | None = None) -> bool:
        """Tell one agent, or all, at its next safe point (SESS-045). False: there is no such agent."""
        numbers = [agent.number for agent in self.team.agents if agent_id in (None, agent.id)]
        if not numbers:
            return False
        said = Said(text)
        self.said.append(said)
        self.stream.emit(Spoken(text=text, agents=tuple(self.team.agent(number).id for number in numbers)))
        for number in numbers:
            self._words.setdefault(number, RuntimeWords()).put(said)
        return True

    async def run(self) -> TurnResult:
        """All attempts; the last event of the turn is `session_end`, whatever happened."""
        limit = self.team.limits.run
        log.debug("Orchestrator timeout configured: %s", "none" if limit is None else f"{limit:.0f} seconds")
        log.debug("Starting coordination...")
        resume = self.resume
        began = resume.began if resume is not None else self.clock.now()
        deadline = began + limit if limit is not None else None
        excluded: tuple[int, ...] = ()
        if resume is not None:
            self.past, excluded = resume.past, resume.excluded
            self.counter.count += resume.calls
            for words_of, words in resume.words.items():
                own = self._words.setdefault(words_of, RuntimeWords())
                own.restore(words.delivered, words.waiting)
        number = len(self.past) + 1
        while True:
            resume, self.resume = self.resume, None
            runner = self._attempt(number, excluded, deadline, resume)
            decision = await runner.run() if resume is None or resume.ended is None else runner.close(resume.ended)
            attempt = runner.coordinator.attempt
            if isinstance(decision, Finish):
                text = self._delivered(runner, attempt, decision)
                await self.closing(decision, text)
                return self._finish(attempt, decision, text)
            self._skipped |= {member.number for member in attempt.members if member.skipped}
            self.past = (*self.past, PastAttempt(reason=decision.reason, instructions=decision.instructions))
            number += 1
            if resume is None or not resume.announced:
                self._announce_restart(number, decision)
            excluded = tuple(member.number for member in attempt.members if member.status == "timeout")

    def _attempt(
        self, number: int, excluded: tuple[int, ...], deadline: float | None, resume: Resumption | None
    ) -> AttemptRunner:
        self.on_attempt(self.turn, number)
        self.stream.place(self.turn, number)
        if resume is None:
            last = self.past[-1] if self.past else PastAttempt(reason="", instructions="")
            body = AttemptStart(
                rules=msgspec.structs.asdict(self.team.rules), reason=last.reason, instructions=last.instructions
            )
            self.stream.emit(body)
        coordinator = Coordinator(
            new_attempt(self.team.rules, number) if resume is None else resume.attempt,
            [agent.id for agent in self.team.agents],
            self.stream,
            self.clock,
        )
        for seat in coordinator.seats:
            seat.words = self._words.setdefault(seat.number, RuntimeWords())
        self._coordinator = coordinator
        runner = AttemptRunner(
            team=self.team,
            coordinator=coordinator,
            briefing=Briefing(team=self.team, question=self.question, past=self.past),
            counter=self.counter,
            archive=self.archive,
            deadline=deadline,
            excluded=excluded,
            skipped=tuple(sorted(self._skipped)),
            resume=resume,
            budget=self.budget,
        )
        if self._cancelled:
            coordinator.submit(Cancelled(at=self.clock.now()))
        return runner

    def _announce_restart(self, number: int, decision: RestartAttempt) -> None:
        body = OrchestrationRestart(
            next_attempt=number,
            max_attempts=self.team.rules.max_restarts + 1,
            reason=decision.reason,
            instructions=decision.instructions,
        )
        self.stream.emit(body)

    def _finish(self, attempt: Attempt, finish: Finish, text: str) -> TurnResult:
        errors = {
            self.team.agent(member.number).id: member.error_message
            for member in attempt.members
            if member.error_message
        }
        spent = self.budget.message if self.budget is not None else ""
        message = spent or _message(finish, errors, self.team.limits.run)
        if finish.outcome == "failed":
            self.stream.emit(ErrorOccurred(error_type="no_answer", message=message))
        exit_code = EXIT_CODES[finish.outcome]
        body = SessionEnd(exit_code=exit_code, reason=_reason(finish), message=message)
        self.stream.emit(body, durable=True)
        return TurnResult(
            outcome=finish.outcome,
            exit_code=exit_code,
            text=text,
            winner=finish.winner if text else None,
            label=finish.label,
            is_tie=tally(attempt).is_tie,
            consensus=finish.outcome == "complete" and all_voted(attempt),
            attempt=attempt.number,
            answers=self._answers(attempt),
            votes=tuple(
                VoteRecord(voter=m.number, target=m.vote.target, label=m.vote.label, reason=m.vote.reason)
                for m in attempt.members
                if m.vote is not None
            ),
            errors=errors,
            message=message,
        )

    def _delivered(self, runner: AttemptRunner, attempt: Attempt, finish: Finish) -> str:
        """The text that counts; one that no presentation announced is announced here."""
        presentation = runner.presentation
        if presentation is not None and presentation.delivered:
            return presentation.delivered
        stored = attempt.find(finish.label)
        if stored is None or finish.winner is None:
            return ""
        body = FinalAnswer(
            label=f"agent{finish.winner}.final",
            preview=preview(stored.text),
            source=stored.label,
            partial=finish.outcome != "complete",
            tree=stored.tree,
        )
        agent = self.team.agent(finish.winner)
        self.stream.emit(body, agent_id=agent.id, round=attempt.member(finish.winner).round)
        return stored.text

    def _answers(self, attempt: Attempt) -> tuple[AnswerRecord, ...]:
        return tuple(
            AnswerRecord(
                label=answer.label,
                agent_id=self.team.agent(answer.agent).id,
                number=answer.agent,
                text=answer.text,
                tree=answer.tree,
            )
            for answer in attempt.answers
        )


def _reason(finish: Finish) -> str:
    return {"complete": "complete", "timeout": "timeout", "cancelled": "cancelled", "failed": "error"}[finish.outcome]


def _message(finish: Finish, errors: dict[str, str], limit: float | None) -> str:
    match finish.outcome:
        case "complete":
            return ""
        case "timeout":
            return f"The orchestrator timeout of {limit:g} seconds was reached."
        case "cancelled":
            return "The run was interrupted."
        case _:
            causes = "; ".join(f"{agent}: {text}" for agent, text in errors.items())
            return f"No agent gave an answer. {causes}" if causes else "No agent gave an answer."
