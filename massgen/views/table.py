"""`coordination_table.txt`: who did what, in columns for people (LOG-054 to LOG-057)."""

from __future__ import annotations

import textwrap
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from massgen.views.coordination_log import CoordinationLog, CoordinationRecord
from massgen.views.run_state import RunState

EVENT_WIDTH = 10
PREVIEW = 150
QUESTION = 4000
STATUS = {
    "waiting": "⏳ (waiting)",
    "streaming": "🔄 (streaming)",
    "answered": "✅ (answered)",
    "voted": "✅ (voted)",
    "completed": "✅ (completed)",
    "restarting": "🔁 (restarting)",
    "final": "🎯 (final answer given)",
    "error": "❌ (error)",
    "timeout": "⏰ (timeout)",
}
LEGEND = """\
COORDINATION TABLE

Event symbols
  💭 Started streaming     an agent begins a round
  ✨ NEW ANSWER            an agent gives a labelled answer
  🗳️ VOTE                  an agent votes for an answer
  💭 Reason                why it voted so
  👁️ Preview               how an answer begins
  🔁 RESTART TRIGGERED     new answers of others end what an agent did
  ✅ RESTART COMPLETED     the agent begins anew and sees them
  🎯 FINAL ANSWER          the winner delivers
  🏆 Winner selected       the team has decided

Status symbols
  💭 (streaming)  🔄 (streaming)  ⏳ (waiting)  ✅ (answered)  ✅ (voted)  ✅ (completed)
  🎯 (final answer given)  🔁 (restarting)  ❌ (error)  ⏰ (timeout)

Terms
  Context        the answers that an agent sees in a round
  agentN.k       the k-th answer of Agent N; agentN.final is what the winner delivers
  Restart        a round begun anew because of others' new answers"""


def coordination_table(state: RunState, log: CoordinationLog) -> str:
    """The whole file for the newest attempt."""
    names = list(state.agents)
    width = 36 if len(names) <= 3 else 28
    table = _Table([EVENT_WIDTH, *([width] * len(names))])
    whole = sum(table.widths[1:]) + len(names) - 1
    lines = [LEGEND, ""]
    lines += [f"  Agent {agent.number} is {agent.agent_id}" for agent in state.agents.values()]
    lines += ["", table.edge(), table.row(["Event", *(f"Agent {n}" for n in range(1, len(names) + 1))])]
    lines += [table.rule(), *table.wide("USER", _shown_question(state.question), whole), table.rule("=")]
    between = table.rule()
    for record in log.records:
        lines += table.rows(_cells(record, names, log))
        lines.append(between)
    if lines[-1] == between:
        lines.pop()
    lines += [table.edge(), "", *_summary(state, log, names, table)]
    return "\n".join(lines) + "\n"


def _shown_question(text: str) -> str:
    """The question as it stands in the table; a very long one is cut, every step's context.txt has it whole."""
    return text if len(text) <= QUESTION else f"{text[:QUESTION]} … ({len(text)} characters)"


def _cells(record: CoordinationRecord, names: Sequence[str], log: CoordinationLog) -> list[str]:
    statuses = dict(record.statuses)
    cells = [f"E{record.number}"]
    for name in names:
        if name == record.agent_id:
            cells.append(_action(record, log))
        else:
            cells.append(STATUS.get(statuses.get(name, "waiting"), ""))
    return cells


def _action(record: CoordinationRecord, log: CoordinationLog) -> str:
    data = record.data
    context = f"📋 Context: [{', '.join(data.get('context', ()))}]"
    preview = f"👁️ Preview: {_cut(data.get('preview', ''))}"
    match record.event_type:
        case "started_streaming":
            return f"{context}\n💭 Started streaming"
        case "new_answer":
            return f"✨ NEW ANSWER: {data['label']}\n{preview}"
        case "vote":
            return f"🗳️ VOTE: {data['vote_for']}\n💭 Reason: {_cut(data['reason'])}"
        case "restart":
            return f"🔁 RESTART TRIGGERED\n({', '.join(data['labels']) or data['reason']})"
        case "restart_completed":
            return f"✅ RESTART COMPLETED\n{context}"
        case _:
            chosen = f": {log.winner.label}" if log.winner is not None and log.winner.label else ""
            return f"🏆 Winner selected{chosen}\n🎯 FINAL ANSWER: {data['label']}\n{preview}"


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= PREVIEW else flat[:PREVIEW] + "..."


