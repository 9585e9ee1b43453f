"""The texts of the screens, from what is known of the run."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from rich.cells import cell_len
from rich.text import Text

from massgen.tui.feed import RunFeed
from massgen.tui.screens import Entry
from massgen.tui.symbols import column, one_line, printable, shortened, sign, state_sign
from massgen.views.past import read_json
from massgen.views.states import PHASES, table_word, vote_of
from massgen.views.table import coordination_table


def table_text(feed: RunFeed) -> str:
    """Agent, status, votes; then every event (TUI-017, TUI-021)."""
    rows = [("Agent", "Status", "Votes")]
    rows += [
        (one_line(agent.agent_id), table_word(feed.state, agent), vote_of(feed.state, agent))
        for agent in feed.state.agents.values()
    ]
    widths = [max(cell_len(row[place]) for row in rows) + 2 for place in range(3)]
    lines = ["".join(column(cell, width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    counts = ", ".join(f"{label}: {count}" for label, count in feed.state.votes().items()) or "none yet"
    phase = PHASES.get(feed.state.phase, feed.state.phase)
    head = "\n".join([f"Phase: {phase}", "", *lines, "", f"Votes: {counts}"])
    return f"{head}\n\n{printable(coordination_table(feed.state, feed.log))}"


def timeline_text(feed: RunFeed) -> Text:
    """What happened, line by line (TUI-014)."""
    out = Text()
    for moment in feed.moments:
        out.append(f"{_time(moment.timestamp)} ", style="dim")
        out.append(f"{column(moment.who, 16)} ", style="bold")
        out.append(f"{moment.text}\n")
    return out or Text("Nothing has happened yet.")


def _time(timestamp: float) -> str:
    try:
        return datetime.fromtimestamp(timestamp).strftime("%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "--:--:--"


def answer_entries(feed: RunFeed) -> list[Entry]:
    """All accepted answers with their votes, newest last."""
    entries: list[Entry] = []
    for answer in feed.answers:
        votes = [agent for agent in feed.state.agents.values() if agent.vote and agent.vote.label == answer.label]

        def text(answer=answer, votes=votes) -> Text:
            out = Text().append(f"{answer.label} by {one_line(answer.agent_id)}\n", style="bold")
            out.append(f"saw: {', '.join(answer.context) or 'nothing'}\n", style="dim")
            for agent in votes:
                reason = one_line(agent.vote.reason) if agent.vote else ""
                out.append(sign(f"▲ {one_line(agent.agent_id)}: {reason}\n"), style="cyan")
            return out.append("\n")

        mark = "★ " if answer.label == feed.state.winning_label else ""
        count = f"{len(votes)} vote{'' if len(votes) == 1 else 's'}"
        name = sign(f"{mark}{answer.label} {shortened(answer.agent_id, 12)} · {count}")
        entries.append(Entry(name, text, words=lambda answer=answer: answer.text))
    return entries


def conversation_text(feed: RunFeed) -> Text:
    """Questions and final answers of all turns (TUI-014)."""
    out = Text()
    for turn in feed.past:
        out.append(f"{turn.number}. {printable(turn.question)}\n", style="bold")
        out.append(f"{one_line(turn.winner) or 'no answer'}\n", style="dim")
        out.append(f"{printable(turn.answer)}\n\n")
    if not feed.state.complete and feed.state.question:
        out.append(f"{feed.state.turn}. {printable(feed.state.question)}\n", style="bold")
        out.append("the team is at work\n", style="dim")
    return out or Text("No turns yet.")


def status_text(feed: RunFeed | None, facts: list[str]) -> str:
    """`/status` (SESS-021)."""
    lines = list(facts)
    if feed is not None:
        lines.append(f"Conversation: {len(feed.past)} turn(s)")
        lines.append(f"Session: {feed.state.session_id or '-'}")
        lines += [f"  {one_line(a.agent_id)}: {state_sign(a.shown)}" for a in feed.state.agents.values()]
    return "\n".join(lines)


def step_directories(log_dir: Path, feed: RunFeed) -> list[tuple[str, Path]]:
    """(label, directory) of every answer whose files the log keeps, and of the final ones."""
    attempt = log_dir / f"turn_{feed.state.turn}" / f"attempt_{feed.state.attempt}"
    known = read_json(attempt / "snapshot_mappings.json")
    found: list[tuple[str, Path]] = []
    for label, entry in known.items() if isinstance(known, dict) else ():
        path = entry.get("path") if isinstance(entry, dict) else None
        if isinstance(path, str) and isinstance(label, str):
            place = attempt / path
            directory = place if place.is_dir() else place.parent
            if directory.resolve().is_relative_to(log_dir.resolve()):
                found.append((label, directory / "workspace"))
    return [(label, path) for label, path in found if path.is_dir()]
