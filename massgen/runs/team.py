"""From configuration to a team: backends, prompts, tools and files of every agent."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from massgen.agents.notes import NoteDesk
from massgen.backends import SharedResources, create_backend
from massgen.backends.protocol import ModelBackend
from massgen.config import Config, LoadedConfig
from massgen.coordination.criteria import checklist_section
from massgen.coordination.prompts import PLANNING
from massgen.engine.functions import CallerFunctions, with_presentation
from massgen.engine.team import AgentFiles, AgentTools, Team, TeamAgent, WorkflowHandler
from massgen.errors import ConfigError
from massgen.runs.context_rules import context_rules
from massgen.runs.preparation import Preparation
from massgen.runs.request import RunRequest
from massgen.runs.rules import limits_of, rules_of


class Equipment(Struct, frozen=True, kw_only=True):
    """What one agent gets besides its model."""

    tools: AgentTools | None = None
    files: AgentFiles | None = None
    system_parts: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    presentation_sections: tuple[str, ...] = ()
    desk: NoteDesk | None = None


class TeamPlan(Struct, frozen=True, kw_only=True):
    """What shapes the team besides the configuration; `ready` was worked out before.

    `writes` says that the question came with paths to write.
    """

    quick: bool = False
    plain: bool = False
    writes: bool = False
    ready: Preparation = field(default_factory=Preparation)
    equipment: Sequence[Equipment] = ()
    handlers: dict[str, WorkflowHandler] = field(default_factory=dict)
    functions: CallerFunctions | None = None

    @classmethod
    def of(cls, request: RunRequest, *, ready: Preparation, equipment: Sequence[Equipment]) -> TeamPlan:
        """What the question asks for."""
        writes = any(path.permission == "write" for path in request.context_paths)
        return cls(
            quick=request.quick,
            plain=request.plain,
            writes=writes,
            ready=ready,
            equipment=equipment,
            functions=request.functions,
        )


def keep_single_agent(config: Config, wanted: str | None) -> Config:
    """`--single-agent`: the named agent, or the first for an empty name (CLI-038)."""
    if wanted is None:
        return config
    if wanted == "":
        return config.model_copy(update={"agents": config.agents[:1]})
    kept = tuple(agent for agent in config.agents if agent.id == wanted)
    if not kept:
        names = ", ".join(agent.id for agent in config.agents)
        raise ConfigError(f"There is no agent {wanted!r}.", hint=f"The agents are: {names}")
    return config.model_copy(update={"agents": kept})


def with_workspaces(config: Config) -> Config:
    """Context paths that came with the question give every agent a workspace (S-02)."""
    agents = tuple(
        agent
        if agent.backend.cwd is not None
        else agent.model_copy(update={"backend": agent.backend.model_copy(update={"cwd": "workspace"})})
        for agent in config.agents
    )
    return config.model_copy(update={"agents": agents})


def wanted_team(config: Config, request: RunRequest) -> Config:
    """The team as the question wants it: one agent of it, more instructions. Raises `ConfigError`."""
    return _with_instructions(keep_single_agent(config, request.single_agent), request.instructions)


def _with_instructions(config: Config, instructions: Sequence[str]) -> Config:
    """The same team with these texts after the system message of each agent (SRV-012)."""
    if not instructions:
        return config
    extra = "\n\n".join(instructions)
    agents = tuple(
        agent.model_copy(update={"system_message": "\n\n".join(filter(None, (agent.system_message, extra)))})
        for agent in config.agents
    )
    return config.model_copy(update={"agents": agents})


def create_backends(config: Config, loaded: LoadedConfig, resources: SharedResources) -> list[ModelBackend]:
    """One backend for each agent; raises `ConfigError` for what cannot be used."""
    directory = loaded.path.parent if loaded.path is not None else None
    environ = loaded.environment
    return [
        create_backend(agent.backend, agent_id=agent.id, resources=resources, environ=environ, directory=directory)
        for agent in config.agents
    ]


def _shared_sections(config: Config, ready: Preparation, *, checklist: bool) -> tuple[str, ...]:
    """What the system text of every agent says about this team's way of working."""
    coordination = config.orchestrator.coordination
    found = []
    if checklist:
        found.append(checklist_section(ready.criteria, fast=coordination.fast_iteration_mode))
    if coordination.enable_planning_mode:
        found.append(coordination.planning_mode_instruction or PLANNING)
    return tuple(found)


def build_team(config: Config, backends: Sequence[ModelBackend], plan: TeamPlan) -> Team:
    """The value the engine runs."""
    equipment = plan.equipment or [Equipment() for _ in config.agents]
    ready = plan.ready
    personas = ready.personas
    rules = rules_of(config, quick=plan.quick, plain=plan.plain, writes=plan.writes, criteria=ready.criteria)
    if plan.functions is not None:
        rules = with_presentation(rules)
    shared = _shared_sections(config, ready, checklist=rules.checklist)
    agents = tuple(
        TeamAgent(
            id=agent.id,
            number=number,
            backend=backend,
            persona=personas[number - 1].text if personas else "",
            persona_softened=personas[number - 1].softened if personas else "",
            system_parts=(*kit.system_parts, *([agent.system_message] if agent.system_message else ())),
            guidance=shared,
            sections=kit.sections,
            presentation_sections=kit.presentation_sections,
            subtask=agent.subtask or (ready.subtasks[number - 1] if ready.subtasks else ""),
            paraphrase=ready.paraphrases[number - 1] if ready.paraphrases else "",
            tools=kit.tools,
            files=kit.files,
            context=context_rules(config, agent, kit.desk),
        )
        for number, (agent, backend, kit) in enumerate(zip(config.agents, backends, equipment, strict=True), 1)
    )
    return Team(
        agents=agents,
        rules=rules,
        limits=limits_of(config),
        sensitivity="lenient" if plan.quick else config.orchestrator.voting_sensitivity,
        planning=config.orchestrator.coordination.enable_planning_mode,
        debug_final_answer=config.orchestrator.debug_final_answer,
        handlers=plan.handlers,
        functions=plan.functions,
    )
