"""A person beside a running turn: what is typed goes to the agents, or answers the question that is open."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from msgspec.structs import replace

from massgen.cli.console import Writer, one_line, printable
from massgen.cli.steering import Steering
from massgen.cli.typed import TypedLine
from massgen.runs.request import HumanQuestion, RunRequest
from massgen.runs.run import Run
from massgen.workspace.review import Acceptance, FileChange, Review

log = logging.getLogger(__name__)

LONGEST_DIFF = 200
WIDTH = 70
PIECE = 65536
LONGEST_LINE = 4095
"""Bytes that Linux keeps of a line which it edits itself; the rest is lost without a word."""


class Screen(Protocol):
    """What a person looks at. Nothing is drawn over a question while `quiet` is held; `watch_typing` says whether the
    display shows the typed line itself."""

    def quiet(self) -> contextlib.AbstractContextManager[None]: ...

    def watch_typing(self, line: TypedLine) -> bool: ...


class Person:
    """Use `beside(run)` around the execution; `review` is the run's reviewer (WS-033), `answer` its `ask_human`.

    After a turn, `leaving` and `stops` say what it is to be followed by, and `half_typed` what was not sent yet.
    """

    def __init__(self, out: Writer) -> None:
        self._out = out
        self._steering: Steering | None = None
        self._line = TypedLine(sys.stdin.fileno())
        self._drawn = False
        self._listening = False
        self._stopped = False
        self._open: asyncio.Future[str] | None = None
        self._quiet: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
        self.leaving = False
        self.stops = False

    def asked_by(self, request: RunRequest) -> RunRequest:
        """`request` of a run that puts its questions and its changes of the project to this person."""
        return replace(request, review=self.review, ask_human=self.answer)

    def look_at(self, screen: Screen) -> None:
        """The display of the next turn."""
        self._quiet = screen.quiet
        self._drawn = screen.watch_typing(self._line)

    def half_typed(self) -> str:
        """What was typed and not sent when the turn ended; told once."""
        text, self._line.text = self._line.text, ""
        return text

    @contextlib.contextmanager
    def beside(self, run: Run, cancel: Callable[[], None]) -> Iterator[None]:
        """Listen while `run` executes in the running loop; `cancel` stops it as Ctrl+C does."""
        self._steering = Steering(self._out, run, cancel)
        self._stopped = False
        loop = asyncio.get_running_loop()
        try:
            loop.add_reader(sys.stdin.fileno(), self._typed)
            self._listening = True
        except (NotImplementedError, OSError, ValueError) as error:
            log.debug("Nobody can type while the team works: %s", error)
        if self._drawn and self._listening:
            self._line.hide()
        try:
            yield
        finally:
            self._leave_off()
            self.leaving, self.stops = self._steering.leaving, self._steering.stops
            self._steering = None

    def let_go(self) -> None:
        """The person wants the turn to stop: the terminal is as it was, for the program may end at any time, and
        nothing more is asked."""
        self._line.reveal()
        self._stopped = True
        self._answer("")

    def _leave_off(self) -> None:
        """Nothing more is heard in this turn."""
        self._line.reveal()
        if self._listening:
            self._listening = False
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())

    def _typed(self) -> None:
        """Lines that come at once were pasted, and are one message."""
        data, ended = b"", False
        while not ended and (not data or select.select([sys.stdin], [], [], 0)[0]):
            piece = self._read()
            data, ended = data + piece, not piece
        if not self._line.is_hidden and any(len(line) >= LONGEST_LINE for line in data.split(b"\n")):
            self._out.line(f"The terminal took only {LONGEST_LINE} bytes of that line; say the rest in further lines.")
        lines = self._line.feed(data)
        if lines and not lines[0].startswith("/"):
            lines = ["\n".join(lines)]
        for line in lines:
            self._take(line.strip())
        if ended or self._line.ended:
            self._line.ended = False
            self._leave_off()
            self._answer("")

    @staticmethod
    def _read() -> bytes:
        try:
            return os.read(sys.stdin.fileno(), PIECE)
        except OSError:
            return b""

    def _take(self, line: str) -> None:
        if self._open is not None:
            self._answer(line)
        elif line and self._steering is not None:
            if self._line.is_hidden:
                self._out.line(f"> {printable(line)}")
            self._steering.take(line)

    def _answer(self, line: str) -> None:
        if self._open is not None and not self._open.done():
            self._open.set_result(line)

    async def ask(self, prompt: str) -> str:
        """The next typed line; an empty one where nobody can type, or has ended the input or the turn."""
        self._out.piece(prompt)
        if not self._listening or self._stopped:
            self._out.line()
            return ""
        self._open = asyncio.get_running_loop().create_future()
        try:
            with self._line.revealed():
                return await self._open
        finally:
            self._open = None

    async def answer(self, question: HumanQuestion) -> str | None:
        """A question to the person (COORD-147); None where it is skipped or nobody can type. Cancelled when the time
        is over."""
        skips = not question.declines
        with self._quiet():
            self._out.line()
            kind = "BROADCAST" if skips else "QUESTION"
            self._out.line(f"📢 {kind} FROM {one_line(question.asker).upper()}")
            self._out.line("=" * WIDTH)
            self._out.line(printable(question.in_words()))
            self._out.line("─" * WIDTH)
            if skips:
                self._out.line("Options:")
                self._out.line("  • Type your response and press Enter")
                self._out.line("  • Press Enter alone to skip")
                self._out.line(f"  • You have {question.seconds:.0f} seconds to respond")
            else:
                self._out.line(f"You have {question.seconds:.0f} seconds for all of it.")
            self._out.line("=" * WIDTH)
            try:
                said = await self.ask("Your response (or Enter to skip): " if skips else "Your response: ")
                return said if said or (question.declines and self._listening) else None
            except asyncio.CancelledError:
                self._out.line()
                self._out.line("The time to respond is over; the agents go on without.")
                raise

    async def review(self, review: Review, changes: Sequence[FileChange]) -> Sequence[Acceptance]:
        """Show what would change in the project and ask, file by file; nothing is accepted unasked."""
        with self._quiet():
            return await self._review(review, changes)

    async def _review(self, review: Review, changes: Sequence[FileChange]) -> list[Acceptance]:
        self._out.line()
        self._out.line(f"The result changes {len(changes)} file(s) of your project:")
        accepted: list[Acceptance] = []
        rest: bool | None = None
        for change in changes:
            name = one_line(str(change.target))
            if change.refused is not None:
                self._out.line(f"  {name}: not possible ({one_line(change.refused)})")
                continue
            word = rest
            if word is None:
                word, rest = await self._decide(review, change)
            if self._stopped:
                self._out.line("Nothing is applied; the changes are kept in the log (changes.patch).")
                return []
            if word and (rest is None or not change.conflict):
                accepted.append(Acceptance(change=change, overwrite=change.conflict))
        self._out.line(f"Applying {len(accepted)} of {len(changes)}.")
        return accepted

    async def _decide(self, review: Review, change: FileChange) -> tuple[bool, bool | None]:
        """(whether this file, what holds for all that follow)."""
        conflict = ", CHANGED BY YOU MEANWHILE" if change.conflict else ""
        name = one_line(str(change.target))
        while True:
            answer = await self.ask(f"  {change.kind} {name}{conflict}: apply? [y/N/d=diff/a=all/q=none] ")
            match answer.strip().lower():
                case "d" | "diff":
                    self._show(review, change)
                case "a" | "all":
                    return not change.conflict, True
                case "q" | "none":
                    return False, False
                case "y" | "yes":
                    return True, None
                case "" | "n" | "no":
                    return False, None
                case _:
                    self._out.line("    Please answer y, n, d, a or q.")

    def _show(self, review: Review, change: FileChange) -> None:
        lines = "".join(review.hunks(change)).splitlines()
        for line in lines[:LONGEST_DIFF]:
            self._out.line(f"    {printable(line)}")
        if len(lines) > LONGEST_DIFF:
            self._out.line(f"    ... {len(lines) - LONGEST_DIFF} more lines; all of it is in the log (changes.patch)")
