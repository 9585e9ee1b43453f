"""What a person says while a turn runs: waits for the next safe point, then stays for the turn (SESS-045)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Said:
    """One text; `heard` once the first of its listeners took it."""

    text: str
    heard: bool = False


@dataclass(slots=True)
class RuntimeWords:
    """One agent's share: `delivered` stands in every later prompt of the turn (COORD-033)."""

    delivered: list[str] = field(default_factory=list)
    waiting: list[Said] = field(default_factory=list)

    def take(self) -> Sequence[str]:
        """The texts that wait; from now on they are delivered."""
        taken = [said.text for said in self.waiting]
        for said in self.waiting:
            said.heard = True
        self.waiting.clear()
        self.delivered += taken
        return taken
