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
from massgen.events.types import Content, Event, FinalChunk, StartedStreaming, ToolStart
from massgen.runs.request import RunResult
from massgen.views.run_state import AgentView, RunState
from massgen.views.states import AGENT_STATES, PHASES, vote_of

if TYPE_CHECKING:
    from rich.table import Table

TAIL = 400
FRAMES = 8


class RichDisplay:
    """The table stands below the lines; it goes away when the final answer begins. A terminal that is gone ends it, not
    the run."""

    def __init__(self, agents: Sequence[str], plain: PlainDisplay) -> None:
        from rich.console import Console
        from rich.live import Live

        self._plain = plain
        self._state = RunState()
        self._tails = dict.fromkeys(agents, "")
        self._held = False
        self._hears = False
        self._live = Live(
            console=Console(highlight=False, markup=False, emoji=False),
            refresh_per_second=FRAMES,
            get_renderable=self._table,
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
        """Ctrl+Z: the shell gets its cursor back, and the table comes with the next event after `fg`."""
        self._stop()
        os.kill(os.getpid(), signal.SIGTSTP)

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

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(expand=True, title=Text(PHASES.get(self._state.phase, self._state.phase)))
        for title, width in (("Agent", 18), ("Status", 16), ("Votes", 12), ("Now", None)):
            table.add_column(title, width=width, no_wrap=True, overflow="ellipsis")
        for agent in self._state.agents.values():
            table.add_row(*(Text(cell) for cell in self._row(agent)))
        return table

    def _row(self, agent: AgentView) -> tuple[str, str, str, str]:
        state = AGENT_STATES.get(agent.shown, AGENT_STATES["waiting"])
        tail = one_line(self._tails.get(agent.agent_id, ""))[-60:]
        return one_line(agent.agent_id), f"{state.symbol} {state.word}", vote_of(self._state, agent), tail

    def say_cancelled(self) -> None:
        """At the first Ctrl+C; the cursor is given back in case there is a second."""
        self._stop()
        self._plain.say_cancelled()

    def finish(self, result: RunResult) -> None:
        """The table is gone, the answer stands."""
        self._stop()
        self._plain.finish(result)