def _summary(state: RunState, log: CoordinationLog, names: Sequence[str], table: _Table) -> list[str]:
    counted = Counter((record.agent_id, record.event_type) for record in log.records)
    last = dict(log.records[-1].statuses) if log.records else {}
    kinds = (("Answers", "new_answer"), ("Votes", "vote"), ("Restarts", "restart"))
    lines = ["SUMMARY", table.edge(), table.row(["", *(f"Agent {n}" for n in range(1, len(names) + 1))]), table.rule()]
    lines += [table.row([title, *(str(counted[name, kind]) for name in names)]) for title, kind in kinds]
    lines += table.rows(["Status", *(STATUS.get(_end_status(state, name, last), "") for name in names)])
    totals = ", ".join(f"{sum(counted[n, kind] for n in names)} {title.lower()}" for title, kind in kinds)
    winner = f"{state.winner} ({log.winner.how})" if state.winner and log.winner else "none"
    return [*lines, table.edge(), "", f"TOTALS: {totals}, {len(log.records)} events", f"WINNER: {winner}"]


def _end_status(state: RunState, name: str, last: dict[str, str]) -> str:
    told = state.agents[name].status
    return told if told in ("error", "timeout") else last.get(name, "waiting")


class _Table:
    """Rows of fixed columns; widths are what a terminal shows."""

    def __init__(self, widths: list[int]) -> None:
        self.widths = widths

    def edge(self) -> str:
        return "+" + "-" * (sum(self.widths) + len(self.widths) - 1) + "+"

    def rule(self, character: str = "-") -> str:
        return "|" + "+".join(character * width for width in self.widths) + "|"

    def row(self, cells: Sequence[str]) -> str:
        return "|" + "|".join(_pad(f" {cell}", width) for cell, width in zip(cells, self.widths, strict=True)) + "|"

    def rows(self, cells: Sequence[str]) -> list[str]:
        columns = [_laid(cell, width) for cell, width in zip(cells, self.widths, strict=True)]
        height = max(map(len, columns))
        if height > 1:
            short = zip(columns, self.widths, strict=True)
            columns = [column + (" " * width,) * (height - len(column)) for column, width in short]
        return [f"|{'|'.join(line)}|" for line in zip(*columns, strict=True)]

    def wide(self, title: str, text: str, width: int) -> list[str]:
        """A row whose text goes over all agents' columns."""
        lines = _wrap(text, width - 2)
        first = [title, *([""] * (len(lines) - 1))]
        pairs = zip(first, lines, strict=True)
        return [f"|{_pad(f' {a}', self.widths[0])}|{_pad(f' {b}', width)}|" for a, b in pairs]


@lru_cache(maxsize=4096)
def _laid(text: str, width: int) -> tuple[str, ...]:
    """The lines of a cell as wide as its column; remembered, because a table of many agents repeats few words."""
    return tuple(_pad(f" {line}", width) for line in _wrap(text, width - 2))


def _wrap(text: str, width: int) -> tuple[str, ...]:
    """The lines of a cell."""
    lines: list[str] = []
    for line in text.splitlines() or [""]:
        lines += _broken(line, width) or [""]
    return tuple(lines)


def _broken(line: str, width: int) -> list[str]:
    """`textwrap` counts characters; where that is too wide on a screen, narrower lines are tried."""
    if len(line) <= width and line.isascii() and line.isprintable():
        return [line.rstrip()] if line.strip() else []
    line = "".join(c if c.isprintable() or c == "\ufe0f" else " " for c in line)
    for narrower in (width, width - 2, width * 2 // 3, width // 2 - 1):
        lines = textwrap.wrap(line, max(narrower, 4))
        if all(columns(one) <= width for one in lines):
            return lines
    return lines


@lru_cache(maxsize=4096)
def columns(text: str) -> int:
    """How many cells a terminal uses for `text`."""
    if text.isascii():
        return len(text)
    total = 0
    for index, character in enumerate(text):
        if character == "\ufe0f" or unicodedata.combining(character):
            continue
        pictured = text[index + 1 : index + 2] == "\ufe0f"
        total += 2 if pictured or unicodedata.east_asian_width(character) in "WF" else 1
    return total


def _pad(text: str, width: int) -> str:
    return text + " " * max(0, width - columns(text))
