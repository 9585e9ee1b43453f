"""What a checklist measures, and how agents are told to use it (COORD-072, COORD-076, COORD-084)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Criterion(Struct, frozen=True, kw_only=True):
    """One point of a checklist; `verify_by` says how it can be checked, empty where judging is enough."""

    id: str
    text: str
    category: str = ""
    verify_by: str = ""


DEFAULT_CRITERIA = (
    Criterion(id="E1", text="achieves what was asked", category="correctness"),
    Criterion(id="E2", text="nothing in it is broken or defective", category="functionality"),
    Criterion(id="E3", text="thorough: no gaps, no placeholders", category="completeness"),
    Criterion(id="E4", text="care beyond correctness: style, edge cases", category="craft"),
)

_CYCLE = """\
Checklist: with CURRENT ANSWERS visible, score every one from 0 to 10 in each criterion with submit_checklist. \
Verdict iterate: call draft_approach, do the work, then new_answer. Verdict vote: vote."""

_THOROUGH = """\
Before you score, check what can be checked. Where an answer no longer improves in a criterion, get a fresh view \
of it from a subagent if you can spawn one. A new answer must change something of substance."""

_FAST = """\
Be quick: check what can be checked once, ask only whether a change would matter to the person who asked, and \
submit; close the answer with a "Known Gaps" list."""


def checklist_section(criteria: Sequence[Criterion], *, fast: bool = False) -> str:
    """The part of the system text that stands for checklist-gated evaluation."""
    lines = [_line(criterion) for criterion in criteria]
    return "\n".join((_CYCLE, *lines, _FAST if fast else _THOROUGH))


def _line(criterion: Criterion) -> str:
    text = f"{criterion.text} ({criterion.category})" if criterion.category else criterion.text
    return f"{criterion.id}: {text}" + (f"; check: {criterion.verify_by}" if criterion.verify_by else "")
