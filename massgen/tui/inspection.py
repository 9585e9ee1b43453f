"""`/inspect`: a turn of the session from the inside, those of earlier days too (SESS-024, SESS-060 to SESS-064)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.text import Text

from massgen.runs.past_turns import STATUS, TABLE, PastTurn, find_turn
from massgen.runs.sessions import Session, StoredTurn
from massgen.tui.files import file_text
from massgen.tui.screens import Entry
from massgen.tui.symbols import one_line, printable, sign

MOST_FILES = 200


def session_at(root: Path) -> Session:
    """The session whose directory the engine named."""
    return Session(session_id=root.name, root=root)


def wanted_turn(session: Session, wanted: str) -> StoredTurn | str:
    """The turn of `/inspect [N]`, or what is to be said instead."""
    if wanted and not wanted.isdecimal():
        return "Use /inspect, /inspect N or /inspect all."
    return find_turn(session, int(wanted) if wanted else None)


def turn_lines(session: Session) -> list[tuple[str, StoredTurn]]:
    """One line for each turn: number, question, winner."""
    return [
        (sign(f"{turn.number:>3}  {one_line(turn.task)[:60]}  · {one_line(turn.winner or '-')}"), turn)
        for turn in session.turns()
    ]


def turn_entries(turn: StoredTurn) -> list[Entry]:
    """The menu of one turn, each line with what it shows."""
    past = PastTurn(turn=turn)

    def text(of: Callable[[], str], missing: str) -> Callable[[], str]:
        return lambda: printable(of()) or missing

    entries = [
        Entry("Question and result", lambda: _result(past), words=lambda: turn.answer),
        *(
            Entry(f"Output of {one_line(name)}", text(lambda name=name: past.output(name), "No output is kept."))
            for name in past.agents
        ),
        Entry("Coordination table", text(lambda: past.text(TABLE), "There is no coordination table."), wide=True),
        Entry("System status", text(lambda: past.text(STATUS), "There is no status log.")),
    ]
    place = turn.workspace
    if place is not None:
        entries += [Entry(f"+ {name}", lambda path=place / name: file_text(path)) for name in past.files[:MOST_FILES]]
    return entries


def _result(past: PastTurn) -> Text:
    turn = past.turn
    out = Text(f"{printable(turn.task)}\n", style="bold")
    facts = [one_line(turn.winner or "no winner"), one_line(turn.timestamp), one_line(turn.log_dir)]
    out.append(f"{sign(' · ').join(fact for fact in facts if fact)}\n\n", style="dim")
    return out.append("" if turn.answer else "This turn has no final answer.")
