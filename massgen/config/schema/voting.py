"""Voting and answer control: keys of `orchestrator` that a subagent team may set too."""

from typing import Annotated, Literal

from massgen.config.schema.base import Count, Flag, Positive, Section, Text, doc


class VotingKeys(Section):
    """When answers are allowed, shown and voted on."""

    coordination_mode: Annotated[
        Literal["voting", "decomposition"], doc("voting (also: parallel) or decomposition.")
    ] = "voting"
    presenter_agent: Annotated[
        Text | None, doc("Agent that assembles the result in decomposition mode; left out: the last.")
    ] = None
    voting_sensitivity: Annotated[
        Literal["lenient", "balanced", "strict", "checklist_gated"], doc("How demanding voters are.")
    ] = "lenient"
    max_new_answers_per_agent: Annotated[Positive | None, doc("Answers of one agent; null = no cap.")] = None
    max_new_answers_global: Annotated[Positive | None, doc("Answers of the team; null = no cap.")] = None
    answer_novelty_requirement: Annotated[
        Literal["lenient", "balanced", "strict"], doc("How different a new answer must be.")
    ] = "lenient"
    fairness_enabled: Annotated[Flag, doc("Keep agents at a similar number of answers.")] = True
    fairness_lead_cap_answers: Annotated[Count, doc("How far one may be ahead; 0 = lockstep.")] = 2
    max_midstream_injections_per_round: Annotated[Count, doc("Peer updates within one round.")] = 2
    defer_peer_updates_until_restart: Annotated[Flag, doc("Peer updates only at round starts.")] = False
    allow_midstream_peer_updates_before_checklist_submit: Annotated[
        Flag | None, doc("Whether updates may come before a checklist is submitted; null = by mode.")
    ] = None
    disable_injection: Annotated[Flag, doc("Agents work without seeing each other.")] = False
    defer_voting_until_all_answered: Annotated[Flag, doc("No vote before all have answered.")] = False
    final_answer_strategy: Annotated[
        Literal["winner_present", "synthesize", "winner_reuse"], doc("How the final answer is made.")
    ] = "winner_present"
