"""What a turn needs to know to go on where a process that died left it."""

from __future__ import annotations

from dataclasses import dataclass

from massgen.coordination.directives import Directive, Evaluate, Finish, Present, RestartAttempt
from massgen.coordination.prompts import PastAttempt
from massgen.coordination.state import Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """The last attempt as its facts give it.

    Without `begun` the attempt stands in the log, and nothing happened in it. `began` is the run time at which the
    turn began, `calls` the number of its model calls. `missing` directives have not reached the log; `shown` is what
    it says of each agent (status, restarts), `phase` of the team. `pending` was decided and not done, `ended` ended
    the attempt. `delivered` is the text of a finished presentation, `presented` whether the presenter wrote it.
    `announced` says that a restart stands in the log.
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
