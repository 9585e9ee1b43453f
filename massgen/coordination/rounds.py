"""How rounds begin and end: what is shown, which workflow tools are offered, who is summoned and why."""

from __future__ import annotations

from massgen.coordination.directives import (
    AbandonRound,
    EndRound,
    Inject,
    Proceed,
    Refuse,
    RestartCause,
    RoundKind,
    StartRound,
    Summon,
)
from massgen.coordination.facts import RoundReady, SafePointReached
from massgen.coordination.gates import answers_left, global_cap_reached
from massgen.coordination.state import SKIPPED, Attempt, Member, Status, label_of

REFUSALS = 10
CHECKLIST_TOOLS = ("submit_checklist", "draft_approach")


def want_round(attempt: Attempt, member: Member, cause: RestartCause) -> None:
    """Ask for the agent's next round; its standing vote and its pause end here."""
    member.due = cause
    member.parked = False
    member.held = None
    member.stopped = False
    member.vote = None
    if cause == "peer_answer":
        member.restarted += 1
    if cause in ("peer_answer", "released"):
        member.status = "restarting"
    attempt.say(Summon(agent=member.number, cause=cause))


def begin_again(attempt: Attempt, member: Member) -> None:
    """The running round is lost; the next one stands in its place, with its number and what it may do."""
    member.round -= 1
    member.barred = member.no_answer
    member.status = "restarting" if member.count or member.round >= 0 else "waiting"
    want_round(attempt, member, "resumed")


def abandon(attempt: Attempt, member: Member, labels: tuple[str, ...], reason: str) -> None:
    """End the running round because of peers' answers and begin a fresh one (COORD-012, COORD-015)."""
    attempt.say(AbandonRound(agent=member.number, labels=labels, reason=reason))
    want_round(attempt, member, "peer_answer")


def end_round(attempt: Attempt, member: Member, status: Status, reason: str) -> None:
    """The agent leaves the coordination for good, or until a peer's answer brings it back."""
    member.status = status
    member.due = None
    member.parked = False
    member.held = None
    member.tools = ()
    attempt.say(EndRound(agent=member.number, reason=reason))


def fail(attempt: Attempt, member: Member, status: Status, error_type: str, message: str) -> None:
    """The agent is out; its answers stay eligible (COORD-019, COORD-119). A settled agent stays as it is."""
    if member.settled and member.status != "voted":
        return
    member.error_type, member.error_message = error_type, message
    end_round(attempt, member, status, message)


def skip(attempt: Attempt, member: Member) -> None:
    """A person sends the agent out of the turn, whatever it does; answers and a standing vote stay."""
    if member.failed:
        return
    member.error_type, member.error_message = SKIPPED, "skipped by a person"
    end_round(attempt, member, "error", "a person skipped the agent")


def begin_round(attempt: Attempt, fact: RoundReady) -> None:
    """COORD-008, COORD-016, COORD-026: fix what the round shows and offers at the moment it starts."""
    member = attempt.member(fact.agent)
    cause = member.due
    if cause is None or attempt.phase == "presentation":
        attempt.say(EndRound(agent=member.number, reason="the coordination is over"))
        return
    member.due = None
    visible = _visible(attempt, member)
    if visible and any(peer != member.number for peer, _ in visible) and attempt.unseen(member):
        member.consecutive = 0
    if attempt.rules.mode == "decomposition" and not answers_left(attempt, member):
        member.stopped = True
        end_round(attempt, member, "completed", "no answers left")
        return
    member.round += 1
    _reset(member)
    member.seen.update({peer: revision for peer, revision in visible if peer != member.number})
    member.visible = tuple(label_of(peer, revision) for peer, revision in visible)
    member.kind, member.tools = _offer(attempt, member)
    member.status = "streaming"
    attempt.say(
        StartRound(
            agent=member.number,
            round=member.round,
            kind=member.kind,
            visible=member.visible,
            tools=member.tools,
            cause=cause,
        )
    )


def _reset(member: Member) -> None:
    member.injections = member.reminders = member.novelty_rejections = member.refusals = 0
    member.lead_refused = member.checked = member.drafted = member.hard_limit = False
    member.verdict = ""
    member.no_answer, member.barred = member.barred, False


def _visible(attempt: Attempt, member: Member) -> tuple[tuple[int, int], ...]:
    """(agent, revision) of each answer to show, by agent number."""
    if member.round < 0:
        return ()
    own_only = attempt.rules.isolated and not member.ballot
    shown = attempt.current()
    return tuple((a.agent, a.revision) for a in shown if not own_only or a.agent == member.number)


def _offer(attempt: Attempt, member: Member) -> tuple[RoundKind, tuple[str, ...]]:
    rules = attempt.rules
    if rules.plain:
        return "initial", ()
    if rules.mode == "decomposition":
        return ("refine" if member.visible else "initial"), ("new_answer", "stop")
    if not member.visible:
        return "initial", ("new_answer",)
    if member.ballot or member.no_answer or not answers_left(attempt, member):
        return "vote_only", ("vote", "submit_checklist") if rules.checklist else ("vote",)
    if rules.separate_ballot:
        return "refine", ("new_answer", "stop")
    extra = CHECKLIST_TOOLS if rules.checklist else ()
    return "refine", ("new_answer", "vote", *extra)


