"""The protocol: `advance(attempt, fact)` gives the next state and what the engine has to do.

    every agent answers alone         -> AttemptBegan, RoundReady, AnswerProposed
    then sees all newest answers      -> RoundReady again: a fresh round
    and improves, or votes            -> AnswerProposed (voids the others' votes), VoteProposed
    until all votes stand together    -> Present, PresentationEnded
    and, if asked to, judges and starts over -> Evaluate, Evaluated

No clock, no I/O, no randomness: the same facts give the same directives. Rules: coordination.md, section 2.3.
"""

from __future__ import annotations

from typing import assert_never

from massgen.coordination import checklist, pacing, proposals, rounds
from massgen.coordination.ballots import best_available
from massgen.coordination.directives import (
    Directive,
    EndRound,
    Evaluate,
    Finish,
    Present,
    Proceed,
    Remind,
    RestartAttempt,
    StopRounds,
    Summon,
)
from massgen.coordination.facts import (
    AgentFailed,
    AgentSkipped,
    AgentTimedOut,
    AnswerProposed,
    ApproachDrafted,
    AttemptBegan,
    Cancelled,
    ChecklistSubmitted,
    DeadlineReached,
    Evaluated,
    Fact,
    HardLimitReached,
    PresentationEnded,
    ResponseEnded,
    Resumed,
    RoundClosed,
    RoundReady,
    SafePointReached,
    StopProposed,
    VoteProposed,
)
from massgen.coordination.rules import REMINDERS
from massgen.coordination.state import Attempt, Member


def advance(attempt: Attempt, fact: Fact) -> tuple[Attempt, tuple[Directive, ...]]:
    """The next state and the directives, in order. The given attempt is not changed.

    After the attempt is over, or for an agent whose round has ended, facts change nothing.
    """
    draft = attempt.copy()
    if attempt.over:
        agent = getattr(fact, "agent", None)
        return draft, (EndRound(agent=agent, reason="the coordination is over"),) if agent else ()
    _apply(draft, fact)
    if not draft.over and draft.phase != "presentation":
        pacing.settle(draft)
    out, draft.out = tuple(draft.out), []
    return draft, out


def _apply(draft: Attempt, fact: Fact) -> None:
    match fact:
        case AttemptBegan():
            _begin(draft, fact)
        case Resumed():
            _resume(draft, fact.continued)
        case RoundReady():
            rounds.begin_round(draft, fact)
        case PresentationEnded():
            _presented(draft, fact)
        case Evaluated():
            _evaluated(draft, fact)
        case AgentSkipped(agent=agent):
            if draft.phase != "presentation":
                rounds.skip(draft, draft.member(agent))
        case DeadlineReached():
            _stop(draft, "timeout")
        case Cancelled():
            _stop(draft, "cancelled")
        case _:
            _apply_to_agent(draft, fact)


def _apply_to_agent(
    draft: Attempt,
    fact: AnswerProposed | VoteProposed | StopProposed | ChecklistSubmitted | ApproachDrafted | SafePointReached
    | ResponseEnded | HardLimitReached | RoundClosed | AgentFailed | AgentTimedOut,
) -> None:  # fmt: skip
    member = draft.member(fact.agent)
    in_round = member.status == "streaming" and draft.phase != "presentation"
    if isinstance(fact, HardLimitReached) and not in_round:
        return
    if not in_round and not isinstance(fact, AgentFailed | AgentTimedOut):
        draft.say(EndRound(agent=member.number, reason="the round is over"))
        return
    match fact:
        case AnswerProposed():
            proposals.propose_answer(draft, fact)
        case VoteProposed():
            proposals.propose_vote(draft, fact)
        case StopProposed():
            proposals.propose_stop(draft, fact)
        case ChecklistSubmitted():
            checklist.submit(draft, fact)
        case ApproachDrafted():
            member.drafted = True
            draft.say(Proceed(agent=member.number))
        case SafePointReached():
            rounds.at_safe_point(draft, fact)
        case ResponseEnded():
            _no_action(draft, fact)
        case HardLimitReached():
            member.hard_limit = True
        case RoundClosed():
            _closed(draft, fact)
        case AgentFailed():
            rounds.fail(draft, member, "error", fact.error_type, fact.message)
        case AgentTimedOut():
            rounds.fail(draft, member, "timeout", "timeout", fact.message)
        case _:
            assert_never(fact)


