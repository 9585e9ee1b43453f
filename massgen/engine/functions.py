"""Functions of the caller of a team: the team may ask for them, the caller runs them."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from massgen.backends.protocol import ToolCall, ToolSpec
from massgen.coordination.rules import Rules

FOR_CALLER = "The caller runs it."


class CallerFunctions(Struct, frozen=True, kw_only=True):
    """Offered to whoever presents; a response that calls some of them ends the presentation (SRV-011).

    `calls` are those of the last presentation, in order; they go to the caller instead of an answer.
    """

    specs: tuple[ToolSpec, ...]
    calls: list[ToolCall] = field(default_factory=list)

    def offers(self, name: str) -> bool:
        return any(spec.name == name for spec in self.specs)


def with_presentation(rules: Rules) -> Rules:
    """The same rules with somebody who presents: only a presentation offers functions."""
    return replace(rules, direct_single=False, delivery="present" if rules.delivery == "reuse" else rules.delivery)