def refuse(attempt: Attempt, member: Member, directive: Refuse) -> None:
    """A tool error; a round that only collects errors is ended like one without action (every run ends)."""
    member.refusals += 1
    if member.refusals > REFUSALS:
        give_up(attempt, member)
        return
    attempt.say(directive)


def give_up(attempt: Attempt, member: Member) -> None:
    """No terminal call came: the agent abstains; one that owes a separate ballot still gets it."""
    if attempt.rules.separate_ballot and not member.ballot and member.count:
        member.done = True
        pause(attempt, member, "no further answer")
        return
    end_round(attempt, member, "completed", "ended without a decision")


def pause(attempt: Attempt, member: Member, reason: str) -> None:
    """The round is over; the next one is decided by pacing."""
    member.status = "answered"
    member.parked = True
    member.held = None
    member.tools = ()
    if reason:
        attempt.say(EndRound(agent=member.number, reason=reason))


def at_safe_point(attempt: Attempt, fact: SafePointReached) -> None:
    """Inject unseen answers, restart, or go on (COORD-014, COORD-015, COORD-056 to COORD-059)."""
    member = attempt.member(fact.agent)
    labels = attempt.unseen(member)
    if attempt.rules.mode == "decomposition" and global_cap_reached(attempt):
        _out_of_answers(attempt, member, labels)
        return
    if member.kind == "initial":
        if labels and member.count == 0 and global_cap_reached(attempt):
            _out_of_answers(attempt, member, labels)
        else:
            attempt.say(Proceed(agent=member.number))
        return
    if not labels or attempt.rules.isolated or _deferred(attempt, member):
        attempt.say(Proceed(agent=member.number))
        return
    short = fact.seconds_left is not None and fact.seconds_left < attempt.rules.grace_seconds
    if member.kind == "vote_only" or short or not fact.can_inject or not member.seen:
        abandon(attempt, member, labels, "a peer answered")
        return
    room = attempt.rules.max_injections - member.injections
    if room <= 0:
        attempt.say(Proceed(agent=member.number))
        return
    _inject(attempt, member, labels[:room])


def _inject(attempt: Attempt, member: Member, labels: tuple[str, ...]) -> None:
    member.injections += len(labels)
    for label in labels:
        answer = attempt.find(label)
        if answer is not None:
            member.seen[answer.agent] = answer.revision
    member.consecutive = 0
    replaced = {label.partition(".")[0] for label in labels}
    kept = (label for label in member.visible if label.partition(".")[0] not in replaced)
    member.visible = tuple(sorted((*kept, *labels), key=lambda label: int(label.partition(".")[0][5:])))
    member.verdict = ""
    member.drafted = False
    attempt.say(Inject(agent=member.number, labels=labels))


def _deferred(attempt: Attempt, member: Member) -> bool:
    rules = attempt.rules
    early = rules.checklist and rules.updates_before_checklist is True and not member.checked
    return rules.defer_updates and not early


def _out_of_answers(attempt: Attempt, member: Member, labels: tuple[str, ...]) -> None:
    """The global cap was reached while this agent worked (COORD-026, COORD-068)."""
    if attempt.rules.mode == "decomposition":
        member.stopped = True
        end_round(attempt, member, "completed", "no answers left")
    else:
        show_ballot(attempt, member, labels, "the team has used up its answers")


def show_ballot(attempt: Attempt, member: Member, labels: tuple[str, ...], reason: str) -> None:
    """An agent that sees nothing yet and may not answer is shown the answers to vote on."""
    if attempt.rules.separate_ballot:
        member.done = True
        attempt.say(AbandonRound(agent=member.number, labels=labels, reason=reason))
        pause(attempt, member, "")
    else:
        member.barred = True
        abandon(attempt, member, labels, reason)


def no_more_answers(attempt: Attempt, member: Member) -> None:
    """The running round goes on without `new_answer`."""
    member.no_answer = True
    ending = "stop" if attempt.rules.mode == "decomposition" or attempt.rules.separate_ballot else "vote"
    if ending == "vote":
        member.kind = "vote_only"
    left = tuple(tool for tool in member.tools if tool not in ("new_answer", "draft_approach"))
    member.tools = left if ending in left else (*left, ending)


def withdraw_answers(attempt: Attempt, peer: Member) -> None:
    """COORD-068: `new_answer` is off for a round that runs; first rounds end at their next safe point instead."""
    if peer.status == "streaming" and peer.kind == "refine":
        no_more_answers(attempt, peer)


def lose_first_answer(attempt: Attempt, member: Member) -> bool:
    """Whether a proposal of an agent without answers met the global cap; its round is then abandoned."""
    if member.kind != "initial" or member.count or not global_cap_reached(attempt):
        return False
    _out_of_answers(attempt, member, attempt.unseen(member))
    return True
