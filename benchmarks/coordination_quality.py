"""What the rules of coordination are worth: thousands of simulated teams through the real machine.

    python benchmarks/coordination_quality.py [--runs 1000] [--seed 1] [--markdown]

Nothing here is a language model. A member is a handful of stated chances (`Skill`), a question has one right answer
and `WRONG` wrong ones, and how members behave in a round is a parameter too (`Habit`). So the table compares
policies with each other, with the best single member and with a plain majority vote, for members of that kind only.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from budget import Figure
from msgspec.structs import replace

from massgen.coordination.directives import Directive, Evaluate, Finish, Present, Refuse, StartRound, Summon
from massgen.coordination.facts import (
    AnswerProposed,
    AttemptBegan,
    Evaluated,
    Fact,
    PresentationEnded,
    RoundReady,
    StopProposed,
    VoteProposed,
)
from massgen.coordination.machine import advance
from massgen.coordination.rules import Rules
from massgen.coordination.state import new_attempt

RIGHT = 0
WRONG = 3
PROMPT_TOKENS, ANSWER_TOKENS, VOTE_TOKENS = 300, 200, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """Chances: `first` that an answer made alone is right; `learn` that a wrong one becomes right when a right one is
    seen, `alone` when none is; `keep` that a right one stays right when it is worked over; `discern` that the better
    of two answers is told; `bias` that a vote goes to the first answer shown, whatever it says; `lure` that a wrong
    answer is the tempting one that others fall for too; `repeat` that a further sample repeats the first."""

    first: float
    learn: float = 0.6
    alone: float = 0.15
    keep: float = 0.95
    discern: float = 0.75
    bias: float = 0.1
    lure: float = 0.5
    repeat: float = 0.6

    def draw(self, rng: random.Random, chance: float) -> int:
        """An answer that is right with this chance."""
        if rng.random() < chance:
            return RIGHT
        return 1 if rng.random() < self.lure else rng.randint(2, WRONG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """`improve` is the chance that a member answers again where it could vote; half as likely with each answer."""

    improve: float = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is compared: rules for any team size, and whether the presenter merges all answers."""

    name: str
    rules: dict[str, object] = field(default_factory=dict)
    only: int | None = None


@dataclass(slots=True, kw_only=True)
class Outcome:
    right: bool
    calls: int
    tokens: int


