"""What a configuration will do, before it does it: numbers from the rules, gates in plain words, prices."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from massgen.config import Config
from massgen.coordination.forecast import Forecast, forecast
from massgen.coordination.rules import Rules
from massgen.engine.team import TimeLimits
from massgen.runs.rules import limits_of, rules_of

PROMPT_TOKENS = 500
ANSWER_TOKENS = 1000


class Explanation(Struct, frozen=True, kw_only=True):
    """`cost` are (least, most) USD, None where a price or a number of calls is unknown; `prices` say why."""

    agents: tuple[str, ...]
    shape: str
    numbers: Forecast
    gates: tuple[str, ...]
    limits: tuple[str, ...]
    cost: tuple[Decimal | None, Decimal | None]
    unpriced: tuple[str, ...]


def explain(config: Config, *, quick: bool = False) -> Explanation:
    """From a valid configuration; no model is called and nothing is written."""
    rules = rules_of(config, quick=quick)
    numbers = forecast(rules)
    cost, unpriced = _cost(config, numbers)
    return Explanation(
        agents=tuple(agent.id for agent in config.agents),
        shape=_shape(rules),
        numbers=numbers,
        gates=tuple(_gates(rules)),
        limits=tuple(_limits(limits_of(config))),
        cost=cost,
        unpriced=unpriced,
    )


def _shape(rules: Rules) -> str:
    if rules.skip_coordination:
        return "no coordination: the presenter answers directly"
    if rules.quick:
        return "quick: one answer each, one ballot, the winning text as it is"
    if rules.agents == 1:
        return "one agent" + (" that reviews its own answer by a checklist" if rules.checklist else "")
    if rules.mode == "decomposition":
        return "decomposition: every agent owns a subtask, the presenter integrates them"
    if rules.isolated and rules.defer_voting:
        return "ensemble: independent answers, then one ballot"
    return "voting: answers are shared without names until everybody has voted"


def _gates(rules: Rules) -> Iterator[str]:
    """The rules that can refuse or hold something, with the key behind each."""
    if rules.max_answers is not None:
        counted = "in a row " if rules.mode == "decomposition" else ""
        yield f"an agent may answer {rules.max_answers} times {counted}(max_new_answers_per_agent)"
    if rules.max_answers_global is not None:
        yield f"the team may answer {rules.max_answers_global} times (max_new_answers_global)"
    if rules.agents > 1 and rules.fairness and not rules.skip_coordination:
        yield f"nobody may be more than {rules.lead_cap} answers ahead (fairness_lead_cap_answers)"
        yield "nobody votes before every active agent has answered (fairness_enabled)"
    if rules.novelty != "lenient":
        share = {"balanced": 70, "strict": 50}[rules.novelty]
        yield f"answers may share {share} % of their words with an earlier one (answer_novelty_requirement)"
    if rules.checklist:
        bar = f"{rules.checklist_threshold} of 10 in {', '.join(rules.criteria)}"
        yield f"voting opens when an answer reaches {bar} (voting_sensitivity)"
    if rules.isolated:
        yield "nobody sees others' answers before the ballot (disable_injection)"
    if rules.defer_voting:
        yield "voting waits until all answers are given (defer_voting_until_all_answered)"
    if rules.defer_updates:
        yield "others' answers wait for the next round (defer_peer_updates_until_restart)"
    if rules.max_restarts:
        yield f"the winner may send the team back {rules.max_restarts} times (max_orchestration_restarts)"


def _limits(limits: TimeLimits) -> Iterator[str]:
    if limits.run is not None:
        yield f"{limits.run:g} s for everything (orchestrator_timeout_seconds)"
    if limits.first_round is not None:
        yield f"{limits.first_round:g} s for a first round (initial_round_timeout_seconds)"
    if limits.later_round is not None:
        yield f"{limits.later_round:g} s for a later round (subsequent_round_timeout_seconds)"
    if limits.first_round is not None or limits.later_round is not None:
        yield f"{limits.grace:g} s of grace after that (round_timeout_grace_seconds)"
    if limits.agent is not None:
        yield f"{limits.agent:g} s of working time for an agent (agent_timeout_seconds)"


def _cost(config: Config, numbers: Forecast) -> tuple[tuple[Decimal | None, Decimal | None], tuple[str, ...]]:
    """For calls of `PROMPT_TOKENS` and an answer of `ANSWER_TOKENS` each; the dearest model counts for the most."""
    from massgen.backends.facts import facts_of

    each: list[Decimal] = []
    unpriced: list[str] = []
    for agent in config.agents:
        if agent.backend.type == "simulated":
            each.append(Decimal(0))
            continue
        facts = facts_of(agent.backend.type, agent.backend.model or "")
        if facts.input_per_1k is None or facts.output_per_1k is None:
            unpriced.append(f"{agent.backend.type}/{agent.backend.model}")
            continue
        each.append((facts.input_per_1k * PROMPT_TOKENS + facts.output_per_1k * ANSWER_TOKENS) / 1000)
    if unpriced:
        return (None, None), tuple(unpriced)
    most = numbers.calls.most
    least = numbers.calls.least * (sum(each, Decimal(0)) / len(each))
    return (least, None if most is None else most * numbers.attempts * max(each)), ()
