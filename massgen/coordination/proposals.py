"""What becomes of an answer, a vote or a stop that an agent proposes."""

from __future__ import annotations

from massgen.coordination import gates, rounds
from massgen.coordination.ballots import resolve_target, valid_names
from massgen.coordination.directives import (
    AcceptAnswer,
    AcceptStop,
    AcceptVote,
    Hold,
    RefusalCode,
    Refuse,
    VoidVote,
)
from massgen.coordination.facts import AnswerProposed, StopProposed, VoteProposed
from massgen.coordination.novelty import LIMITS, fingerprint
from massgen.coordination.rules import NOVELTY_REJECTIONS
from massgen.coordination.state import Answer, Attempt, Member, StandingVote, label_of

WAIT = "Wait: others are still working. You will be told how it goes on."


def _refuse(attempt: Attempt, member: Member, code: RefusalCode, message: str) -> None:
    rounds.refuse(attempt, member, Refuse(agent=member.number, code=code, message=message, tools=member.tools))


def _not_offered(attempt: Attempt, member: Member, tool: str) -> bool:
    if tool in member.tools:
        return False
    _refuse(attempt, member, "not_offered", f"{tool} is not available in this round. {gates.options(member)}")
    return True


def propose_answer(attempt: Attempt, fact: AnswerProposed, *, lifted: bool = False) -> None:
    """COORD-009, COORD-010. A held proposal comes here again when its gate may have opened."""
    member = attempt.member(fact.agent)
    if rounds.lose_first_answer(attempt, member):
        return
    withdrawn = member.no_answer or not gates.answers_left(attempt, member)
    if "new_answer" not in member.tools and not withdrawn:
        _not_offered(attempt, member, "new_answer")
        return
    refusal = gates.answer_refusal(attempt, member, fact.text, lifted=lifted)
    if refusal is None:
        accept_answer(attempt, member, fact.text, fact.tree, fact.at)
        return
    if refusal.waits and member.lead_refused:
        if member.held is None:
            attempt.say(Hold(agent=member.number, message=WAIT))
        member.held = fact
        return
    member.held = None
    member.lead_refused = member.lead_refused or refusal.waits
    if refusal.code == "novelty" and _too_often(attempt, member):
        return
    _refuse(attempt, member, refusal.code, refusal.message)


def _too_often(attempt: Attempt, member: Member) -> bool:
    """COORD-071: the third repetition makes the agent vote-only; one that sees nothing yet is shown the answers."""
    member.novelty_rejections += 1
    if member.novelty_rejections < NOVELTY_REJECTIONS or member.no_answer:
        return False
    if not member.visible and attempt.rules.mode == "voting":
        rounds.show_ballot(attempt, member, attempt.unseen(member), "its answers repeat existing ones")
        return True
    rounds.no_more_answers(attempt, member)
    return False


def accept_answer(attempt: Attempt, member: Member, text: str, tree: str | None, at: float) -> None:
    """Label it, count it, tell the others (COORD-009)."""
    context = member.visible
    member.count += 1
    member.consecutive += 1
    answer = Answer(
        label=label_of(member.number, member.count),
        agent=member.number,
        revision=member.count,
        order=len(attempt.answers) + 1,
        text=text,
        tree=tree,
        at=at,
        fingerprint=fingerprint(text) if attempt.rules.novelty in LIMITS else None,
    )
    attempt.add(answer)
    attempt.author = member.number
    attempt.say(AcceptAnswer(agent=member.number, label=answer.label, context=context))
    rounds.pause(attempt, member, "")
    if gates.global_cap_reached(attempt):
        for peer in attempt.others(member.number):
            rounds.withdraw_answers(attempt, peer)
    if attempt.rules.isolated:
        return
    for peer in attempt.others(member.number):
        _tell(attempt, peer, answer.label)


def _tell(attempt: Attempt, peer: Member, label: str) -> None:
    """A settled peer is brought back by an answer it has not seen (COORD-014 c, d); others notice it themselves."""
    if peer.status == "voted":
        peer.vote = None
        attempt.say(VoidVote(agent=peer.number, label=label))
        rounds.want_round(attempt, peer, "peer_answer")
    elif peer.skipped and peer.vote is not None:
        peer.vote = None
        attempt.say(VoidVote(agent=peer.number, label=label))
    elif peer.status == "completed" and peer.stopped and not gates.global_cap_reached(attempt):
        rounds.want_round(attempt, peer, "peer_answer")


def propose_vote(attempt: Attempt, fact: VoteProposed, *, lifted: bool = False) -> None:
    """COORD-011 to COORD-013, COORD-064."""
    member = attempt.member(fact.agent)
    if _not_offered(attempt, member, "vote"):
        return
    target = resolve_target(attempt, member.number, fact.target)
    if target is None:
        names = ", ".join(valid_names(attempt, member.number)) or "none yet"
        _refuse(attempt, member, "bad_vote", f"There is no such answer. Valid names: {names}.")
        return
    refusal = gates.vote_checklist_refusal(attempt, member)
    if refusal is not None:
        _refuse(attempt, member, refusal.code, refusal.message)
        return
    if _waits_or_is_stale(attempt, member, fact, lifted):
        return
    revision = attempt.member(target).count if not member.ballot else _shown(attempt, member, target)
    label = label_of(target, revision)
    member.vote = StandingVote(target=target, label=label, reason=fact.reason)
    member.status = "voted"
    member.held = None
    member.tools = ()
    attempt.say(
        AcceptVote(agent=member.number, target=target, label=label, reason=fact.reason, context=member.visible)
    )


def _shown(attempt: Attempt, member: Member, target: int) -> int:
    return attempt.member(target).count if target == member.number else member.seen.get(target, 0)


def propose_stop(attempt: Attempt, fact: StopProposed, *, lifted: bool = False) -> None:
    """The agent has nothing to add: in decomposition it settles, before a separate ballot it waits for it."""
    member = attempt.member(fact.agent)
    if _not_offered(attempt, member, "stop"):
        return
    if attempt.rules.mode == "voting":
        member.done = True
        attempt.say(AcceptStop(agent=member.number, reason=fact.reason))
        rounds.pause(attempt, member, "")
        return
    if _waits_or_is_stale(attempt, member, fact, lifted):
        return
    member.stopped = True
    member.status = "completed"
    member.held = None
    member.tools = ()
    attempt.say(AcceptStop(agent=member.number, reason=fact.reason))


def _waits_or_is_stale(attempt: Attempt, member: Member, fact: VoteProposed | StopProposed, lifted: bool) -> bool:
    """A decision on an incomplete set: held while a first answer is owed, restarted when one came unseen."""
    rules = attempt.rules
    if rules.isolated or member.ballot:
        return False
    if rules.fairness and not lifted and gates.peer_owes_first(attempt, member):
        if member.held is None:
            attempt.say(Hold(agent=member.number, message=WAIT))
        member.held = fact
        return True
    unseen = attempt.unseen(member)
    if unseen:
        rounds.abandon(attempt, member, unseen, "a newer answer was not seen")
        return True
    return False
