"""Counting votes and choosing the winner; ties go to the lowest agent number."""

from __future__ import annotations

from msgspec import Struct

from massgen.coordination.state import Answer, Attempt


class Tally(Struct, frozen=True, kw_only=True):
    """Standing votes by label; every answer of the attempt is listed (LOG-039)."""

    votes: dict[str, int]
    is_tie: bool


def tally(attempt: Attempt) -> Tally:
    """Votes that stand now, each for the newest answer of its target (COORD-044)."""
    votes = {answer.label: 0 for answer in attempt.answers}
    for member in attempt.members:
        if member.vote is not None:
            latest = attempt.latest(member.vote.target)
            if latest is not None:
                votes[latest.label] += 1
    best = max(votes.values(), default=0)
    leaders = [label for label, count in votes.items() if count == best]
    return Tally(votes=votes, is_tie=best > 0 and len(leaders) > 1)


def best_available(attempt: Attempt) -> Answer | None:
    """Most standing votes, then the lowest agent number; without votes the newest answer (COORD-045, COORD-046)."""
    if not attempt.answers:
        return None
    votes = tally(attempt).votes
    current = attempt.current()
    if not any(votes.values()):
        return max(attempt.answers, key=lambda answer: answer.order)
    return max(current, key=lambda answer: (votes[answer.label], -answer.agent))


def all_voted(attempt: Attempt) -> bool:
    """Consensus in the sense of LOG-052: every agent holds a vote, or in decomposition has stopped."""
    if attempt.rules.mode == "decomposition":
        return all(member.stopped for member in attempt.members)
    return all(member.vote is not None for member in attempt.members)


def resolve_target(attempt: Attempt, voter: int, name: str) -> int | None:
    """The agent number behind `agentN` or `agentN.k`, None if it is no name of a visible answer (COORD-013)."""
    base, _, revision = name.strip().strip("'\"`").lower().partition(".")
    digits = base.removeprefix("agent")
    if base == digits or not digits.isascii() or not digits.isdigit() or len(digits) > 6:
        return None
    number = int(digits)
    if not 1 <= number <= len(attempt.members):
        return None
    shown = revision_shown(attempt, voter, number)
    if shown == 0:
        return None
    if revision and not (revision.isascii() and revision.isdigit() and 1 <= int(revision[:6]) <= shown):
        return None
    return number


def revision_shown(attempt: Attempt, voter: int, number: int) -> int:
    """The newest revision of `number` that the voter was shown, 0 for none; its own is always known."""
    member = attempt.member(voter)
    return attempt.member(number).count if number == voter else member.seen.get(number, 0)


def valid_names(attempt: Attempt, voter: int) -> tuple[str, ...]:
    """The names the voter may use."""
    return tuple(f"agent{m.number}" for m in attempt.members if revision_shown(attempt, voter, m.number) > 0)
