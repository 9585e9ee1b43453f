"""`orchestrator.coordination`: planning, communication, tasks, skills, personas, evaluation."""

from typing import Annotated, ClassVar, Literal

from massgen.config.schema.backend import BackendConfig
from massgen.config.schema.base import Count, Flag, Fraction, Positive, Section, Text, Texts, doc
from massgen.config.schema.subagents import SubagentKeys

Level = Literal["low", "medium", "high"]


class PersonaGenerator(Section):
    """Different points of view for the agents (COORD-134 to 142)."""

    enabled: Annotated[Flag, doc("Generate personas.")] = False
    diversity_mode: Annotated[Literal["perspective", "implementation", "methodology"], doc("In what they differ.")] = (
        "perspective"
    )
    persist_across_turns: Annotated[Flag, doc("Keep them for the session.")] = False
    backend: Annotated[BackendConfig | None, doc("Model that writes them; left out: the first agent's.")] = None


class TeamworkKeys(Section):
    """Planning, restarts, isolation and communication."""

    enable_planning_mode: Annotated[Flag, doc("Agents plan; nothing irreversible runs before the end.")] = False
    planning_mode_instruction: Annotated[Text | None, doc("Replaces the built-in text.")] = None
    max_orchestration_restarts: Annotated[Count, doc("New attempts after a poor result.")] = 0
    compression_target_ratio: Annotated[Fraction, doc("Share of messages kept after a context-length error.")] = 0.20
    enable_changedoc: Annotated[Flag, doc("Agents keep a document of decisions.")] = True
    write_mode: Annotated[
        Literal["auto", "worktree", "isolated", "legacy"], doc("How changes to the project are isolated.")
    ] = "legacy"
    broadcast: Annotated[
        Literal["agents", "human"] | Literal[False], doc("Questions during the work: false, agents, human.")
    ] = False
    broadcast_timeout: Annotated[Positive, doc("Seconds to wait for replies.")] = 300
    max_broadcasts_per_agent: Annotated[Count, doc("Questions of one agent.")] = 10
    broadcast_sensitivity: Annotated[Level, doc("How readily agents ask.")] = "medium"
    response_depth: Annotated[Level, doc("How thoroughly agents reply.")] = "medium"


class WorkKeys(Section):
    """Tasks, file memory and skills."""

    enable_agent_task_planning: Annotated[Flag, doc("Task lists for agents.")] = False
    max_tasks_per_plan: Annotated[Positive, doc("Longest list.")] = 10
    task_planning_filesystem_mode: Annotated[Flag, doc("Keep it in tasks/plan.json.")] = False
    enable_memory_filesystem_mode: Annotated[Flag, doc("Memory files in the workspace.")] = False
    use_skills: Annotated[Flag, doc("Offer skills.")] = False
    skills_directory: Annotated[Text, doc("Where the project's skills are.")] = ".agent/skills"
    massgen_skills: Annotated[Texts, doc("Built-in skills that must be asked for.")] = ()
    load_previous_session_skills: Annotated[Flag, doc("Skills of earlier sessions.")] = False
    skill_lifecycle_mode: Annotated[
        Literal["create_new", "create_or_update", "consolidate"], doc("What becomes of new skills.")
    ] = "create_or_update"
    enable_skill_consolidation_in_analysis: Annotated[Flag, doc("Consolidate in log analysis.")] = False
    skill_write_policy: Annotated[
        Literal["none", "final_agent_staging", "final_agent_direct"], doc("Who may write skills.")
    ] = "final_agent_staging"
    skill_similarity_threshold: Annotated[Fraction, doc("Update instead of create from here on.")] = 0.6
    max_previous_session_skills: Annotated[Count, doc("Most skills of earlier sessions.")] = 10
    previous_session_skill_sort: Annotated[Literal["recency", "relevance"], doc("Their order.")] = "recency"
    persona_generator: Annotated[PersonaGenerator, doc("Personas.")] = PersonaGenerator.model_construct()


class EvaluatorKeys(Section):
    """The round evaluator of checklist-gated voting."""

    round_evaluator_before_checklist: Annotated[
        Flag, doc("Evaluate before the checklist; needs the next key and checklist_gated voting.")
    ] = False
    orchestrator_managed_round_evaluator: Annotated[Flag, doc("The program starts the evaluator.")] = False
    round_evaluator_refine: Annotated[Flag, doc("The evaluator refines its critique.")] = False
    round_evaluator_transformation_pressure: Annotated[
        Literal["gentle", "balanced", "aggressive"], doc("How bold the asked changes are.")
    ] = "balanced"
    fast_iteration_mode: Annotated[Flag, doc("Shorter checklist rounds.")] = False


class CoordinationConfig(EvaluatorKeys, SubagentKeys, WorkKeys, TeamworkKeys):
    """How the team works together."""

    also: ClassVar[dict[str, str]] = {
        "use_two_tier_workspace": "deprecated: `write_mode: auto`",
        "evaluation_criteria_generator": "moved to `orchestrator`",
        "voting and answer keys of `orchestrator`": "honoured with a warning",
    }
