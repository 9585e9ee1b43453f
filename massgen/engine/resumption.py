"""What a turn needs to know to go on where a process that died left it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from massgen.agents.record import UnfinishedRound
from massgen.coordination.directives import Directive, Evaluate, Finish, Present, RestartAttempt, StartRound
from massgen.coordination.facts import Fact
from massgen.coordination.prompts import PastAttempt
from massgen.coordination.state import Attempt


class AskedFact(Struct, frozen=True, kw_only=True):
    """A fact that a round had submitted and, unless it is still held, what the rules answered. `told` says that an
    injection which followed stands in the log."""

    fact: Fact
    directive: Directive | None = None
    told: bool = False


class OpenRound(Struct, frozen=True, kw_only=True):
    """An agent's round that was in progress: how it began, how far it came, and what it is still to be told.

    `used` are its working seconds, `warned` says that its soft limit was told, `announced` that the log shows its
    beginning; `chunks` are what a presentation had delivered.
    """

    start: StartRound | None
    unfinished: UnfinishedRound
    asked: tuple[AskedFact, ...] = ()
    used: float = 0.0
    warned: bool = False
    announced: bool = True
    chunks: tuple[str, ...] = ()

    @property
    def touched(self) -> bool:
        """Whether the model had said anything yet."""
        return bool(self.unfinished.past)


class Words(Struct, frozen=True, kw_only=True):
    """What an agent was told in the turn, and what waits for it."""

    delivered: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


class Resumption(Struct, frozen=True, kw_only=True):
    """The last attempt as its facts give it.

    Without `begun` the attempt stands in the log, and nothing happened in it. `began` is the run time at which the
    turn began, `calls` the number of its model calls. `missing` directives have not reached the log; `shown` is what
    it says of each agent (status, restarts), `phase` of the team. `pending` was decided and not done, `ended` ended
    the attempt. `delivered` is the text of a finished presentation, `presented` whether the presenter wrote it.
    `announced` says that a restart stands in the log. `rounds` go on, by agent number; `closing` is the presentation
    or evaluation that does. `words` are by agent number, `worked` are each agent's working seconds.
    """

    attempt: Attempt
    past: tuple[PastAttempt, ...]
    excluded: tuple[int, ...]
    began: float
    calls: int
    begun: bool = True
    missing: tuple[Directive, ...] = ()
    shown: tuple[tuple[str, int], ...] = ()
    phase: str = "initial_answer"
    pending: Present | Evaluate | None = None
    ended: Finish | RestartAttempt | None = None
    delivered: str = ""
    presented: bool = False
    announced: bool = False
    rounds: Mapping[int, OpenRound] = field(default_factory=dict)
    closing: OpenRound | None = None
    words: Mapping[int, Words] = field(default_factory=dict)
    worked: Mapping[int, float] = field(default_factory=dict)
