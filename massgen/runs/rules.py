"""From configuration to rules: the one place where keys of the tree become switches of the machine."""

from __future__ import annotations

from massgen.config import Config, effective_timeouts
from massgen.coordination.criteria import DEFAULT_CRITERIA, Criterion
from massgen.coordination.rules import Delivery, Rules
from massgen.engine.budget import Allowance, Budget
from massgen.engine.team import TimeLimits
from massgen.errors import ConfigError

_DELIVERY: dict[str, Delivery] = {
    "winner_present": "present",
    "synthesize": "synthesize",
    "winner_reuse": "reuse",
}


def rules_of(
    config: Config,
    *,
    quick: bool = False,
    plain: bool = False,
    writes: bool = False,
    criteria: tuple[Criterion, ...] = DEFAULT_CRITERIA,
) -> Rules:
    """The rules of a run. `quick` is `--quick` (COORD-097), `plain` one model without workflow tools (COORD-029).

    `writes` says that the question came with paths to write, which only a presentation does (COORD-105).
    `criteria` count only where voting is checklist-gated.
    """
    orchestrator = config.orchestrator
    coordination = orchestrator.coordination
    checklist = orchestrator.voting_sensitivity == "checklist_gated"
    return Rules(
        agents=len(config.agents),
        mode="decomposition" if orchestrator.coordination_mode == "decomposition" else "voting",
        presenter=_presenter(config),
        max_answers=1 if quick else orchestrator.max_new_answers_per_agent,
        max_answers_global=orchestrator.max_new_answers_global,
        novelty=orchestrator.answer_novelty_requirement,
        fairness=orchestrator.fairness_enabled,
        lead_cap=orchestrator.fairness_lead_cap_answers,
        max_injections=orchestrator.max_midstream_injections_per_round,
        defer_updates=orchestrator.defer_peer_updates_until_restart,
        updates_before_checklist=orchestrator.allow_midstream_peer_updates_before_checklist_submit,
        isolated=quick or orchestrator.disable_injection,
        defer_voting=quick or orchestrator.defer_voting_until_all_answered,
        checklist=checklist and not quick,
        criteria=tuple(criterion.id for criterion in criteria) if checklist and not quick else (),
        skip_coordination=orchestrator.skip_coordination_rounds,
        quick=quick,
        plain=plain,
        delivery="reuse" if quick else _DELIVERY[orchestrator.final_answer_strategy],
        direct_single=_direct_single(config) and not writes,
        grace_seconds=float(limits_of(config).grace),
        max_restarts=0 if plain else coordination.max_orchestration_restarts,
    )


def _presenter(config: Config) -> int | None:
    wanted = config.orchestrator.presenter_agent
    if wanted is None:
        return None
    for number, agent in enumerate(config.agents, 1):
        if agent.id == wanted:
            return number
    raise ConfigError(f"orchestrator.presenter_agent: there is no agent {wanted!r}.")


def _direct_single(config: Config) -> bool:
    """COORD-105: nothing is left to do in a presentation of a lone agent."""
    coordination = config.orchestrator.coordination
    writable = any(path.permission == "write" for path in config.orchestrator.context_paths)
    return not (coordination.enable_planning_mode or writable or coordination.max_orchestration_restarts)


def limits_of(config: Config) -> TimeLimits:
    """Time limits of a run, by key: flag, `timeout_settings`, `orchestrator.timeout` (CFG-028)."""
    times = effective_timeouts(config)
    return TimeLimits(
        run=_seconds(times.orchestrator_timeout_seconds),
        first_round=_seconds(times.initial_round_timeout_seconds),
        later_round=_seconds(times.subsequent_round_timeout_seconds),
        grace=float(times.round_timeout_grace_seconds),
        agent=_seconds(times.agent_timeout_seconds),
    )


def budget_of(config: Config) -> Budget:
    """What the run and each agent may spend (`max_cost_usd`, `max_total_tokens`)."""
    whole = config.orchestrator
    return Budget(
        run=Allowance(cost=whole.max_cost_usd, tokens=whole.max_total_tokens),
        agents={
            agent.id: Allowance(cost=agent.max_cost_usd, tokens=agent.max_total_tokens) for agent in config.agents
        },
    )


def _seconds(value: float | None) -> float | None:
    return None if value is None else float(value)
