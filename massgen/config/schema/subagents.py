"""Subagents (COORD-175 to 194)."""

from typing import Annotated, Literal

from massgen.config.schema.agent import AgentConfig
from massgen.config.schema.base import Flag, Positive, Section, Texts, doc
from massgen.config.schema.timeouts import RoundTimeouts
from massgen.config.schema.voting import VotingKeys


class BackgroundSubagents(Section):
    """Subagents that work while their parent goes on."""

    enabled: Annotated[Flag, doc("Allow them.")] = True
    injection_strategy: Annotated[
        Literal["tool_result", "user_message"], doc("How their results reach the parent.")
    ] = "tool_result"


class SubagentOrchestrator(VotingKeys):
    """The team of a subagent; voting keys of `orchestrator` may be set here too."""

    enabled: Annotated[Flag, doc("Subagents are teams.")] = False
    agents: Annotated[tuple[AgentConfig, ...], doc("Its agents; none = the parent's.")] = ()
    parse_at_references: Annotated[Flag, doc("`@path` in a task grants that path.")] = True
    inherit_spawning_agent_backend: Annotated[Flag, doc("Use the parent's backend.")] = False
    shared_child_team_types: Annotated[Texts, doc("Types that share one team; `*` = all.")] = ("round_evaluator",)
    disable_injection: Annotated[Flag, doc("As in `orchestrator`.")] = True
    defer_voting_until_all_answered: Annotated[Flag, doc("As in `orchestrator`.")] = True


class SubagentKeys(Section):
    """Subagent keys of `orchestrator.coordination`."""

    enable_subagents: Annotated[Flag, doc("Agents may start subagents.")] = False
    subagent_types: Annotated[
        Texts | None, doc("null = evaluator, explorer, researcher; [] = none; novelty must be asked for.")
    ] = None
    subagent_default_timeout: Annotated[Positive, doc("Seconds.")] = 300
    subagent_min_timeout: Annotated[Positive, doc("Seconds.")] = 60
    subagent_max_timeout: Annotated[Positive, doc("Seconds.")] = 600
    subagent_max_concurrent: Annotated[Positive, doc("At the same time.")] = 3
    subagent_round_timeouts: Annotated[RoundTimeouts | None, doc("Round limits; left out: inherited.")] = None
    subagent_runtime_mode: Annotated[Literal["isolated", "inherited"], doc("Where they run.")] = "isolated"
    subagent_runtime_fallback_mode: Annotated[
        Literal["inherited"] | None, doc("What to do where isolation is impossible.")
    ] = None
    subagent_host_launch_prefix: Annotated[Texts | None, doc("Command put before their start.")] = None
    background_subagents: Annotated[BackgroundSubagents, doc("In the background.")] = (
        BackgroundSubagents.model_construct()
    )
    subagent_orchestrator: Annotated[SubagentOrchestrator | None, doc("Subagents as teams.")] = None
