"""The team as a whole: agents, ids, roles, caps."""

from __future__ import annotations

from massgen.config.backend_types import BACKEND_TYPES, SUGGESTED
from massgen.config.diagnostics import Path, nearest
from massgen.config.findings import Findings
from massgen.config.schema.backend import BackendConfig
from massgen.config.schema.root import Config
from massgen.config.source import SourceMap


def check_team(config: Config, findings: Findings) -> None:
    """Required fields, unique ids, known backend types, roles."""
    root = findings.root
    if "models" in root or "num_agents" in root:
        key = "models" if "models" in root else "num_agents"
        findings.error((key,), "V1 config format detected", "List the agents below 'agents:', each with id and backend")
    elif not root.get("agents"):
        place: Path = ("agents",) if "agents" in root else ()
        suggestion = "Add 'agents:' with at least one agent"
        findings.error(place, "No agents: 'agents' or 'agent' is missing", suggestion)
    seen: dict[str, int] = {}
    for index, agent in enumerate(config.agents):
        path: Path = ("agents", index)
        given = _given(root, index)
        if "id" not in given or given["id"] in (None, ""):
            findings.error(path, "Agent missing required field 'id'", "Add 'id: \"agent-name\"'")
        elif agent.id in seen:
            findings.error(
                (*path, "id"), f"Duplicate agent ID: '{agent.id}'", f"agents[{seen[agent.id]}] has it already"
            )
        elif agent.id:
            seen[agent.id] = index
        if "backend" not in given or given["backend"] is None:
            findings.error(path, "Agent missing required field 'backend'", "Add 'backend:' with type and model")
        elif isinstance(given["backend"], SourceMap):
            check_backend(agent.backend, given["backend"], (*path, "backend"), findings)
    presenter = config.orchestrator.presenter_agent
    if presenter is not None and presenter not in seen:
        guess = nearest(presenter, seen)
        suggestion = f"Did you mean '{guess}'?" if guess else f"Use one of: {', '.join(seen)}"
        findings.error(("orchestrator", "presenter_agent"), f"No agent has the id '{presenter}'", suggestion)
    if len(config.agents) > 1 and "orchestrator" not in root:
        message = "Several agents and no 'orchestrator' section; the defaults apply"
        findings.warning((), message, "Add 'orchestrator:' with what you want, at least snapshot_storage")


def _given(root: SourceMap, index: int) -> SourceMap:
    agents = root.get("agents")
    agent = agents[index] if isinstance(agents, list) and index < len(agents) else None
    return agent if isinstance(agent, SourceMap) else SourceMap()


def check_backend(backend: BackendConfig, given: SourceMap, path: Path, findings: Findings) -> None:
    """Type, model and endpoint of one backend."""
    if given.get("type") in (None, ""):
        known = "Add 'type: ...', one of: " + ", ".join(BACKEND_TYPES)
        findings.error(path, "Backend missing required field 'type'", known)
        return
    name = backend.type
    entry = BACKEND_TYPES.get(name)
    if entry is None:
        if not name:
            return
        guess = SUGGESTED.get(name.lower()) or nearest(name, BACKEND_TYPES)
        meant = f"Did you mean '{guess}'? " if guess else ""
        suggestion = f"{meant}Use one of: {', '.join(BACKEND_TYPES)}"
        findings.error((*path, "type"), f"Unknown backend type: '{name}'", suggestion)
        return
    if entry.needs_model and not entry.default_model and given.get("model") in (None, ""):
        findings.error(path, "Backend missing required field 'model'", "Add 'model: \"model-name\"'")
    if entry.needs_base_url and given.get("base_url") in (None, ""):
        findings.error(path, "Backend missing required field 'base_url'", "Add 'base_url: \"https://...\"'")
