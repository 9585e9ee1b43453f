"""Keys that depend on each other: skills, evaluation, memory, planning, modes (CFG-072, CFG-073)."""

from __future__ import annotations

from massgen.config.capabilities import CAPABILITIES
from massgen.config.diagnostics import Path
from massgen.config.findings import Findings
from massgen.config.schema.root import Config

COORDINATION: Path = ("orchestrator", "coordination")


def check_features(config: Config, findings: Findings) -> None:
    """What one section asks of another."""
    _check_evaluation(config, findings)
    _check_skills(config, findings)
    _check_team_features(config, findings)
    _check_memory(config, findings)
    _check_paraphrasing(config, findings)
    _check_subagents(config, findings)
    _check_storage(config, findings)
    _check_filesystem_first(config, findings)


def _check_evaluation(config: Config, findings: Findings) -> None:
    coordination = config.orchestrator.coordination
    checklist = config.orchestrator.voting_sensitivity == "checklist_gated"
    if coordination.round_evaluator_before_checklist:
        where: Path = (*COORDINATION, "round_evaluator_before_checklist")
        if not coordination.orchestrator_managed_round_evaluator:
            message = "'round_evaluator_before_checklist' needs 'orchestrator_managed_round_evaluator'"
            findings.error(where, message, "Add 'orchestrator_managed_round_evaluator: true'")
        if not checklist:
            message = "'round_evaluator_before_checklist' needs checklist-gated voting"
            findings.error(where, message, "Set 'voting_sensitivity: checklist_gated' below 'orchestrator'")
    if coordination.fast_iteration_mode and not checklist:
        message = "'fast_iteration_mode' only has an effect with checklist-gated voting"
        advice = "Set 'voting_sensitivity: checklist_gated' below 'orchestrator'"
        findings.warning((*COORDINATION, "fast_iteration_mode"), message, advice)
    criteria = config.orchestrator.evaluation_criteria_generator
    if criteria.min_criteria > criteria.max_criteria:
        where = ("orchestrator", "evaluation_criteria_generator", "min_criteria")
        findings.error(where, "'min_criteria' is greater than 'max_criteria'")


def _check_skills(config: Config, findings: Findings) -> None:
    if not config.orchestrator.coordination.use_skills:
        return
    if not any(agent.backend.enable_mcp_command_line for agent in config.agents):
        advice = "Add 'enable_mcp_command_line: true' to the backend of an agent"
        findings.error((*COORDINATION, "use_skills"), "Skills require command line execution", advice)


def _check_team_features(config: Config, findings: Findings) -> None:
    coordination = config.orchestrator.coordination
    for index, agent in enumerate(config.agents):
        name = agent.backend.type
        path: Path = ("agents", index, "backend", "type")
        if coordination.enable_planning_mode and name in CAPABILITIES and not CAPABILITIES[name].planning_mode:
            findings.warning(path, f"Planning mode is not available with '{name}' and is ignored there")
        if coordination.broadcast and name == "claude_code" and len(config.agents) > 1:
            findings.warning(path, "'claude_code' cannot use ask_others; questions to and from it are unreliable")
        if coordination.enable_memory_filesystem_mode and agent.backend.cwd is None:
            message = "Memory files need a workspace; this agent runs without them"
            findings.warning(("agents", index, "backend"), message, "Add 'cwd: workspace'")


def _check_memory(config: Config, findings: Findings) -> None:
    memory = config.memory
    if memory is None or not (memory.enabled and memory.persistent_memory.enabled):
        return
    if memory.persistent_memory.qdrant.mode == "local" and len(config.agents) > 1:
        where: Path = ("memory", "persistent_memory", "qdrant", "mode")
        message = "Qdrant in local mode serves one agent at a time"
        findings.warning(where, message, "Use 'mode: server' for several agents")


def _check_paraphrasing(config: Config, findings: Findings) -> None:
    dspy = config.orchestrator.dspy
    if dspy is None or not dspy.enabled:
        return
    where: Path = ("orchestrator", "dspy")
    if dspy.backend is None:
        findings.error(where, "dspy missing required field 'backend'", "Add 'backend:' with type and model")
    else:
        for key in ("type", "model"):
            if not getattr(dspy.backend, key):
                findings.error((*where, "backend"), f"dspy backend missing required field '{key}'", f"Add '{key}: ...'")
    span = dspy.temperature_range
    if span and span[0] > span[1]:
        findings.error((*where, "temperature_range"), "The lower temperature comes first")


def _check_subagents(config: Config, findings: Findings) -> None:
    coordination = config.orchestrator.coordination
    low, high = coordination.subagent_min_timeout, coordination.subagent_max_timeout
    if low > high:
        where: Path = (*COORDINATION, "subagent_min_timeout")
        findings.error(where, "'subagent_min_timeout' is greater than 'subagent_max_timeout'")
    elif not low <= coordination.subagent_default_timeout <= high:
        where = (*COORDINATION, "subagent_default_timeout")
        findings.hint(where, f"The time is brought into the range {low} to {high}")
    known = {"evaluator", "explorer", "researcher", "novelty", "round_evaluator"}
    for index, name in enumerate(coordination.subagent_types or ()):
        if name not in known:
            message = f"'{name}' is no built-in type of subagent; it needs a definition of your own"
            findings.warning((*COORDINATION, "subagent_types", index), message)


def _check_storage(config: Config, findings: Findings) -> None:
    orchestrator = config.orchestrator
    files = orchestrator.context_paths or any(agent.backend.cwd for agent in config.agents)
    missing = [
        key for key in ("snapshot_storage", "agent_temporary_workspace") if key not in orchestrator.model_fields_set
    ]
    if files and missing:
        used = ", ".join(f"{key}: {getattr(orchestrator, key)}" for key in missing)
        where: Path = ("orchestrator",) if "orchestrator" in findings.root else ()
        findings.hint(where, f"Defaults are used for {used}")


def _check_filesystem_first(config: Config, findings: Findings) -> None:
    if config.massgen.execution_mode != "filesystem_first":
        return
    where: Path = ("massgen", "execution_mode")
    if not all(agent.backend.enable_mcp_command_line for agent in config.agents):
        message = "execution_mode: 'filesystem_first' requires code execution"
        findings.error(where, message, "Add 'enable_mcp_command_line: true' to the backend of every agent")
    elif any(agent.backend.command_line_execution_mode == "local" for agent in config.agents):
        message = "Filesystem-first mode is meant for containers; commands run on this machine"
        findings.warning(where, message, "Set 'command_line_execution_mode: docker'")
