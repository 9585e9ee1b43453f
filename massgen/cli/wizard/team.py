"""Questions about the team: how many agents, on which providers and servers, with which models."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from massgen.cli.wizard.draft import AgentDraft, default_model, ready_made_types, with_ids
from massgen.cli.wizard.questions import Questions
from massgen.cli.wizard.servers import LocalServer, find_servers
from massgen.config.backend_types import BACKEND_TYPES
from massgen.config.environment import Environment, read_environment

AGENT_PROGRAMS = {"claude_code": "claude", "codex": "codex", "gemini_cli": "gemini", "copilot": "copilot"}
MOST_AGENTS = 10
PRESET_AGENTS = 3


class ModelSource(Struct, frozen=True, kw_only=True):
    """Something an agent can run on; `ready` is False where the key is still missing."""

    label: str
    type: str
    models: tuple[str, ...]
    base_url: str | None = None
    keyless: bool = False
    ready: bool = True

    @property
    def model(self) -> str | None:
        """The model to offer first."""
        return default_model(self.type) if self.base_url is None and not self.keyless else next(iter(self.models), None)

    def agent(self, model: str | None) -> AgentDraft:
        """An agent that runs on it."""
        return AgentDraft(id="", type=self.type, model=model, base_url=self.base_url, keyless=self.keyless)


def find_sources(ask: Questions) -> tuple[ModelSource, ...]:
    """What is usable now first: providers with a key, agent programs, local servers; then the other providers."""
    ask.say("Looking for keys and local servers ...")
    environment = read_environment()
    known = [_provider(name, environment) for name in ready_made_types()]
    local = [_local(server) for server in find_servers()]
    ready = [source for source in known if source is not None and source.ready]
    waiting = [source for source in known if source is not None and not source.ready]
    for source in [*ready, *local]:
        ask.say(f"  found: {source.label}")
    return (*ready, *local, *waiting)


def _provider(name: str, environment: Environment) -> ModelSource | None:
    from shutil import which

    from massgen.backends.models import known_models

    entry = BACKEND_TYPES[name]
    if entry.kind == "agent":
        if which(AGENT_PROGRAMS[name]) is None:
            return None
        return ModelSource(label=entry.label, type=name, models=known_models(name))
    ready = any(environment.get(variable) for variable in entry.key_variables)
    return ModelSource(label=entry.label, type=name, models=known_models(name), ready=ready)


def _local(server: LocalServer) -> ModelSource:
    return ModelSource(
        label=f"{server.label} at {server.base_url}",
        type=server.type,
        models=server.models,
        base_url=None if server.is_usual else server.base_url,
        keyless=server.keyless,
    )


def ask_team(ask: Questions, sources: tuple[ModelSource, ...]) -> tuple[AgentDraft, ...]:
    """A proposal over all that is ready, taken as it is or changed agent by agent."""
    count = ask.number("How many agents", lowest=1, highest=MOST_AGENTS, default=PRESET_AGENTS)
    ready = [source for source in sources if source.ready and source.model]
    if ready:
        proposal = with_ids(_spread(ready, count))
        ask.say("\nProposed team:")
        for agent in proposal:
            ask.say(f"  {agent.id}: {described(agent)}")
        if ask.yes("Take it?", default=True):
            return proposal
    return with_ids(_ask_agents(ask, sources, count))


def _spread(ready: list[ModelSource], count: int) -> list[AgentDraft]:
    """Different providers first; local servers with several models give each of them a turn."""
    agents: list[AgentDraft] = []
    for number in range(count):
        source = ready[number % len(ready)]
        turn = number // len(ready)
        models = source.models if source.keyless or source.base_url else ()
        agents.append(source.agent(models[turn % len(models)] if models else source.model))
    return agents


def described(agent: AgentDraft) -> str:
    """What an agent runs on, for people."""
    address = f" at {agent.base_url}" if agent.base_url else ""
    return f"{BACKEND_TYPES[agent.type].label}, {agent.model or 'default model'}{address}"


def _ask_agents(ask: Questions, sources: tuple[ModelSource, ...], count: int) -> list[AgentDraft]:
    agents: list[AgentDraft] = []
    labels = [source.label if source.ready else f"{source.label} (no key yet)" for source in sources]
    last = 0
    for number in range(1, count + 1):
        ask.say(f"\nAgent {number} runs on:")
        chosen = ask.choose("Number", [*labels, "another server that speaks OpenAI's format"], default=last)
        if chosen == len(sources):
            agents.append(_ask_server(ask))
            continue
        last = chosen
        agents.append(sources[chosen].agent(_ask_model(ask, sources[chosen])))
    return agents


def _ask_model(ask: Questions, source: ModelSource) -> str:
    if not source.models:
        return _needed(ask, "Model")
    models = list(source.models)
    default = models.index(source.model) if source.model in models else 0
    chosen = ask.choose("Model", [*models, "another one"], default=default)
    return models[chosen] if chosen < len(models) else _needed(ask, "Name of the model")


def _ask_server(ask: Questions) -> AgentDraft:
    while True:
        address = _needed(ask, "Address, such as http://localhost:8080/v1")
        if address.startswith(("http://", "https://")) and " " not in address:
            break
        ask.say("An address begins with http:// or https://.")
    keyless = not ask.yes("Does it ask for a key?", default=False)
    if not keyless:
        ask.say(f"Its key is read from {_key_variable(address)}.")
    model = _needed(ask, "Name of the model")
    return AgentDraft(id="", type="chatcompletion", model=model, base_url=address.rstrip("/"), keyless=keyless)


def _key_variable(address: str) -> str:
    from massgen.config.backend_types import key_variables

    return " or ".join(key_variables("chatcompletion", address))


def _needed(ask: Questions, prompt: str) -> str:
    while not (answer := ask.text(prompt)):
        ask.say("This cannot be left empty.")
    return answer


def with_subtasks(ask: Questions, agents: tuple[AgentDraft, ...]) -> tuple[AgentDraft, ...]:
    """A share of the task for each agent; without one the team divides it."""
    ask.say("What each agent does (Enter: the team divides the task itself):")
    return tuple(replace(agent, subtask=ask.text(f"  {agent.id}")) for agent in agents)
