"""Type, model, endpoint and built-in tools of every backend (CFG-067 to CFG-069, BE-070, COORD-053, WS-013)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from massgen.config.backend_types import BACKEND_TYPES, SUGGESTED
from massgen.config.capabilities import CAPABILITIES, types_with
from massgen.config.checks.team import given_agent
from massgen.config.diagnostics import Path, nearest
from massgen.config.findings import Findings
from massgen.config.schema.agent import AgentConfig
from massgen.config.schema.backend import BackendConfig
from massgen.config.schema.root import Config
from massgen.config.source import SourceMap

SWITCHES = {
    "enable_web_search": "web_search",
    "enable_code_execution": "code_execution",
    "enable_code_interpreter": "code_interpreter",
}
WEAK_MODELS = ("gpt-4o", "gpt-4.1")


def check_agents(config: Config, findings: Findings) -> None:
    """Every backend of the team and of the teams of subagents."""
    for index, agent in enumerate(config.agents):
        given = given_agent(findings.root, index)
        if given and given.get("backend") is None:
            advice = "Add 'backend:' with type and model"
            findings.error(("agents", index), "Agent missing required field 'backend'", advice)
        _check_agent(agent, given, ("agents", index), findings)
    for path, agents in _child_teams(config):
        for index, agent in enumerate(agents):
            _check_agent(agent, _raw(findings.root, (*path, index)), (*path, index), findings)
    personas = config.orchestrator.coordination.persona_generator
    if personas.backend is not None:
        where: Path = ("orchestrator", "coordination", "persona_generator", "backend")
        check_backend(personas.backend, _raw(findings.root, where), where, findings)


def _child_teams(config: Config) -> Iterator[tuple[Path, tuple[AgentConfig, ...]]]:
    for index, agent in enumerate(config.agents):
        if agent.subagent_agents:
            yield ("agents", index, "subagent_agents"), agent.subagent_agents
    team = config.orchestrator.coordination.subagent_orchestrator
    if team is not None:
        yield ("orchestrator", "coordination", "subagent_orchestrator", "agents"), team.agents


def _raw(root: SourceMap, path: Path) -> SourceMap:
    here: object = root
    for part in path:
        match here, part:
            case dict(), str() if part in here:
                here = here[part]
            case list(), int() if part < len(here):
                here = here[part]
            case _:
                return SourceMap()
    return here if isinstance(here, SourceMap) else SourceMap()


def _check_agent(agent: AgentConfig, given: SourceMap, path: Path, findings: Findings) -> None:
    raw = given.get("backend")
    if isinstance(raw, SourceMap):
        check_backend(agent.backend, raw, (*path, "backend"), findings)


def check_backend(backend: BackendConfig, given: SourceMap, path: Path, findings: Findings) -> None:
    """One backend; `given` is its raw map."""
    known = ", ".join(BACKEND_TYPES)
    if given.get("type") in (None, ""):
        findings.error(path, "Backend missing required field 'type'", f"Add 'type: ...', one of: {known}")
        return
    if backend.type not in BACKEND_TYPES:
        if backend.type:
            guess = SUGGESTED.get(backend.type.lower()) or nearest(backend.type, BACKEND_TYPES)
            meant = f"Did you mean '{guess}'? " if guess else ""
            message = f"Unknown backend type: '{backend.type}'"
            findings.error((*path, "type"), message, f"{meant}Use one of: {known}")
        return
    _check_required(backend, given, path, findings)
    _check_address(backend, path, findings)
    _check_switches(backend, path, findings)
    _check_workspace(backend, path, findings)


def _check_required(backend: BackendConfig, given: SourceMap, path: Path, findings: Findings) -> None:
    entry = BACKEND_TYPES[backend.type]
    if entry.needs_model and not entry.default_model and given.get("model") in (None, ""):
        findings.error(path, "Backend missing required field 'model'", "Add 'model: \"model-name\"'")
    if entry.needs_base_url and given.get("base_url") in (None, ""):
        advice = "Add 'base_url: \"https://.../v1\"'"
        findings.error(path, "Backend missing required field 'base_url'", advice)
    if backend.type == "ag2" and not (given.get("agent_config") or given.get("llm_config") or given.get("agent_type")):
        advice = "Add 'agent_config:' with type, name and llm_config"
        findings.error(path, "Backend missing required field 'agent_config'", advice)


def _check_address(backend: BackendConfig, path: Path, findings: Findings) -> None:
    address = backend.base_url
    if not address or "${" in address:
        return
    try:
        parts = urlsplit(address)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        message = "'base_url' is no web address"
        findings.error((*path, "base_url"), message, "Write it as in http://localhost:8000/v1")


def _check_switches(backend: BackendConfig, path: Path, findings: Findings) -> None:
    row = CAPABILITIES[backend.type]
    for key, name in SWITCHES.items():
        if not getattr(backend, key):
            continue
        verdict = getattr(row, key)
        host = urlsplit(backend.base_url).hostname if backend.base_url and "${" not in backend.base_url else None
        if verdict == "warn" and key == "enable_web_search" and (host or "").endswith("openrouter.ai"):
            continue
        if verdict == "no":
            message = f"Backend does not support {name}: '{backend.type}'"
            advice = f"Remove {key}, or use one of: {', '.join(types_with(key))}"
            findings.error((*path, key), message, advice)
        elif verdict == "warn":
            message = f"Whether '{backend.type}' supports {name} depends on the server; it is tried"
            findings.warning((*path, key), message)
    _check_tool_support(backend, path, findings)


def _check_tool_support(backend: BackendConfig, path: Path, findings: Findings) -> None:
    row = CAPABILITIES[backend.type]
    if backend.mcp_servers and row.mcp == "no":
        message = f"'{backend.type}' has no MCP tools; the servers are left out"
        findings.warning((*path, "mcp_servers"), message)
    elif backend.mcp_servers and row.mcp == "warn":
        message = f"MCP tools may not work with '{backend.type}'; they are tried"
        findings.warning((*path, "mcp_servers"), message)
    if backend.custom_tools and not row.custom_tools:
        message = f"'{backend.type}' has no custom tools; they are left out"
        findings.warning((*path, "custom_tools"), message)


def _check_workspace(backend: BackendConfig, path: Path, findings: Findings) -> None:
    workspace = backend.cwd
    if workspace is None:
        return
    if workspace[-1:].isdigit():
        message = "A number in the workspace's name can reveal who wrote an answer"
        findings.hint((*path, "cwd"), message, "Use plain 'workspace'; every agent gets its own directory")
    if backend.model.startswith(WEAK_MODELS):
        message = f"{backend.model} is weak at work with files"
        findings.hint((*path, "model"), message, "Better: a Claude Sonnet, GPT-5, Gemini 2.5 Pro or Grok 4")
