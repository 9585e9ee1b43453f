"""A person beside a running turn: what is typed goes to the agents, or answers the question that is open."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence

from massgen.cli.console import Writer, one_line, printable
from massgen.runs.request import HumanQuestion
from massgen.runs.run import Run
from massgen.workspace.review import Acceptance, FileChange, Review

log = logging.getLogger(__name__)

LONGEST_DIFF = 200
WIDTH = 70


class Person:
    """Use `beside(run)` around the execution; `review` is the run's reviewer (WS-033), `answer` its `ask_human`.

    `quiet` is held while an agent's question stands on the screen; a live display draws nothing over it.
    """

    def __init__(self, out: Writer) -> None:
        self._out = out
        self._run: Run | None = None
        self._rest = b""
        self._listening = False
        self._open: asyncio.Future[str] | None = None
        self.leaving = False
        self.quiet: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext

    @contextlib.contextmanager
    def beside(self, run: Run) -> Iterator[None]:
        """Listen while `run` executes in the running loop."""
        self._run = run
        loop = asyncio.get_running_loop()
        try:
            loop.add_reader(sys.stdin.fileno(), self._typed)
            self._listening = True
        except (NotImplementedError, OSError, ValueError) as error:
            log.debug("Nobody can type while the team works: %s", error)
        try:
            yield
        finally:
            self._leave_off()
            self._run = None

    def _leave_off(self) -> None:
        """Nothing more is heard in this turn."""
        if self._listening:
            self._listening = False
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())

    def _typed(self) -> None:
        try:
            data = os.read(sys.stdin.fileno(), 65536)
        except OSError:
            data = b""
        if not data:
            self._leave_off()
            self._answer("")
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.decode("utf-8", "replace").strip())

    def _take(self, line: str) -> None:
        if self._open is not None:
            self._answer(line)
        elif line in ("/quit", "/exit", "/q", "/cancel"):
            self.leaving = line != "/cancel"
            if self._run is not None:
                self._run.cancel()
        elif line.startswith("/skip "):
            self._skip(line.removeprefix("/skip ").strip())
        elif line.startswith("/"):
            now = "/cancel ends it, /skip AGENT drops one agent"
            self._out.line(f"Commands wait until the turn is over ({now}). Other text goes to the agents.")
        elif line and self._run is not None:
            self._tell(line)

    def _tell(self, line: str) -> None:
        """`@agent text` is for one agent, everything else for all (SESS-045)."""
        assert self._run is not None
        name, _, text = line.partition(" ")
        agent = name[1:] if name.startswith("@") and name[1:] in self._run.agents and text.strip() else None
        self._run.inject(text.strip() if agent else line, agent)
        self._out.line(f"→ {agent or 'all agents'}, at the next safe point")

    def _skip(self, agent: str) -> None:
        if self._run is not None and self._run.skip(agent):
            self._out.line(f"{agent} is out for this turn; its answers stay.")
        elif self._run is not None:
            self._out.line(f"There is no agent {one_line(agent)}. The agents: {', '.join(self._run.agents)}")

    def _answer(self, line: str) -> None:
        if self._open is not None and not self._open.done():
            self._open.set_result(line)

    async def ask(self, prompt: str) -> str:
        """The next typed line; an empty one where nobody can type, or has ended the input."""
        self._out.piece(prompt)
        if not self._listening:
            self._out.line()
            return ""
        self._open = asyncio.get_running_loop().create_future()
        try:
            return await self._open
        finally:
            self._open = None

    async def answer(self, question: HumanQuestion) -> str | None:
        """A question to the person (COORD-147); None where it is skipped or nobody can type. Cancelled when the time
        is over."""
        skips = not question.declines
        with self.quiet():
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
        self._out.line()
        self._out.line(f"The result changes {len(changes)} file(s) of your project:")
        accepted: list[Acceptance] = []
        rest: bool | None = None
        for change in changes:
            name = printable(str(change.target))
            if change.refused is not None:
                self._out.line(f"  {name}: not possible ({printable(change.refused)})")
                continue
            word = rest
            if word is None:
                word, rest = await self._decide(review, change)
            if word and (rest is None or not change.conflict):
                accepted.append(Acceptance(change=change, overwrite=change.conflict))
        self._out.line(f"Applying {len(accepted)} of {len(changes)}.")
        return accepted

    async def _decide(self, review: Review, change: FileChange) -> tuple[bool, bool | None]:
        """(whether this file, what holds for all that follow)."""
        conflict = ", CHANGED BY YOU MEANWHILE" if change.conflict else ""
        name = printable(str(change.target))
        while True:
            answer = await self.ask(f"  {change.kind} {name}{conflict}: apply? [y/N/d=diff/a=all/q=none] ")
            match answer.strip().lower():
                case "d" | "diff":
                    self._show(review, change)
                case "a" | "all":
                    return not change.conflict, True
                case "q" | "none":
                    return False, False
                case other:
                    return other in ("y", "yes"), None

    def _show(self, review: Review, change: FileChange) -> None:
        lines = "".join(review.hunks(change)).splitlines()
        for line in lines[:LONGEST_DIFF]:
            self._out.line(f"    {printable(line)}")
        if len(lines) > LONGEST_DIFF:
            self._out.line(f"    ... {len(lines) - LONGEST_DIFF} more lines; all of it is in the log (changes.patch)")