def _begin(draft: Attempt, fact: AttemptBegan) -> None:
    for member in draft.members:
        if member.number in fact.excluded:
            member.status = "timeout"
        elif member.number in fact.skipped:
            rounds.skip(draft, member)
    if draft.rules.skip_coordination:
        presenter = draft.rules.presenter or 1
        draft.phase = "presentation"
        draft.winner, draft.how = presenter, "presenter"
        draft.say(Present(agent=presenter, label="", how="presenter"))
        return
    for member in draft.members:
        if not member.settled:
            rounds.want_round(draft, member, "begin")


def _resume(draft: Attempt, continued: tuple[int, ...]) -> None:
    """A round that could not be kept when its process died, or a held one, begins again from a fresh context."""
    if draft.phase == "presentation":
        return
    for member in draft.members:
        if member.due is not None:
            draft.say(Summon(agent=member.number, cause="resumed"))
        elif member.status == "streaming" and member.number not in continued:
            rounds.begin_again(draft, member)


def _no_action(draft: Attempt, fact: ResponseEnded) -> None:
    """A response without a terminal call: a safe point, then up to three reminders (COORD-015, COORD-017)."""
    member = draft.member(fact.agent)
    before = len(draft.out)
    if draft.unseen(member):
        rounds.at_safe_point(
            draft,
            SafePointReached(
                at=fact.at, agent=fact.agent, can_inject=fact.can_inject, seconds_left=fact.seconds_left
            ),
        )
        if not isinstance(draft.out[-1], Proceed):
            return
        del draft.out[before:]
    if member.reminders < REMINDERS and not draft.rules.plain:
        member.reminders += 1
        draft.say(Remind(agent=member.number, tools=member.tools))
        return
    _take_text(draft, fact.agent, fact.text, fact.at, fact.tree)


def _closed(draft: Attempt, fact: RoundClosed) -> None:
    member = draft.member(fact.agent)
    takes_text = fact.text.strip() and "new_answer" in member.tools
    if member.count or takes_text:
        _take_text(draft, fact.agent, fact.text, fact.at)
    else:
        message = "nothing was submitted before the round's time limit"
        rounds.fail(draft, member, "timeout", "timeout", message)


def _take_text(draft: Attempt, number: int, text: str, at: float, tree: str | None = None) -> None:
    """The words of an agent that never called a tool count as its answer if it has none; else it abstains."""
    member = draft.member(number)
    if member.count == 0 and text.strip() and ("new_answer" in member.tools or draft.rules.plain):
        if not rounds.lose_first_answer(draft, member):
            proposals.accept_answer(draft, member, text, tree, at)
    else:
        rounds.give_up(draft, member)


def _stop(draft: Attempt, reason: str) -> None:
    """COORD-025: no new model calls; what is best now counts."""
    draft.over = True
    kind = "timeout" if reason == "timeout" else "cancelled"
    draft.say(StopRounds(reason=kind))
    chosen = draft.find(draft.winning_label) or best_available(draft)
    if chosen is not None:
        draft.winner, draft.winning_label = chosen.agent, chosen.label
    for member in draft.members:
        member.held, member.due = None, None
        if member.count == 0 and not member.settled:
            _left_without_answer(member, kind)
        elif not member.settled:
            member.status = "answered"
    label = chosen.label if chosen is not None else ""
    winner = chosen.agent if chosen is not None else None
    draft.say(Finish(outcome=kind, winner=winner, label=label, how=kind))


def _left_without_answer(member: Member, reason: str) -> None:
    if reason == "timeout":
        member.status, member.error_type = "timeout", "timeout"
        member.error_message = "no answer before the orchestrator timeout"
    else:
        member.status = "waiting"


def _presented(draft: Attempt, fact: PresentationEnded) -> None:
    """COORD-024, COORD-104: an empty presentation delivers the stored answer."""
    draft.presented = fact.delivered
    if not fact.delivered and not draft.winning_label:
        draft.over = True
        draft.say(Finish(outcome="failed", winner=None, how=draft.how))
        return
    if draft.winner is not None and draft.number <= draft.rules.max_restarts:
        draft.say(Evaluate(agent=draft.winner))
        return
    _finish(draft)


def _evaluated(draft: Attempt, fact: Evaluated) -> None:
    if fact.restart and draft.number <= draft.rules.max_restarts:
        draft.over = True
        draft.say(RestartAttempt(reason=fact.reason, instructions=fact.instructions))
        return
    _finish(draft)


def _finish(draft: Attempt) -> None:
    draft.over = True
    draft.say(
        Finish(
            outcome="complete",
            winner=draft.winner,
            label=draft.winning_label,
            how=draft.how,
            presented=draft.presented,
        )
    )
