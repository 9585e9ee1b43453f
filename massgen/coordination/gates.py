"""The gates before an answer or a vote, in their fixed order (COORD-010): each gives a refusal or None."""

from __future__ import annotations

from msgspec import Struct

from massgen.coordination.directives import RefusalCode
from massgen.coordination.novelty import too_similar
from massgen.coordination.state import Attempt, Member


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a proposal is not accepted; `waits` marks a gate that opens by itself when peers move on."""

    code: RefusalCode
    message: str
    waits: bool = False


def options(member: Member) -> str:
    """The terminal tools that are left, in words for the agent."""
    names = [name for name in member.tools if name in ("vote", "new_answer", "stop")]
    return f"Use {' or '.join(names)}." if names else "No workflow tool is left in this round."


def answers_left(attempt: Attempt, member: Member) -> bool:
    """Whether the caps allow the agent another answer now."""
    rules = attempt.rules
    if global_cap_reached(attempt):
        return False
    used = member.consecutive if rules.mode == "decomposition" else member.count
    return rules.max_answers is None or used < rules.max_answers


def global_cap_reached(attempt: Attempt) -> bool:
    cap = attempt.rules.max_answers_global
    return cap is not None and len(attempt.answers) >= cap


def lead(attempt: Attempt, member: Member) -> int:
    """Own answers minus the fewest of any active peer (COORD-062); 0 without active peers."""
    counts = [peer.count for peer in attempt.others(member.number) if peer.active]
    return member.count - min(counts) if counts else 0


def answer_refusal(attempt: Attempt, member: Member, text: str, *, lifted: bool = False) -> Refusal | None:
    """The first gate that is shut for this answer. `lifted` opens the pacing gates, never the caps (COORD-022)."""
    rules = attempt.rules
    if not text.strip():
        return Refusal(code="empty", message="The content of new_answer is empty. Call it again with the whole answer.")
    if global_cap_reached(attempt):
        return Refusal(code="global_cap", message=f"The team has used up its answers. {options(member)}")
    if not answers_left(attempt, member):
        return Refusal(code="agent_cap", message=f"You have used up your answers. {options(member)}")
    if member.no_answer:
        return Refusal(code="novelty", message=f"No further answer in this round. {options(member)}")
    ahead = lead(attempt, member)
    if rules.fairness and not lifted and ahead > rules.lead_cap:
        message = f"You are {ahead} answers ahead of the slowest peer. Wait for others, or vote."
        return Refusal(code="lead", message=message, waits=True)
    return _content_refusal(attempt, member, text)


def _content_refusal(attempt: Attempt, member: Member, text: str) -> Refusal | None:
    rules = attempt.rules
    planless = member.verdict == "iterate" and not member.drafted and not member.hard_limit
    if rules.checklist and member.count > 0 and planless:
        message = "The checklist asks for another iteration: call draft_approach before new_answer."
        return Refusal(code="checklist", message=message)
    if too_similar(text, (answer.fingerprint for answer in attempt.answers), rules.novelty):
        message = f"Too similar to an existing answer. Take a fundamentally different approach. {options(member)}"
        return Refusal(code="novelty", message=message)
    return None


def vote_checklist_refusal(attempt: Attempt, member: Member) -> Refusal | None:
    """COORD-073: voting opens with a checklist verdict of this round; waived after the hard limit."""
    if not attempt.rules.checklist or member.hard_limit or member.verdict == "vote":
        return None
    if "submit_checklist" not in member.tools:
        return None
    return Refusal(code="checklist", message="Call submit_checklist first; voting opens with its verdict 'vote'.")


def peer_owes_first(attempt: Attempt, member: Member) -> bool:
    """Whether an active peer still has no answer; nobody waits for one that is gone or can only vote (COORD-065)."""
    return not global_cap_reached(attempt) and any(peer.owes_first for peer in attempt.others(member.number))
