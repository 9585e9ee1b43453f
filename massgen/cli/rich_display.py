"""`--display rich_terminal`: one live table while the team works, plain lines for what happened."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from massgen.cli.console import one_line
from massgen.cli.plain import PlainDisplay
from massgen.cli.signals import hear, unhear
from massgen.cli.typed import TypedLine
from massgen.events.types import Content, Event, FinalChunk, StartedStreaming, ToolStart
from massgen.runs.request import RunResult
from massgen.views.run_state import AgentView, RunState
from massgen.views.states import AGENT_STATES, PHASES, vote_of

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

TAIL = 400
FRAMES = 8
HINT = "type to tell the agents, /help shows more"
STATUS = max(len(state.word) for state in AGENT_STATES.values()) + 2
WIDEST_NAME, NARROWEST_VOTE, WIDEST_VOTE = 18, 5, 12
FRAME_COLUMNS, FRAME_ROWS = 13, 7
"""What the lines of the table take of the screen, with its title and the typed line."""


class RichDisplay:
    """The table stands below the lines and above what is typed; it goes away when the final answer begins. A terminal
    that is gone ends it, not the run."""

    def __init__(self, agents: Sequence[str], plain: PlainDisplay) -> None:
        from rich.console import Console
        from rich.live import Live

        self._plain = plain
        self._state = RunState()
        self._tails = dict.fromkeys(agents, "")
        self._held = False
        self._hears = False
        self._typed: TypedLine | None = None
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._live = Live(
            console=self._console,
            refresh_per_second=FRAMES,
            get_renderable=self._picture,
            redirect_stdout=True,
            redirect_stderr=True,
            transient=True,
        )

    def __call__(self, event: Event) -> None:
        self._state.apply(event)
        self._note(event)
        if isinstance(event.body, FinalChunk):
            self._stop()
        elif not self._live.is_started and not self._state.winner and not self._held:
            self._start()
        self._plain(event)

    def recall(self, event: Event) -> None:
        """Something that happened before; the table goes on from there."""
        self._state.apply(event)
        self._note(event)
        self._plain.recall(event)

    def _start(self) -> None:
        try:
            self._live.start()
        except (OSError, ValueError):
            self._held = True
        self._hears = hear("SIGTSTP", self._suspend)

    def _stop(self) -> None:
        try:
            self._live.stop()
        except (OSError, ValueError):
            self._held = True
        if self._hears:
            unhear("SIGTSTP")

    def _suspend(self) -> None:
        """Ctrl+Z: the shell gets its terminal back; the table comes again with `fg`."""
        self._stop()
        with self._typed.revealed() if self._typed is not None else contextlib.nullcontext():
            os.kill(os.getpid(), signal.SIGTSTP)
        self._start()

    def watch_typing(self, line: TypedLine) -> bool:
        """What the terminal would echo into the table is shown below it instead."""
        self._typed = line
        return True

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Without the table, which comes back with the next event."""
        self._held = True
        self._stop()
        try:
            yield
        finally:
            self._held = False

    def _note(self, event: Event) -> None:
        name = event.agent_id or ""
        match event.body:
            case Content(text=text):
                self._tails[name] = (self._tails.get(name, "") + text)[-TAIL:]
            case StartedStreaming():
                self._tails[name] = ""
            case ToolStart(name=tool):
                self._tails[name] = f"{self._tails.get(name, '')} [{tool}] "[-TAIL:]
            case _:
                return

    def _picture(self) -> Group:
        from rich.console import Group

        return Group(self._table(), self._input())

    def _input(self) -> Text:
        """The typed line; of a long one its end."""
        from rich.cells import cell_len
        from rich.text import Text

        text = one_line(self._typed.text) if self._typed is not None else ""
        room = max(1, self._console.size.width - 4)
        if not text:
            return Text(f"> {HINT}"[:room], style="dim", no_wrap=True)
        text = text[-room:]
        while cell_len(text) > room:
            text = text[1:]
        return Text(f"> {text}█", no_wrap=True)

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        size = self._console.size
        agents = list(self._state.agents.values())
        room = max(1, size.height - FRAME_ROWS)
        shown = agents if len(agents) <= room else agents[: room - 1]
        rows = [self._row(agent) for agent in shown]
        name = min(WIDEST_NAME, max((len(row[0]) for row in rows), default=NARROWEST_VOTE))
        vote = min(WIDEST_VOTE, max((len(row[2]) for row in rows), default=0) or NARROWEST_VOTE)
        vote = max(NARROWEST_VOTE, vote)
        now = max(1, size.width - FRAME_COLUMNS - name - STATUS - vote)
        table = Table(expand=True, title=Text(PHASES.get(self._state.phase, self._state.phase)))
        for title, width in (("Agent", max(NARROWEST_VOTE, name)), ("Status", STATUS), ("Votes", vote)):
            table.add_column(title, width=width, no_wrap=True, overflow="ellipsis")
        table.add_column("Now", ratio=1, no_wrap=True, overflow="ellipsis")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row[:3]), Text(row[3][-now:].lstrip()))
        if len(shown) < len(agents):
            table.add_row("...", f"{len(agents) - len(shown)} more")
        return table

    def _row(self, agent: AgentView) -> tuple[str, str, str, str]:
        state = AGENT_STATES.get(agent.shown, AGENT_STATES["waiting"])
        tail = one_line(self._tails.get(agent.agent_id, ""))
        return one_line(agent.agent_id), f"{state.symbol} {state.word}", vote_of(self._state, agent), tail

    def say_cancelled(self) -> None:
        """At the first Ctrl+C; the cursor is given back, for good, in case there is a second."""
        self._held = True
        self._stop()
        self._plain.say_cancelled()

    def finish(self, result: RunResult) -> None:
        """The table is gone, the answer stands."""
        self._stop()
        self._plain.finish(result)
