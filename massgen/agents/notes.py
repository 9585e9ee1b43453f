"""Compression by the agent's own notes: asked for at a threshold, checked, given up after two failures (MEM-079)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

MAX_FAILURES = 2
REQUESTS_EACH = 4

Step = Literal["wait", "ask", "cut", "give_up"]


@dataclass(slots=True, kw_only=True)
class NoteDesk:
    """What the agent's `compression_complete` and the watch over its context share.

    `read` gives the text of `memory/short_term/recent.md`, empty without one.
    """

    read: Callable[[], str]
    waiting: bool = False
    done: bool = False
    failures: int = 0
    before: str = ""

    def complete(self) -> bool:
        """The agent says that its notes are written; whether they are. Counts a failure where not."""
        text = self.read()
        self.done = bool(text.strip()) and text != self.before
        self.failures += not self.done
        return self.done


class NoteRules(Struct, frozen=True, kw_only=True):
    """`trigger` and `target` are shares: of the context window, and of the messages that stay. `tool` is the name
    under which the agent calls `compression_complete`."""

    desk: NoteDesk
    tool: str
    trigger: float = 0.75
    target: float = 0.20


@dataclass(slots=True)
class NoteTaking:
    """The course of it in one round: `next` before each request."""

    rules: NoteRules
    _requests: int = 0

    def __post_init__(self) -> None:
        self.rules.desk.waiting = False

    def next(self, *, full: bool) -> Step:
        """What is to be done before this request; `full` says that the threshold is reached."""
        desk = self.rules.desk
        if desk.waiting and desk.done:
            return self._end("cut")
        if not desk.waiting:
            return self._begin() if full else "wait"
        self._requests += 1
        if self._requests > REQUESTS_EACH:
            desk.failures += 1
            self._requests = 1 if desk.failures < MAX_FAILURES else 0
            return "ask" if desk.failures < MAX_FAILURES else self._end("give_up")
        return self._end("give_up") if desk.failures >= MAX_FAILURES else "wait"

    def _begin(self) -> Step:
        desk = self.rules.desk
        desk.waiting, desk.done, desk.failures, desk.before = True, False, 0, desk.read()
        self._requests = 1
        return "ask"

    def _end(self, step: Step) -> Step:
        self.rules.desk.waiting = False
        self._requests = 0
        return step

    def question(self) -> str:
        """What the agent is asked."""
        return (
            "Your conversation is nearly too long and will be cut. Now write memory/short_term/recent.md: what was "
            "asked, what you did and decided, what is left; details may go to memory/long_term/*.md. Then call "
            f"{self.rules.tool}."
        )

    def written(self) -> str:
        """The agent's notes."""
        return self.rules.desk.read()
