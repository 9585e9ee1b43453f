"""An agent's place at the table: what the rules tell it, and how its round waits for that."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from massgen.backends.protocol import Message
from massgen.coordination.directives import (
    AbandonRound,
    AcceptAnswer,
    AcceptStop,
    AcceptVote,
    Directive,
    EndRound,
    Hold,
)
from massgen.engine.clock import Clock
from massgen.engine.words import RuntimeWords

ENDS = (AcceptAnswer, AcceptVote, AcceptStop, AbandonRound, EndRound)


class WorkMeter:
    """An agent's working time in seconds; it stands still while the agent is parked or held (ruling on COORD-119)."""

    def __init__(self, clock: Clock, used: float = 0.0) -> None:
        self._clock = clock
        self._used = used
        self._since: float | None = None

    def run(self) -> None:
        if self._since is None:
            self._since = self._clock.now()

    def pause(self) -> None:
        if self._since is not None:
            self._used += self._clock.now() - self._since
            self._since = None

    def used(self) -> float:
        running = self._clock.now() - self._since if self._since is not None else 0.0
        return self._used + running


class Seat:
    """One agent's mailbox. `summoned` is set when a round is wanted; `next` waits for the rules' word."""

    def __init__(self, number: int, clock: Clock) -> None:
        self.number = number
        self._clock = clock
        self.summoned = asyncio.Event()
        self.total = WorkMeter(clock)
        self.round = WorkMeter(clock)
        self.tools_idle = asyncio.Event()
        self.tools_idle.set()
        self.warned_round = False
        self.hard_limit = False
        self.skipped = asyncio.Event()
        self.words = RuntimeWords()
        self.conversation: Callable[[], Sequence[Message]] = tuple
        self._replies: deque[Directive] = deque()
        self._arrived = asyncio.Event()

    @property
    def runtime(self) -> list[str]:
        """What people told this agent in this turn."""
        return self.words.delivered

    @property
    def in_tools(self) -> bool:
        """Whether ordinary tool calls are in progress."""
        return not self.tools_idle.is_set()

    def begin_round(self, used: float = 0.0, *, warned: bool = False, hard_limit: bool = False) -> None:
        """A fresh round: its time counts from now. One of a process that died had `used` some seconds."""
        self.round = WorkMeter(self._clock, used)
        self.warned_round = warned
        self.hard_limit = hard_limit
        self.round.run()
        self.total.run()

    def deliver(self, directive: Directive) -> None:
        """From the moment a round is held or over no working time passes."""
        if isinstance(directive, (Hold, *ENDS)):
            self.hold()
        self._replies.append(directive)
        self._arrived.set()

    def worked(self, seconds: float) -> None:
        """What the agent had worked in a process that died."""
        self.total = WorkMeter(self._clock, seconds)

    def hold(self) -> None:
        """The round waits for the rules' word; no working time passes."""
        self.total.pause()
        self.round.pause()

    def clear(self) -> None:
        """Drop words that nobody waits for any more."""
        self._replies.clear()
        self._arrived.clear()

    async def next(self) -> Directive:
        """The next word that is no `Hold`."""
        while True:
            while not self._replies:
                self._arrived.clear()
                await self._arrived.wait()
            directive = self._replies.popleft()
            if isinstance(directive, Hold):
                continue
            if not isinstance(directive, ENDS):
                self.total.run()
                self.round.run()
            return directive
