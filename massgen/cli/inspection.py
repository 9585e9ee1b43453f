"""`/inspect`: the turns of a session, and one turn from the inside (SESS-024, SESS-060 to SESS-064)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from massgen.cli.console import Writer, one_line, printable
from massgen.cli.start_screen import panel
from massgen.runs.past_turns import STATUS, TABLE, PastTurn
from massgen.runs.sessions import Session, StoredTurn

RULE = "=" * 60
TASK_LENGTH = 50
MOST_FILES = 200


def show_all(out: Writer, session: Session) -> None:
    """The table of all turns."""
    turns = session.turns()
    out.line(f"Session: {session.session_id}")
    out.line(f"{'Turn':>4}  {'Task':<{TASK_LENGTH}}  Winner")
    for turn in turns:
        task = one_line(turn.task)
        task = task if len(task) <= TASK_LENGTH else task[: TASK_LENGTH - 3] + "..."
        out.line(f"{turn.number:>4}  {task:<{TASK_LENGTH}}  {one_line(turn.winner or '-')}")
    out.line("Use /inspect <turn> to look into one." if turns else "No turns yet.")


class Inspection:
    """The menu of one turn; `ask` reads a choice."""

    def __init__(self, out: Writer, turn: StoredTurn, ask: Callable[[str], str]) -> None:
        self._out = out
        self._turn = turn
        self._past = PastTurn(turn=turn)
        self._ask = ask

    def run(self) -> None:
        """Until `q` or the end of input."""
        out, turn = self._out, self._turn
        for line in (RULE, f"Turn {turn.number} Inspection", RULE):
            out.line(line)
        facts = [
            f"Task: {one_line(turn.task)}",
            f"Winner: {one_line(turn.winner or 'none')}",
            f"Time: {turn.timestamp}",
            f"Logs: {turn.log_dir}",
        ]
        for line in panel(facts, "Turn Metadata"):
            out.line(line)
        while True:
            self._menu()
            try:
                choice = self._ask("Enter your choice: ").strip().lower()
            except EOFError:
                return
            if choice in ("q", "quit"):
                return
            self._show(choice)

    def _menu(self) -> None:
        self._out.line()
        self._out.line("[Turn Inspection Menu]")
        for number, name in enumerate(self._past.agents, 1):
            self._out.line(f"  {number}: View {one_line(name)} output")
        self._out.line("  f: Show final answer")
        self._out.line("  s: Show system status log")
        self._out.line("  r: Show coordination table")
        self._out.line(f"  w: List workspace files ({len(self._past.files)} files)")
        self._out.line("  o: Open workspace in file browser")
        self._out.line("  q: Quit inspection")

    def _show(self, choice: str) -> None:
        match choice:
            case "f":
                self._out.line(printable(self._turn.answer) or "This turn has no final answer.")
            case "s":
                self._text(self._past.text(STATUS), "There is no status log.")
            case "r":
                self._text(self._past.text(TABLE), "There is no coordination table.")
            case "w":
                for path in self._past.files[:MOST_FILES]:
                    self._out.line(f"  {printable(path)}")
                if not self._past.files:
                    self._out.line("No files.")
            case "o":
                self._open()
            case number if number.isdecimal() and 1 <= int(number) <= len(self._past.agents):
                name = self._past.agents[int(number) - 1]
                self._text(self._past.output(name), f"There is no output of {one_line(name)}.")
            case _:
                self._out.line("Choose one of the keys above.")

    def _text(self, text: str, missing: str) -> None:
        self._out.line(printable(text) or missing)

    def _open(self) -> None:
        place = self._turn.workspace
        if place is None:
            self._out.line("This turn has no workspace.")
        elif not open_in_desktop(place):
            self._out.line(f"Workspace: {place}")


def open_in_desktop(path: Path) -> bool:
    """Open with the platform's program; False where there is no desktop."""
    if sys.platform == "win32":
        os.startfile(path)
        return True
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    try:
        subprocess.Popen(
            [opener, str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError:
        return False
    return True
