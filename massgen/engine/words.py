"""What a person says while a turn runs: waits for the next safe point, then stays for the turn (SESS-045)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Said:
    """One text; `heard` once the first of its listeners took it."""

    text: str
    heard: bool = False


def _nobody() -> None:
    return None


@dataclass(slots=True)
class RuntimeWords:
    """One agent's share: `delivered` stands in every later prompt of the turn (COORD-033).

    `on_put` is told when a text comes, for a tool that waits meanwhile (BG-010).
    """

    delivered: list[str] = field(default_factory=list)
    waiting: list[Said] = field(default_factory=list)
    on_put: Callable[[], None] = _nobody

    def put(self, said: Said) -> None:
        """Queue a text for the agent's next safe point."""
        self.waiting.append(said)
        self.on_put()

    def restore(self, delivered: Sequence[str], waiting: Sequence[str]) -> None:
        """What another process had told the agent, and what it had not come to tell it."""
        self.delivered = [*delivered]
        self.waiting = [*map(Said, waiting), *self.waiting]

    def take(self) -> Sequence[str]:
        """The texts that wait; from now on they are delivered."""
        taken = [said.text for said in self.waiting]
        for said in self.waiting:
            said.heard = True
        self.waiting.clear()
        self.delivered += taken
        return taken