class Team:
    """One simulated run. Answers are numbers, 0 is right; their texts share 60 % of their words where they agree."""

    def __init__(self, skills: tuple[Skill, ...], habit: Habit, rules: Rules, rng: random.Random) -> None:
        self.skills, self.habit, self.rng = skills, habit, rng
        self.attempt = new_attempt(rules)
        self.meaning: dict[str, int] = {}
        self.ready: list[int] = []
        self.working: set[int] = set()
        self.refused: set[int] = set()
        self.calls = self.tokens = 0
        self.delivered: int | None = None
        self.over = False

    def play(self) -> Outcome:
        self.send(AttemptBegan(at=0))
        while not self.over:
            busy = [*self.ready, *sorted(self.working)]
            number = self.rng.choice(busy)
            if number in self.ready:
                self.ready.remove(number)
                self.send(RoundReady(at=0, agent=number))
            else:
                self.send(self.move(number))
        return Outcome(right=self.delivered == RIGHT, calls=self.calls, tokens=self.tokens)

    def send(self, fact: Fact) -> None:
        self.attempt, directives = advance(self.attempt, fact)
        for directive in directives:
            self.obey(directive)
        self.working = {m.number for m in self.attempt.members if m.status == "streaming" and m.held is None}

    def obey(self, directive: Directive) -> None:
        match directive:
            case Summon(agent=agent):
                self.ready.append(agent)
            case StartRound(agent=agent):
                self.refused.discard(agent)
            case Refuse(agent=agent):
                self.refused.add(agent)
            case Present(agent=agent, label=label):
                self.present(agent, label)
            case Evaluate():
                self.send(Evaluated(at=0, restart=False))
            case Finish(label=label):
                self.over = True
                if self.delivered is None and label:
                    self.delivered = self.meaning[label]
            case _:
                return

    def present(self, agent: int, label: str) -> None:
        self.spend(ANSWER_TOKENS, len(self.attempt.current()))
        self.delivered = self.meaning[label]
        if self.attempt.rules.delivery == "synthesize":
            shown = tuple(answer.label for answer in self.attempt.current())
            self.delivered = self.meaning[self.choose(agent, shown, biased=False)]
        self.send(PresentationEnded(at=0, delivered=True))

    def spend(self, written: int, seen: int) -> None:
        self.calls += 1
        self.tokens += PROMPT_TOKENS + ANSWER_TOKENS * seen + written

    def move(self, number: int) -> Fact:
        member = self.attempt.member(number)
        again = self.habit.improve * 0.5 ** max(0, member.count - 1)
        may_answer = "new_answer" in member.tools and number not in self.refused
        decided = "vote" in member.tools or ("stop" in member.tools and member.visible)
        if may_answer and (not decided or self.rng.random() < again):
            return self.answer(number)
        if "vote" in member.tools:
            self.spend(VOTE_TOKENS, len(member.visible))
            chosen = self.choose(number, member.visible)
            return VoteProposed(at=0, agent=number, target=chosen, reason="")
        if "stop" in member.tools:
            self.spend(VOTE_TOKENS, len(member.visible))
            return StopProposed(at=0, agent=number, reason="")
        return self.answer(number)

    def answer(self, number: int) -> AnswerProposed:
        member = self.attempt.member(number)
        self.spend(ANSWER_TOKENS, len(member.visible))
        value = self.think(number)
        label = f"agent{number}.{member.count + 1}"
        self.meaning[label] = value
        return AnswerProposed(at=0, agent=number, text=self.word(value))

    def think(self, number: int) -> int:
        member, skill = self.attempt.member(number), self.skills[number - 1]
        if not member.count:
            return skill.draw(self.rng, skill.first)
        own = self.meaning[f"agent{number}.{member.count}"]
        seen = [self.meaning[label] for label in member.visible]
        if own == RIGHT:
            return skill.draw(self.rng, skill.keep)
        return skill.draw(self.rng, skill.learn if RIGHT in seen else skill.alone)

    def word(self, value: int) -> str:
        shared = [f"answer{value}part{n}" for n in range(18)]
        return " ".join([*shared, *(f"own{self.rng.randrange(10**9)}" for _ in range(12))])

    def choose(self, number: int, labels: tuple[str, ...], *, biased: bool = True) -> str:
        skill = self.skills[number - 1]
        if biased and self.rng.random() < skill.bias:
            return labels[0]
        best = labels[0]
        for label in labels[1:]:
            good, other = self.meaning[label] == RIGHT, self.meaning[best] == RIGHT
            better = self.rng.random() < (skill.discern if good else 1 - skill.discern)
            if good == other:
                better = self.rng.random() < 0.5
            best = label if better else best
        return best


ENSEMBLE = {"isolated": True, "defer_voting": True, "max_answers": 1, "delivery": "synthesize"}
QUICK = {"isolated": True, "defer_voting": True, "max_answers": 1, "quick": True, "delivery": "reuse"}
POLICIES = (
    Policy(name="default (no caps)"),
    Policy(name="at most 1 answer each", rules={"max_answers": 1}),
    Policy(name="at most 2 answers each", rules={"max_answers": 2}),
    Policy(name="at most 3 answers each", rules={"max_answers": 3}),
    Policy(name="lockstep (lead 0)", rules={"lead_cap": 0}),
    Policy(name="fairness off", rules={"fairness": False}),
    Policy(name="novelty strict", rules={"novelty": "strict"}),
    Policy(name="ensemble", rules=ENSEMBLE),
    Policy(name="quick", rules=QUICK),
)
TEAMS = {
    "3 equals": (Skill(first=0.6),) * 3,
    "5 equals": (Skill(first=0.6),) * 5,
    "3 equals, tempting error": (Skill(first=0.6, lure=0.95),) * 3,
    "1 strong, 2 weak": (Skill(first=0.8), Skill(first=0.45), Skill(first=0.45)),
    "poor judges": (Skill(first=0.6, discern=0.55, bias=0.3),) * 3,
}


def simulate(policy: Policy, skills: tuple[Skill, ...], habit: Habit, runs: int, seed: int) -> list[Outcome]:
    """`runs` teams; the same seed gives the same teams for every policy."""
    rules = replace(Rules(agents=len(skills)), **policy.rules)  # type: ignore[arg-type]
    return [Team(skills, habit, rules, random.Random(f"{seed}-{run}")).play() for run in range(runs)]


