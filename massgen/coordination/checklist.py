"""Checklist-gated evaluation: scores in, verdict out (COORD-072 to COORD-075)."""

from __future__ import annotations

from collections.abc import Mapping

from massgen.coordination import gates, rounds
from massgen.coordination.directives import Judge, Refuse
from massgen.coordination.facts import ChecklistSubmitted
from massgen.coordination.state import Attempt, Member


def submit(attempt: Attempt, fact: ChecklistSubmitted) -> None:
    """Check that every visible answer has a score of 0 to 10 for every criterion, then judge."""
    member = attempt.member(fact.agent)
    problem = _problem(attempt, member, fact.scores)
    if problem is not None:
        rounds.refuse(
            attempt, member, Refuse(agent=member.number, code="checklist", message=problem, tools=member.tools)
        )
        return
    totals = {label: sum(fact.scores[label].values()) for label in member.visible}
    best = max(member.visible, key=lambda label: totals[label])
    threshold = attempt.rules.checklist_threshold
    failing = tuple(c for c in attempt.rules.criteria if fact.scores[best][c] < threshold)
    verdict, explanation = ("iterate", f"{best} is below {threshold} in {', '.join(failing)}.")
    if not failing:
        verdict, explanation = ("vote", f"Every criterion of {best} reaches {threshold}.")
    elif not gates.answers_left(attempt, member) or member.no_answer:
        verdict, explanation = ("vote", "You have no answers left, so vote now.")
    elif member.hard_limit:
        verdict, explanation = ("vote", "The time of this round is over, so vote now.")
    member.verdict = "vote" if verdict == "vote" else "iterate"
    member.checked = True
    member.drafted = False
    attempt.say(
        Judge(
            agent=member.number,
            verdict=member.verdict,
            best=best,
            failing=failing,
            explanation=explanation,
        )
    )


def _problem(attempt: Attempt, member: Member, scores: Mapping[str, Mapping[str, int]]) -> str | None:
    if "submit_checklist" not in member.tools:
        return f"submit_checklist is not available in this round. {gates.options(member)}"
    criteria = set(attempt.rules.criteria)
    labels = ", ".join(member.visible)
    if set(scores) != set(member.visible):
        return f"Score exactly these answers: {labels}."
    for label, given in scores.items():
        if set(given) != criteria:
            return f"Score exactly these criteria for {label}: {', '.join(attempt.rules.criteria)}."
        if not all(0 <= score <= 10 for score in given.values()):
            return "Scores are whole numbers from 0 to 10."
    return None
