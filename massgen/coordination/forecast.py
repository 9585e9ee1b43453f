"""What a configuration can lead to: how many answers, ballots and model calls at least and at most.

"At least" is a team that works without failures and agrees at once; "at most" is one that uses every answer it is
allowed. A round counts as one model call (two or three where a checklist asks for them): use of tools, reminders,
refused calls and retries come on top.
"""

from __future__ import annotations

from msgspec import Struct

from massgen.coordination.rules import Rules


class Span(Struct, frozen=True, kw_only=True):
    """A smallest and a largest number; `most` is None where only time limits it."""

    least: int
    most: int | None

    def __str__(self) -> str:
        if self.most is None:
            return f"at least {self.least}, no upper limit but time"
        return f"exactly {self.least}" if self.least == self.most else f"at least {self.least}, at most {self.most}"


class Forecast(Struct, frozen=True, kw_only=True):
    """Numbers for one attempt; `attempts` says how often that can happen."""

    answers: Span
    ballots: Span
    calls: Span
    attempts: int


def forecast(rules: Rules) -> Forecast:
    """The forecast for a team under these rules."""
    ending = _ending_calls(rules)
    if rules.skip_coordination:
        answers, ballots, rounds = Span(least=0, most=0), Span(least=0, most=0), Span(least=0, most=0)
    else:
        answers = Span(least=_least_answers(rules), most=_most_answers(rules))
        ballots = Span(least=_least_ballots(rules), most=_most_ballots(rules, answers.most))
        rounds = Span(least=_least_calls(rules), most=_most_calls(rules, answers.most))
    most = None if rounds.most is None else rounds.most + ending
    calls = Span(least=rounds.least + ending, most=most)
    return Forecast(answers=answers, ballots=ballots, calls=calls, attempts=rules.max_restarts + 1)


def _presents(rules: Rules) -> bool:
    if rules.skip_coordination:
        return True
    as_is = rules.quick or rules.delivery == "reuse" or (rules.agents == 1 and rules.direct_single)
    return not as_is


def _ending_calls(rules: Rules) -> int:
    """The presentation and, but for the last attempt, its evaluation."""
    return int(_presents(rules)) + int(rules.max_restarts > 0)


def _least_answers(rules: Rules) -> int:
    cap = rules.max_answers_global
    return rules.agents if cap is None else min(rules.agents, cap)


def _most_answers(rules: Rules) -> int | None:
    if rules.agents == 1 and not rules.checklist:
        return 1
    caps = [] if rules.max_answers_global is None else [rules.max_answers_global]
    if rules.max_answers is not None and rules.mode == "voting":
        caps.append(rules.agents * rules.max_answers)
    return min(caps) if caps else None


def _votes_in_rounds(rules: Rules) -> bool:
    """Whether agents spend model calls on votes at all."""
    return rules.mode == "voting" and (rules.agents > 1 or rules.checklist)


def _least_ballots(rules: Rules) -> int:
    return rules.agents if _votes_in_rounds(rules) and not _lone_at_cap(rules) else 0


def _lone_at_cap(rules: Rules) -> bool:
    return rules.agents == 1 and (rules.max_answers == 1 or rules.max_answers_global == 1)


def _most_ballots(rules: Rules, answers: int | None) -> int | None:
    """Every answer after the first ones can void the votes of all others, which are then cast again."""
    if not _votes_in_rounds(rules):
        return 0
    if rules.separate_ballot:
        return rules.agents
    if answers is None:
        return None
    return max(size + later * (size - 1) for size, later in _teams(rules, answers))


def _teams(rules: Rules, answers: int) -> list[tuple[int, int]]:
    """For each number of agents that may give a first answer, while the others fail: how many answers can follow."""
    found = []
    for size in range(1, rules.agents + 1):
        total = rules.max_answers is not None and rules.mode == "voting"
        own = min(answers, size * (rules.max_answers or 0)) if total else answers
        found.append((size, max(0, own - (size if rules.fairness else 1))))
    return found


def _one_answer_each(rules: Rules) -> bool:
    cap = rules.max_answers_global
    return rules.max_answers == 1 or (cap is not None and cap <= rules.agents)


def _least_calls(rules: Rules) -> int:
    """First rounds, then a vote or a stop of everybody; a stop is saved where answers are used up."""
    team = rules.agents
    if rules.mode == "decomposition":
        cap = rules.max_answers_global
        return team if team == 1 or (cap is not None and cap <= team) else 2 * team
    ballots = _least_ballots(rules) * (2 if rules.checklist else 1)
    stops = team if rules.separate_ballot and not _one_answer_each(rules) and team > 1 else 0
    return team + stops + ballots


def _most_calls(rules: Rules, answers: int | None) -> int | None:
    """Every answer begins at most one further round of every agent."""
    if answers is None:
        return None
    team = rules.agents
    if team == 1 and not rules.checklist:
        return 1
    repeats = team if rules.novelty != "lenient" else 0
    if rules.mode == "voting" and rules.isolated:
        stops = 0 if rules.max_answers == 1 else team
        rounds = max(answers, team) + stops + team
    elif rules.separate_ballot:
        rounds = team + team * answers + team
    else:
        rounds = team + max(size * (later + 1) for size, later in _teams(rules, answers))
    return (rounds + repeats) * (3 if rules.checklist else 1)