def best_member(skills: tuple[Skill, ...], runs: int, seed: int) -> list[Outcome]:
    """The member with the best first answers, asked once."""
    best = max(skill.first for skill in skills)
    rng = random.Random(seed)
    cost = PROMPT_TOKENS + ANSWER_TOKENS
    return [Outcome(right=rng.random() < best, calls=1, tokens=cost) for _ in range(runs)]


def plain_majority(skills: tuple[Skill, ...], runs: int, seed: int, samples: int = 1) -> list[Outcome]:
    """Every member asked `samples` times, the most frequent answer counts, the first given of equals."""
    rng = random.Random(seed)
    found = []
    for _ in range(runs):
        given = [answer for skill in skills for answer in _samples(skill, rng, samples)]
        chosen = Counter(given).most_common(1)[0][0]
        calls = len(given)
        found.append(Outcome(right=chosen == RIGHT, calls=calls, tokens=calls * (PROMPT_TOKENS + ANSWER_TOKENS)))
    return found


def _samples(skill: Skill, rng: random.Random, count: int) -> list[int]:
    first = skill.draw(rng, skill.first)
    more = (first if rng.random() < skill.repeat else skill.draw(rng, skill.first) for _ in range(count - 1))
    return [first, *more]


def share(outcomes: list[Outcome]) -> float:
    return sum(outcome.right for outcome in outcomes) / len(outcomes)


def mean(values: list[int]) -> float:
    return sum(values) / len(values)


def table(results: dict[str, dict[str, list[Outcome]]], *, markdown: bool) -> list[str]:
    """Rows are policies; a cell is `right % / model calls / thousand tokens`."""
    columns = list(next(iter(results.values())))
    head = ["right % / calls / k tokens", *columns]
    rows = [[name, *(_cell(results[name][column]) for column in columns)] for name in results]
    if markdown:
        return [_row(head), _row(["---", *["---:"] * len(columns)]), *map(_row, rows)]
    widths = [max(len(row[index]) for row in (head, *rows)) for index in range(len(head))]
    lines = []
    for row in (head, *rows):
        first, *others = row
        cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        lines.append("  ".join([first.ljust(widths[0]), *cells]))
    return lines


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(outcomes: list[Outcome]) -> str:
    calls = mean([outcome.calls for outcome in outcomes])
    tokens = mean([outcome.tokens for outcome in outcomes]) / 1000
    return f"{100 * share(outcomes):.0f} / {calls:.1f} / {tokens:.1f}"


def compare(runs: int, seed: int, habit: Habit) -> dict[str, dict[str, list[Outcome]]]:
    """All policies and both simple alternatives on all teams."""
    results: dict[str, dict[str, list[Outcome]]] = {}
    for policy in POLICIES:
        results[policy.name] = {name: simulate(policy, TEAMS[name], habit, runs, seed) for name in TEAMS}
    results["best single member"] = {name: best_member(TEAMS[name], runs, seed) for name in TEAMS}
    results["plain majority"] = {name: plain_majority(TEAMS[name], runs, seed) for name in TEAMS}
    results["plain majority, 3 samples each"] = {name: plain_majority(TEAMS[name], runs, seed, 3) for name in TEAMS}
    loose = {name: tuple(replace(skill, repeat=0.0) for skill in skills) for name, skills in TEAMS.items()}
    results["the same, independent samples"] = {name: plain_majority(loose[name], runs, seed, 3) for name in TEAMS}
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=120, help="teams for each cell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    begin = time.perf_counter()
    for improve in (0.2, 0.4, 0.7):
        results = compare(arguments.runs, arguments.seed, Habit(improve=improve))
        print(f"\nMembers answer again with a chance of {improve:g} where they could vote:\n")
        print(*table(results, markdown=arguments.markdown), sep="\n")
        if improve == 0.4:
            told = results
    seconds = time.perf_counter() - begin
    teams = 3 * len(POLICIES) * len(TEAMS) * arguments.runs
    print(f"\nStandard error of a share: at most {50 / math.sqrt(arguments.runs):.1f} points.")
    for name in ("default (no caps)", "ensemble", "quick"):
        ahead = 100 * (share(told[name]["3 equals"]) - share(told["plain majority"]["3 equals"]))
        Figure(name=f"{name} beside plain majority, 3 equals", measured=ahead, unit="points").report()
    Figure(name="simulated teams", measured=teams / seconds, unit="a second").report()


if __name__ == "__main__":
    main()
