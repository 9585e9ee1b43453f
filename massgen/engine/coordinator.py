"""Where the machine meets the world: a fact is written down, then applied, then its directives are carried out.

Everything here is synchronous, so facts are serialised by construction (COORD-009).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import assert_never

from massgen.coordination.ballots import tally
from massgen.coordination.directives import (
    AbandonRound,
    AcceptAnswer,
    AcceptStop,
    AcceptVote,
    Directive,
    EndRound,
    Evaluate,
    Finish,
    Hold,
    Inject,
    Judge,
    Present,
    Proceed,
    Refuse,
    Remind,
    RestartAttempt,
    StartRound,
    StopRounds,
    Summon,
    VoidVote,
)
from massgen.coordination.facts import (
    AnswerProposed,
    Evaluated,
    Fact,
    StopProposed,
    VoteProposed,
    fact_values,
)
from massgen.coordination.machine import advance
from massgen.coordination.prompts import runtime_text
from massgen.coordination.state import Attempt
from massgen.engine.clock import Clock
from massgen.engine.seat import Seat
from massgen.events.stream import EventStream
from massgen.events.types import (
    AgentStatus,
    FactRecorded,
    Injection,
    NewAnswer,
    PhaseChange,
    Restart,
    RestartCompleted,
    StartedStreaming,
    Vote,
    WinnerSelected,
)

PREVIEW = 200
DURABLE = (AnswerProposed, VoteProposed, StopProposed, Evaluated)
Decision = Present | Evaluate | RestartAttempt | Finish


def preview(text: str, size: int = PREVIEW) -> str:
    """The first characters on one line."""
    return " ".join(text[: size * 2].split())[:size]


class Coordinator:
    """Drives one attempt. `agents` are the real ids by number; `decision` is awaited by the attempt's runner."""

    def __init__(self, attempt: Attempt, agents: Sequence[str], stream: EventStream, clock: Clock) -> None:
        self.attempt = attempt
        self.stream = stream
        self.clock = clock
        self.seats = [Seat(number, clock) for number in range(1, len(agents) + 1)]
        self.stop_reason: str = ""
        self.stopped = asyncio.Event()
        self._agents = agents
        self._decisions: asyncio.Queue[Decision] = asyncio.Queue()
        self._winner_told = False

    def agent_id(self, number: int) -> str:
        return self._agents[number - 1]

    def seat(self, number: int) -> Seat:
        return self.seats[number - 1]

    def decide(self, decision: Decision) -> None:
        """Take up a decision of a process that died before it was carried out."""
        self._decisions.put_nowait(decision)

    def tell_round(self, start: StartRound) -> None:
        """The beginning of a round that an ended process owed the log."""
        self._record(start)

    def report(self, missing: Sequence[Directive], shown: Sequence[tuple[str, int]], phase: str) -> None:
        """Events that an ended process owed the log: `missing` directives, and states that differ from `shown`."""
        self._winner_told = self.attempt.winner is not None
        for directive in missing:
            if isinstance(directive, Present | Finish):
                self._winner_told = False
                self._tell_winner(directive)
            else:
                self._record(directive)
        for member, before in zip(self.attempt.members, shown, strict=True):
            if before != (member.status, member.restarted):
                self._announce_status(member.number)
        if phase != self.attempt.phase:
            self.stream.emit(PhaseChange(phase=self.attempt.phase))

    async def decision(self) -> Decision:
        """The next word that concerns the whole team."""
        return await self._decisions.get()

    def submit(self, fact: Fact) -> None:
        """Write the fact, apply it, carry out what follows."""
        number = getattr(fact, "agent", None)
        agent_id = self.agent_id(number) if number else None
        round = self.attempt.member(number).round if number else 0
        recorded = FactRecorded(fact=type(fact).__name__, at=fact.at, values=fact_values(fact))
        self.stream.emit(recorded, agent_id=agent_id, round=max(round, 0), durable=isinstance(fact, DURABLE))
        before = self.attempt
        self.attempt, directives = advance(before, fact)
        for directive in directives:
            self._carry_out(directive)
        self._announce_changes(before)

    def _carry_out(self, directive: Directive) -> None:
        match directive:
            case Summon():
                self._summon(directive)
            case Present() | Finish():
                self._tell_winner(directive)
                self._decisions.put_nowait(directive)
            case Evaluate() | RestartAttempt():
                self._decisions.put_nowait(directive)
            case StopRounds(reason=reason):
                self.stop_reason = reason
                self.stopped.set()
            case VoidVote():
                return
            case (
                StartRound() | AcceptAnswer() | AcceptVote() | AcceptStop() | Refuse() | Hold() | Remind()
                | Proceed() | Inject() | Judge() | AbandonRound() | EndRound()
            ):  # fmt: skip
                self._record(directive)
                self.seat(directive.agent).deliver(directive)
            case _:
                assert_never(directive)

    def _summon(self, directive: Summon) -> None:
        if directive.cause == "peer_answer":
            member = self.attempt.member(directive.agent)
            labels = self.attempt.unseen(member)
            self._emit(directive.agent, Restart(reason="a peer's answer", labels=labels))
        self.seat(directive.agent).summoned.set()

    def _emit(self, number: int, body: Restart | RestartCompleted | StartedStreaming | NewAnswer | Vote) -> None:
        round = max(self.attempt.member(number).round, 0)
        self.stream.emit(body, agent_id=self.agent_id(number), round=round)

    def _record(self, directive: Directive) -> None:
        """The documented events of what an agent is told."""
        match directive:
            case StartRound(agent=agent):
                if directive.cause in ("peer_answer", "released"):
                    self._emit(agent, RestartCompleted(context=directive.visible))
                self._emit(agent, StartedStreaming(context=directive.visible, round_kind=directive.kind))
            case AcceptAnswer(agent=agent, label=label, context=context):
                answer = self.attempt.find(label)
                if answer is not None:
                    body = NewAnswer(label=label, preview=preview(answer.text), context=context, tree=answer.tree)
                    self._emit(agent, body)
            case AcceptVote(agent=agent):
                target = self.agent_id(directive.target)
                body = Vote(
                    agent=target, label=directive.label, reason=directive.reason, context=directive.context
                )
                self._emit(agent, body)
            case _:
                return

    def injected(
        self, number: int, labels: Sequence[str], text: str, source: str, said: Sequence[str] = ()
    ) -> None:
        """Record what was added to a running round."""
        round = max(self.attempt.member(number).round, 0)
        body = Injection(source=source, text=text, labels=tuple(labels), said=tuple(said))
        self.stream.emit(body, agent_id=self.agent_id(number), round=round)

    def hear(self, number: int) -> str:
        """What people said since the agent last listened, as it is put before the model; empty without any."""
        texts = self.seat(number).words.take()
        if not texts:
            return ""
        text = runtime_text(texts)
        self.injected(number, (), text, "human", said=texts)
        return text

    def _tell_winner(self, directive: Present | Finish) -> None:
        attempt = self.attempt
        if self._winner_told or attempt.winner is None:
            return
        self._winner_told = True
        count = tally(attempt)
        body = WinnerSelected(
            agent=self.agent_id(attempt.winner),
            label=attempt.winning_label,
            votes={} if attempt.rules.mode == "decomposition" else count.votes,
            is_tie=count.is_tie,
            how=directive.how,
        )
        self.stream.emit(body, agent_id=self.agent_id(attempt.winner))

    def _announce_changes(self, before: Attempt) -> None:
        for old, new in zip(before.members, self.attempt.members, strict=True):
            if (old.status, old.restarted) != (new.status, new.restarted):
                self._announce_status(new.number)
        if before.phase != self.attempt.phase:
            self.stream.emit(PhaseChange(phase=self.attempt.phase))

    def _announce_status(self, number: int) -> None:
        member = self.attempt.member(number)
        body = AgentStatus(
            status=member.status,
            error_type=member.error_type or None,
            error_message=member.error_message or None,
            times_restarted=member.restarted,
        )
        self.stream.emit(body, agent_id=self.agent_id(number), round=max(member.round, 0))
