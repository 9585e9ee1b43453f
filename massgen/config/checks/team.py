"""The team as a whole: agents, ids, roles, caps (CFG-067, CFG-068, CFG-070, COORD-002)."""

from __future__ import annotations

from massgen import paths
from massgen.config.diagnostics import Path, nearest
from massgen.config.findings import Findings
from massgen.config.schema.root import OLD_FORM, Config
from massgen.config.source import SourceMap

LONGEST_ID = 200


def check_team(config: Config, findings: Findings) -> None:
    """Required fields of the team, unique ids, roles, caps."""
    root = findings.root
    if key := next((key for key in OLD_FORM if key in root), None):
        advice = "Migrate to the present form: list the agents below 'agents:', each with id and backend"
        findings.error((key,), "V1 config format detected", advice)
    elif not root.get("agents"):
        place: Path = ("agents",) if "agents" in root else ()
        advice = "Add 'agents:' with at least one agent"
        findings.error(place, "No agents: 'agents' or 'agent' is missing", advice)
    ids = _check_ids(config, findings)
    _check_presenter(config, ids, findings)
    _check_caps(config, findings)
    if config.session_id is not None and not paths.SESSION_ID.fullmatch(config.session_id):
        findings.error(("session_id",), f"{config.session_id!r} is no session id", paths.SESSION_ID_FORM)
    if len(config.agents) > 1 and "orchestrator" not in root:
        message = "Several agents and no 'orchestrator' section; its defaults apply"
        findings.warning((), message, "Add 'orchestrator:' with the settings you want")


def given_agent(root: SourceMap, index: int) -> SourceMap:
    """The raw map of an agent; empty where it is none."""
    agents = root.get("agents")
    agent = agents[index] if isinstance(agents, list) and index < len(agents) else None
    return agent if isinstance(agent, SourceMap) else SourceMap()


def _is_map(root: SourceMap, index: int) -> bool:
    agents = root.get("agents")
    return not isinstance(agents, list) or index >= len(agents) or isinstance(agents[index], SourceMap)


def _check_ids(config: Config, findings: Findings) -> dict[str, int]:
    seen: dict[str, int] = {}
    for index, agent in enumerate(config.agents):
        path: Path = ("agents", index)
        if not _is_map(findings.root, index):
            continue  # said already, where the tree was read
        given = given_agent(findings.root, index)
        if given.get("id") in (None, "") or (isinstance(given["id"], str) and not given["id"].strip()):
            findings.error(path, "Agent missing required field 'id'", "Add 'id: \"agent-name\"'")
        elif agent.id in seen:
            advice = f"agents[{seen[agent.id]}] has it already; ids must differ"
            findings.error((*path, "id"), f"Duplicate agent ID: '{agent.id}'", advice)
        elif agent.id:
            seen[agent.id] = index
            if len(agent.id) > LONGEST_ID or any(not char.isprintable() for char in agent.id):
                message = f"The id must be one printable line of at most {LONGEST_ID} characters"
                findings.error((*path, "id"), message)
    return seen


def _check_presenter(config: Config, ids: dict[str, int], findings: Findings) -> None:
    presenter = config.orchestrator.presenter_agent
    if presenter is None or presenter in ids:
        return
    guess = nearest(presenter, ids)
    advice = f"Did you mean '{guess}'?" if guess else f"Use one of: {', '.join(ids)}"
    findings.error(("orchestrator", "presenter_agent"), f"No agent has the id '{presenter}'", advice)


def _check_caps(config: Config, findings: Findings) -> None:
    orchestrator = config.orchestrator
    cap, agents = orchestrator.max_new_answers_global, len(config.agents)
    if cap is not None and cap < agents and orchestrator.coordination_mode == "voting":
        path: Path = ("orchestrator", "max_new_answers_global")
        if orchestrator.defer_voting_until_all_answered:
            message = f"{agents} agents cannot all answer with {cap} answers, but voting waits for all of them"
            findings.error(path, message, f"Use at least {agents}")
        else:
            findings.hint(path, f"With {cap} answers for {agents} agents some will only vote")
