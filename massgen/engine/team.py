"""Who takes part: one value for each agent, and what the whole team was given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import Struct, field

from massgen.agents.compression import ContextRules
from massgen.agents.round import Tools
from massgen.backends.protocol import Media, Message, ModelBackend, ToolCall, ToolSpec
from massgen.coordination.rules import Rules
from massgen.engine.functions import CallerFunctions
from massgen.engine.seat import Seat
from massgen.engine.watching import ToolWatcher
from massgen.engine.words import RuntimeWords
from massgen.events.stream import EventStream
from massgen.tools.protocol import Phase, ToolOutcome


class AgentTools(Protocol):
    """Makes the ordinary tools of one agent for a round; None where it has none.

    `blocked` says whether only terminal tools are served now (the round's hard limit has passed). `words` is what
    the agent was told in this turn.
    """

    async def for_round(
        self, round: int, phase: Phase, watcher: ToolWatcher, blocked: Callable[[], bool], words: RuntimeWords
    ) -> Tools | None: ...

    async def close(self) -> None: ...


class AgentFiles(Protocol):
    """The files of one agent: frozen at an answer, shown to the others, emptied and restored between rounds.

    `freeze` gives the id of the tree, None where the agent has no files. `show` makes the files of an accepted
    answer readable for everybody, once. `view` is the path under which this agent sees the files of `author`,
    empty where there are none. `changedoc` is the change document in a tree, empty without one. `rewrite` makes
    paths in an answer readable for this agent (HOOK-027). `begin_round` gets the number of the agent's accepted
    answers: after each the workspace is emptied. `keep_trace` writes the record of the running round where the
    agent can read it and gives the path, empty without one (MEM-078). A round or presentation of a process that
    died goes on with its files as they are (`kept`). `memory` is the section about all agents'
    memory files as they are now, empty where memory is off (MEM-094).
    """

    async def freeze(self, label: str) -> str | None: ...

    async def show(self, author: int, label: str, tree: str | None) -> None: ...

    def view(self, author: int) -> str: ...

    def rewrite(self, text: str, author: int) -> str: ...

    def changedoc(self, tree: str | None) -> str: ...

    async def begin_round(self, answers: int, *, kept: bool = False) -> None: ...

    async def begin_presentation(self, tree: str | None, *, kept: bool = False) -> None: ...

    async def end_presentation(self, tree: str | None) -> None: ...

    async def keep_trace(self) -> str: ...

    async def memory(self) -> str: ...


class TeamAgent(Struct, frozen=True, kw_only=True):
    """One agent. `system_parts` are its own texts (persona, system message) before the rules of coordination;
    `guidance`, memory and `sections` come after them. `persona` is for rounds without answers in view,
    `persona_softened` for the others.
    `id` is for people and logs only."""

    id: str
    number: int
    backend: ModelBackend
    persona: str = ""
    persona_softened: str = ""
    system_parts: tuple[str, ...] = ()
    guidance: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    presentation_sections: tuple[str, ...] = ()
    subtask: str = ""
    paraphrase: str = ""
    tools: AgentTools | None = None
    files: AgentFiles | None = None
    media: tuple[Media, ...] = ()
    context: ContextRules = field(default_factory=ContextRules)


class TimeLimits(Struct, frozen=True, kw_only=True):
    """Seconds of run time; None is no limit. See COORD-113 to COORD-119."""

    run: float | None = 1800.0
    first_round: float | None = None
    later_round: float | None = None
    grace: float = 120.0
    agent: float | None = None


class ToolDesk:
    """Opens an agent's tools for one round and marks its seat while calls are in progress."""

    def __init__(self, agent: TeamAgent, seat: Seat, round: int, phase: Phase, stream: EventStream) -> None:
        self._agent = agent
        self._seat = seat
        self._round = round
        self._phase: Phase = phase
        self._watcher = ToolWatcher(stream=stream, agent_id=agent.id, round=round)
        self._tools: Tools | None = None

    async def open(self) -> Tools | None:
        """The tools of this round, None where the agent has none."""
        if self._agent.tools is None:
            return None
        self._tools = await self._agent.tools.for_round(
            self._round, self._phase, self._watcher, lambda: self._seat.hard_limit, self._seat.words
        )
        return self if self._tools is not None else None

    def specs(self) -> tuple[ToolSpec, ...]:
        return self._tools.specs() if self._tools is not None else ()

    async def run_all(self, calls: Sequence[ToolCall]) -> list[ToolOutcome]:
        """Run the calls; while they run the seat is not idle."""
        if self._tools is None:
            return []
        self._seat.tools_idle.clear()
        try:
            return await self._tools.run_all(calls)
        finally:
            self._seat.tools_idle.set()


WorkflowHandler = Callable[[int, ToolCall], Awaitable[ToolOutcome]]


class Team(Struct, frozen=True, kw_only=True):
    """Everything a turn needs besides the question. `handlers` serve workflow tools that are no matter of the
    rules (`ask_others`), by name; they are offered in every coordination round. `functions` are for whoever
    presents."""

    agents: tuple[TeamAgent, ...]
    rules: Rules
    limits: TimeLimits = field(default_factory=TimeLimits)
    sensitivity: str = "lenient"
    planning: bool = False
    debug_final_answer: str | None = None
    handlers: dict[str, WorkflowHandler] = field(default_factory=dict)
    functions: CallerFunctions | None = None

    def agent(self, number: int) -> TeamAgent:
        return self.agents[number - 1]


class Question(Struct, frozen=True, kw_only=True):
    """What is asked in a turn: the text, verbatim, and the earlier turns of the session."""

    text: str
    history: Sequence[Message] = ()
    media: tuple[Media, ...] = ()
