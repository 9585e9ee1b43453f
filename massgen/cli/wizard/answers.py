"""Questions that more than one wizard asks: keys first, shape of the work, commands, files, the place to save."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from massgen.cli.wizard.draft import AgentDraft, Commands, ContextDraft, Draft, efforts_of
from massgen.cli.wizard.keys import ask_for_keys, shown
from massgen.cli.wizard.places import ask_elsewhere
from massgen.cli.wizard.questions import Questions
from massgen.cli.wizard.team import ModelSource, find_sources, with_subtasks
from massgen.cli.wizard.writing import check_text, save
from massgen.config.backend_types import BACKEND_TYPES, key_variables
from massgen.config.environment import read_environment
from massgen.errors import ConfigError, MassGenError

SKILLS_LATER = "Skill packages cannot be installed by this version yet; the agents work without them."


def sources_or_keys(ask: Questions, *, offer: bool = True) -> tuple[ModelSource, ...]:
    """What agents can run on; where nothing is ready and `offer`, keys are asked for first (CFG-080)."""
    sources = find_sources(ask)
    if any(source.ready for source in sources):
        return sources
    ask.say("No key and no local server was found.")
    if offer and ask.yes("Enter an API key now?", default=True) and ask_for_keys(ask):
        return find_sources(ask)
    return sources


def ask_shape(ask: Questions, draft: Draft) -> Draft:
    """How the team works together, and who assembles the result (CFG-084)."""
    if len(draft.agents) < 2:
        return draft
    ask.say("\nHow the team works:")
    options = ("parallel: everybody answers, then they vote", "decomposition: each does a share, one puts it together")
    if ask.choose("Number", options) == 0:
        return draft
    agents = with_subtasks(ask, draft.agents)
    ask.say("Who puts the result together:")
    presenter = ask.choose("Number", [agent.id for agent in agents], default=len(agents) - 1)
    return replace(draft, agents=agents, decomposition=True, presenter=agents[presenter].id)


def ask_effort(ask: Questions, draft: Draft) -> Draft:
    """How long GPT-5 models think (CFG-084). Levels that only some agents have are given to those."""
    offered = max((efforts_of(agent) for agent in draft.agents), key=len, default=())
    if not offered:
        return draft
    ask.say("\nReasoning effort of the GPT-5 models:")
    chosen = offered[ask.choose("Number", offered, default=offered.index("medium"))]
    return draft.with_efforts(chosen)


def ask_commands(ask: Questions) -> Commands:
    """Whether agents run commands, and where."""
    from massgen.workspace.sandbox.container.engine import ContainerUnavailable, find_engine

    try:
        find_engine()
        state = ""
    except ContainerUnavailable:
        state = " (neither docker nor podman was found on this machine)"
    ask.say("\nWhere agents run commands:")
    options = ("on this machine, shut into their workspace", f"in Docker containers{state}", "nowhere")
    match ask.choose("Number", options):
        case 0:
            return "local"
        case 1:
            ask.say(SKILLS_LATER)
            ask.say("The images are pulled by: massgen --setup-docker")
            return "docker"
        case _:
            return "none"


def ask_context(ask: Questions) -> ContextDraft | None:
    """A directory the agents may see."""
    while True:
        given = ask.text("\nDirectory or file that the agents may see (. is this directory, Enter: none)")
        if not given:
            return None
        path = Path(given).expanduser().absolute()
        if path.exists():
            break
        ask.say(f"{path} does not exist.")
    place = str(path.resolve())
    return ContextDraft(path=place, writable=ask.yes("May they change what is in it?", default=False))


def review_and_save(ask: Questions, text: str, path: Path) -> Path | None:
    """Show the file, and write it where the person agrees; where that is, None for nowhere."""
    try:
        check_text(text, path)
    except ConfigError as error:
        ask.say(str(error))
        return None
    ask.say(f"\n{text}")
    wanted: Path | None = path
    while wanted is not None and not _saved(ask, text, wanted):
        wanted = ask_elsewhere(ask)
    if wanted is None:
        ask.say("Nothing was written.")
        return None
    ask.say(f"Saved: {shown(wanted)}")
    return wanted


def _saved(ask: Questions, text: str, path: Path) -> bool:
    exists = path.exists()
    question = f"{shown(path)} exists already. Replace it?" if exists else f"Save as {shown(path)}?"
    if not ask.yes(question, default=not exists):
        return False
    try:
        save(text, path, replace=exists)
    except MassGenError as error:
        ask.say(str(error))
        return False
    return True


def say_missing_keys(ask: Questions, agents: Iterable[AgentDraft]) -> None:
    """What has to be set before these agents can run."""
    environment = read_environment()
    missing: list[str] = []
    for agent in agents:
        entry = BACKEND_TYPES[agent.type]
        variables = key_variables(agent.type, agent.base_url)
        if entry.kind == "agent" or not entry.needs_key or agent.keyless or not variables:
            continue
        if not any(environment.get(name) for name in variables) and variables[0] not in missing:
            missing.append(variables[0])
    if missing:
        ask.say(f"Still needed: {', '.join(missing)}. Enter keys with massgen --setup, or set the variables.")
