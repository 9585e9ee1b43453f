"""Other spellings and places become the one form that the schema knows; deprecated ones warn.

Works on raw values and leaves what it does not understand to the schema.
"""

from __future__ import annotations

from typing import Any

from massgen.config.findings import Findings
from massgen.config.normalise_agents import normalise_agent, normalise_backend, normalise_hooks
from massgen.config.schema.orchestrator import OrchestratorConfig
from massgen.config.source import SourceList, SourceMap, copy_source

DEFAULT_AGENT_ID = "agent_a"
_SECTION_KEYS = frozenset(OrchestratorConfig.model_fields) - {"coordination", "evaluation_criteria_generator"}


def normalise(root: SourceMap, findings: Findings) -> None:
    """Change `root` in place; `findings` gets what the user should know."""
    _agents(root, findings)
    agents = root.get("agents")
    for index, agent in enumerate(agents if isinstance(agents, list) else ()):
        if isinstance(agent, SourceMap):
            normalise_agent(agent, findings)
            _agent_task(root, agent)
            _agent_memory(root, agent)
            if index == 0 and not agent.get("id") and agent.path == ("agent",):
                agent.put("id", DEFAULT_AGENT_ID)
                findings.put("warning", agent.path, agent.mark, f"No id given, '{DEFAULT_AGENT_ID}' is used")
    _orchestrator(root, findings)
    _display(root)
    _hooks(root)


def _agents(root: SourceMap, findings: Findings) -> None:
    if "agent" in root:
        if "agents" in root:
            findings.about_key("error", root, "agent", "Both 'agent' and 'agents' are given", "Keep one of them")
            del root["agent"]
        else:
            agent = root.pop("agent")
            holder = SourceList(("agents",), root.values_at.get("agent", root.mark))
            holder.append(agent)
            holder.items_at.append(root.values_at.get("agent"))
            root.put("agents", holder, source=root, source_key="agent")
    agents = root.get("agents")
    if isinstance(agents, SourceMap):
        holder = SourceList(agents.path, agents.mark)
        for name, agent in agents.items():
            if isinstance(agent, SourceMap):
                agent.setdefault("id", name)
            holder.append(agent)
            holder.items_at.append(agents.values_at.get(name))
        root["agents"] = holder


def _agent_task(root: SourceMap, agent: SourceMap) -> None:
    if "task" in agent:
        task = agent.pop("task")
        if "task" not in root:
            root.put("task", task, source=agent, source_key="task")


def _agent_memory(root: SourceMap, agent: SourceMap) -> None:
    general, own = root.get("memory"), agent.get("memory")
    if isinstance(general, SourceMap) and isinstance(own, SourceMap):
        _merge_below(own, general)


def _merge_below(own: SourceMap, general: SourceMap) -> None:
    for key, value in general.items():
        if key not in own:
            own.put(key, copy_source(value, general.path_of(key)), source=general, source_key=key)
        elif isinstance(own[key], SourceMap) and isinstance(value, SourceMap):
            _merge_below(own[key], value)


def _orchestrator(root: SourceMap, findings: Findings) -> None:
    stray = {
        key: root.get(key) for key in ("coordination", "evaluation_criteria_generator") if root.get(key) is not None
    }
    orchestrator = root.get("orchestrator")
    if orchestrator is None and stray:
        orchestrator = SourceMap(("orchestrator",), root.mark)
        root["orchestrator"] = orchestrator
    if not isinstance(orchestrator, SourceMap):
        return
    if "coordination" in stray:
        findings.about_key("warning", root, "coordination", "This section is misplaced", "Move it below 'orchestrator'")
        _merge_section(root, orchestrator, "coordination")
    if "evaluation_criteria_generator" in stray:
        _merge_section(root, orchestrator, "evaluation_criteria_generator")
    coordination = orchestrator.get("coordination")
    if isinstance(coordination, SourceMap):
        _coordination(coordination, orchestrator, findings)
    _voting_values(orchestrator)


def _merge_section(source: SourceMap, target: SourceMap, key: str) -> None:
    """Move the section `key` to `target`; keys that `target` has already win."""
    value = source.pop(key)
    present = target.get(key)
    if present is None:
        target.put(key, value, source=source, source_key=key)
    elif isinstance(present, SourceMap) and isinstance(value, SourceMap):
        for name, item in value.items():
            if name not in present:
                present.put(name, item, source=value, source_key=name)


def _coordination(coordination: SourceMap, orchestrator: SourceMap, findings: Findings) -> None:
    if "use_two_tier_workspace" in coordination:
        findings.about_key(
            "warning",
            coordination,
            "use_two_tier_workspace",
            "'use_two_tier_workspace' is deprecated",
            "Use 'write_mode: auto'",
        )
        if coordination.pop("use_two_tier_workspace") is True and "write_mode" not in coordination:
            coordination["write_mode"] = "auto"
    if isinstance(coordination.get("evaluation_criteria_generator"), SourceMap):
        _merge_section(coordination, orchestrator, "evaluation_criteria_generator")
    for key in [name for name in coordination if name in _SECTION_KEYS]:
        findings.about_key("warning", coordination, key, f"'{key}' belongs to 'orchestrator'", "Move it one level up")
        value = coordination.pop(key)
        if key not in orchestrator:
            orchestrator.put(key, value, source=coordination, source_key=key)
    if coordination.get("broadcast") == "false":
        coordination["broadcast"] = False
    team = coordination.get("subagent_orchestrator")
    if isinstance(team, SourceMap):
        _voting_values(team)
        agents = team.get("agents")
        for agent in agents if isinstance(agents, list) else ():
            if isinstance(agent, SourceMap):
                normalise_agent(agent, findings)
    personas = coordination.get("persona_generator")
    if isinstance(personas, SourceMap) and isinstance(personas.get("backend"), SourceMap):
        normalise_backend(personas["backend"], findings)


def _voting_values(section: SourceMap) -> None:
    if section.get("coordination_mode") == "parallel":
        section["coordination_mode"] = "voting"


def _display(root: SourceMap) -> None:
    ui = root.get("ui")
    if isinstance(ui, SourceMap) and ui.get("display_type") == "textual_terminal":
        ui["display_type"] = "textual"


def _hooks(root: SourceMap) -> None:
    hooks: Any = root.get("hooks")
    if isinstance(hooks, SourceMap):
        normalise_hooks(hooks)
