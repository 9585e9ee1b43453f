"""After every fact: who may go on, what is held no longer, who votes now, and whether the team has converged."""

from __future__ import annotations

from massgen.coordination import gates, proposals, rounds
from massgen.coordination.ballots import all_voted, best_available
from massgen.coordination.directives import AcceptVote, Evaluate, Finish, How, Present, RestartCause
from massgen.coordination.facts import AnswerProposed, StopProposed, VoteProposed
from massgen.coordination.state import Answer, Attempt, Member, StandingVote


def settle(attempt: Attempt) -> None:
    """Bring the attempt to rest: COORD-016, COORD-021 to COORD-023, COORD-063 to COORD-065."""
    _vote_alone(attempt)
    _reconsider_held(attempt)
    _release_parked(attempt, lifted=False)
    while _stalled(attempt):
        if not _lift_gates(attempt):
            break
    _update_phase(attempt)
    if all(member.settled for member in attempt.members):
        _converge(attempt)


def _vote_alone(attempt: Attempt) -> None:
    """COORD-029: a lone agent's answer is its vote, unless a checklist asks for review rounds."""
    member = attempt.members[0]
    if attempt.rules.agents > 1 or not member.parked or not member.count:
        return
    answer = attempt.answers[-1]
    if attempt.rules.mode == "decomposition" or attempt.rules.quick:
        member.stopped = True
        rounds.end_round(attempt, member, "completed", "only agent")
    elif not attempt.rules.checklist or not gates.answers_left(attempt, member):
        member.parked = False
        member.status = "voted"
        member.vote = StandingVote(target=1, label=answer.label, reason="only agent")
        attempt.say(AcceptVote(agent=1, target=1, label=answer.label, reason="only agent", context=(answer.label,)))


def _reconsider_held(attempt: Attempt, *, lifted: bool = False) -> None:
    for member in attempt.members:
        match member.held:
            case AnswerProposed() as fact:
                proposals.propose_answer(attempt, fact, lifted=lifted)
            case VoteProposed() as fact:
                proposals.propose_vote(attempt, fact, lifted=lifted)
            case StopProposed() as fact:
                proposals.propose_stop(attempt, fact, lifted=lifted)
            case None:
                continue


def _release_parked(attempt: Attempt, *, lifted: bool) -> None:
    for member in attempt.members:
        if member.parked:
            _release(attempt, member, lifted)


def _release(attempt: Attempt, member: Member, lifted: bool) -> None:
    rules = attempt.rules
    if rules.separate_ballot and (member.done or not gates.answers_left(attempt, member)):
        member.done = True
        if lifted or _ballot_open(attempt, member):
            member.ballot = True
            rounds.want_round(attempt, member, "released")
        return
    used_up = rules.mode == "decomposition" and not gates.answers_left(attempt, member)
    if used_up and (gates.global_cap_reached(attempt) or not attempt.unseen(member)):
        member.stopped = True
        rounds.end_round(attempt, member, "completed", "no answers left")
        return
    waits = rules.fairness and not rules.isolated and gates.peer_owes_first(attempt, member)
    if lifted or not waits:
        rounds.want_round(attempt, member, _cause(attempt, member))


def _cause(attempt: Attempt, member: Member) -> RestartCause:
    """Own answers begin rounds that are no restarts; a peer's answer that was waited for is one (COORD-035)."""
    if attempt.author == member.number:
        return "own_answer"
    return "peer_answer" if attempt.author is not None and attempt.unseen(member) else "own_answer"


def _ballot_open(attempt: Attempt, member: Member) -> bool:
    if attempt.rules.defer_voting:
        return all(peer.settled or peer.done or peer.ballot for peer in attempt.members)
    return not gates.peer_owes_first(attempt, member)


def _stalled(attempt: Attempt) -> bool:
    """Nobody works, but somebody waits (COORD-022)."""
    if attempt.over or any(member.working for member in attempt.members):
        return False
    return any(member.parked or member.held is not None for member in attempt.members)


def _lift_gates(attempt: Attempt) -> bool:
    """Open every gate but the caps; False if nothing moved."""
    before = len(attempt.out)
    _reconsider_held(attempt, lifted=True)
    _release_parked(attempt, lifted=True)
    return len(attempt.out) > before


def _update_phase(attempt: Attempt) -> None:
    """COORD-023: enforcement once everybody answered or a vote counts; never backwards."""
    if attempt.phase != "initial_answer" or not attempt.answers:
        return
    answered = all(member.count for member in attempt.members if not member.failed)
    if answered or any(member.vote is not None for member in attempt.members):
        attempt.phase = "enforcement"


def _converge(attempt: Attempt) -> None:
    """Everybody is settled: choose, and present or deliver as it is (COORD-020, COORD-021, COORD-045)."""
    chosen = best_available(attempt)
    if chosen is None:
        attempt.over = True
        attempt.say(Finish(outcome="failed"))
        return
    attempt.phase = "presentation"
    if attempt.rules.mode == "decomposition":
        _choose_presenter(attempt, chosen)
    else:
        attempt.winner, attempt.winning_label = chosen.agent, chosen.label
        attempt.how = _how(attempt)
    if _delivered_as_is(attempt):
        _deliver(attempt)
        return
    attempt.say(Present(agent=attempt.winner or chosen.agent, label=attempt.winning_label, how=attempt.how))


def _how(attempt: Attempt) -> How:
    if attempt.rules.agents == 1:
        return "only_agent"
    return "consensus" if all_voted(attempt) else "best_available"


def _choose_presenter(attempt: Attempt, chosen: Answer) -> None:
    """COORD-089: the configured presenter, else the last agent; one that failed is replaced."""
    wanted = attempt.rules.presenter or attempt.rules.agents
    member = attempt.member(wanted)
    if member.failed:
        alive = [other.number for other in attempt.members if not other.failed]
        wanted = alive[-1] if alive else chosen.agent
    latest = attempt.latest(wanted) or chosen
    attempt.winner, attempt.winning_label, attempt.how = wanted, latest.label, "presenter"


def _delivered_as_is(attempt: Attempt) -> bool:
    rules = attempt.rules
    if _is_skipped(attempt):
        return True
    return rules.quick or rules.delivery == "reuse" or (rules.agents == 1 and rules.direct_single)


def _is_skipped(attempt: Attempt) -> bool:
    """Whether the winner may not be asked any more."""
    return attempt.winner is not None and attempt.member(attempt.winner).skipped


def _deliver(attempt: Attempt) -> None:
    if attempt.winner is not None and not _is_skipped(attempt) and attempt.number <= attempt.rules.max_restarts:
        attempt.say(Evaluate(agent=attempt.winner))
        return
    attempt.over = True
    attempt.say(
        Finish(outcome="complete", winner=attempt.winner, label=attempt.winning_label, how=attempt.how)
    )
