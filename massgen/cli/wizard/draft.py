"""What the wizards ask for, before it becomes a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from massgen.config.backend_types import BACKEND_TYPES, backend_type

Commands = Literal["none", "local", "docker"]
Tool = Literal["web_search", "code_execution", "files", "commands", "task_planning", "skills", "code_based_tools"]
EFFORTS = ("low", "medium", "high")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class AgentDraft(Struct, frozen=True, kw_only=True):
    """One agent; `keyless` is set for servers that ask for no key although their type usually does."""

    id: str
    type: str
    model: str | None
    base_url: str | None = None
    keyless: bool = False
    effort: str | None = None
    subtask: str = ""


class ContextDraft(Struct, frozen=True, kw_only=True):
    """A directory or file that the agents may see."""

    path: str
    writable: bool


class Draft(Struct, frozen=True, kw_only=True):
    """A whole configuration. `presenter` is the id of an agent, used in decomposition only."""

    agents: tuple[AgentDraft, ...]
    tools: frozenset[Tool] = frozenset()
    commands: Commands = "none"
    decomposition: bool = False
    presenter: str = ""
    context: ContextDraft | None = None

    def with_efforts(self, effort: str) -> Draft:
        """The same with `reasoning.effort` for every agent that can have it."""
        agents = tuple(replace(agent, effort=effort) if efforts_of(agent) else agent for agent in self.agents)
        return replace(self, agents=agents)


def efforts_of(agent: AgentDraft) -> tuple[str, ...]:
    """The values of `reasoning.effort` to offer, empty for models without it (CFG-084)."""
    if not (agent.model or "").startswith("gpt-5"):
        return ()
    match agent.type:
        case "openai":
            return EFFORTS
        case "codex":
            return (*EFFORTS, "xhigh")
        case _:
            return ()


def with_ids(agents: Iterable[AgentDraft]) -> tuple[AgentDraft, ...]:
    """The agents named `agent_a`, `agent_b`, and so on."""
    return tuple(
        replace(agent, id=f"agent_{LETTERS[number] if number < len(LETTERS) else number + 1}")
        for number, agent in enumerate(agents)
    )


def ready_made_types() -> tuple[str, ...]:
    """Types that a wizard may offer: those that run in this version, without an address of their own."""
    from massgen.config.not_yet import NOT_YET_VALUES

    waiting = NOT_YET_VALUES.get("agents[].backend.type", {})
    offered = ("api", "preset", "agent")
    return tuple(
        name
        for name, entry in BACKEND_TYPES.items()
        if entry.kind in offered and name not in waiting and not entry.needs_base_url and name != "azure_openai"
    )


def default_model(name: str) -> str | None:
    """The model offered first for a type."""
    from massgen.backends.models import known_models

    return backend_type(name).default_model or next(iter(known_models(name)), None)
