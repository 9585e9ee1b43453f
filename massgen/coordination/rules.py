"""What a configuration asks of the machine, as one value."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Mode = Literal["voting", "decomposition"]
Novelty = Literal["lenient", "balanced", "strict"]
Delivery = Literal["present", "synthesize", "reuse"]

REMINDERS = 3
NOVELTY_REJECTIONS = 3


class Rules(Struct, frozen=True, kw_only=True):
    """The switches of section 1 of coordination.md that shape how a team converges.

    `agents` is the size of the team; agents are numbered from 1. Caps are None where unlimited. Seconds are run
    time. `quick` is COORD-097, `plain` COORD-029 (one model without workflow tools: its text is its answer),
    `direct_single` COORD-105: one agent's accepted answer is delivered as it is.
    """

    agents: int
    mode: Mode = "voting"
    presenter: int | None = None
    max_answers: int | None = None
    max_answers_global: int | None = None
    novelty: Novelty = "lenient"
    fairness: bool = True
    lead_cap: int = 2
    max_injections: int = 2
    defer_updates: bool = False
    updates_before_checklist: bool | None = None
    isolated: bool = False
    defer_voting: bool = False
    checklist: bool = False
    criteria: tuple[str, ...] = ()
    checklist_threshold: int = 7
    skip_coordination: bool = False
    quick: bool = False
    plain: bool = False
    delivery: Delivery = "present"
    direct_single: bool = True
    grace_seconds: float = 120.0
    max_restarts: int = 0

    @property
    def separate_ballot(self) -> bool:
        """Whether votes are cast in a round of their own (COORD-092, COORD-093)."""
        return self.isolated or self.defer_voting
