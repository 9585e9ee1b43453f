"""The screen that a session and the viewer share: agents side by side, the result below, everything else a key away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import Resize
from textual.geometry import Size
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.signal import Signal
from textual.timer import Timer
from textual.widgets import Static

from massgen.tui.final import FinalPanel
from massgen.tui.header import Header
from massgen.tui.keys import KEYS
from massgen.tui.layout import Grid, arrange
from massgen.tui.styles import STYLES
from massgen.tui.symbols import has_unicode, one_line, printable, shortened, sign, state_sign

if TYPE_CHECKING:
    from massgen.events.types import Event
    from massgen.tui.feed import RunFeed
    from massgen.tui.panel import AgentPanel
    from massgen.tui.ribbon import JobRibbon

FRAMES = 15
FINAL_SHARE = 0.45


class AsciiBar(ScrollBarRender):
    """A scroll bar without block characters."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


class TeamApp(App[int]):
    """Shows what is `heard`. Subclasses hear it and may add an input. Frames are drawn while there is something new,
    the clock goes while the run does; `run_changed` tells of both. Otherwise nothing happens here."""

    CSS = STYLES
    TITLE = "MassGen"
    COMMAND_PALETTE_BINDING = "ctrl+k"
    ENABLE_COMMAND_PALETTE = True
    KEYS: ClassVar[str] = KEYS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", "Cancel", priority=True, show=False),
        Binding("ctrl+q", "leave", "Quit", priority=True, show=False),
        Binding("ctrl+z", "suspend_process", "Suspend (fg comes back)", priority=True, show=False),
        Binding("f1", "keys", "Help"),
        Binding("question_mark", "keys", "Help", show=False),
        Binding("f2", "light", "Light or dark"),
        Binding("l", "light", show=False),
        Binding("r", "table", "Coordination table"),
        Binding("a", "answers", "Answers and votes"),
        Binding("t", "timeline", "Timeline"),
        Binding("c", "conversation", "Conversation"),
        Binding("w", "files", "Workspace files"),
        Binding("f", "result", "Final answer"),
        Binding("b", "jobs", "Background jobs"),
        Binding("z", "zoom", "Zoom the agent"),
        *(Binding(str(n % 10), f"agent({n})", show=False) for n in range(1, 11)),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._feed: RunFeed | None = None
        self.log_dir: Path | None = None
        self.panels: dict[str, AgentPanel] = {}
        self.current = 0
        self.note = ""
        self._grid = Grid(0, 0)
        self.head = Header()
        self.ribbon: JobRibbon | None = None
        self.tabs = Static(id="tabs", markup=False)
        self.seats = Container(id="team")
        self.final = FinalPanel()
        self.bar = Static(id="bar", markup=False)
        self._place = (0, 0)
        self._room = Size(80, 24)
        self._frames: Timer | None = None
        self._clock: Timer | None = None
        self.run_changed: Signal[None] = Signal(self, "run changed")

    @property
    def feed(self) -> RunFeed:
        """What is known of the run. Its module is loaded when it is first asked for: the first frame needs it not."""
        if self._feed is None:
            from massgen.tui.feed import RunFeed

            self._feed = RunFeed()
        return self._feed

    @feed.setter
    def feed(self, feed: RunFeed) -> None:
        self._feed = feed

    def compose(self) -> ComposeResult:
        yield self.head
        yield self.tabs
        yield self.seats
        yield self.final
        yield self.bar

    def on_mount(self) -> None:
        if not has_unicode():
            self.add_class("ascii")
            ScrollBar.renderer = AsciiBar
        self.draw_header()
        self.draw_bar()
        self._frames = self.set_interval(1 / FRAMES, self.frame, pause=True)
        self._clock = self.set_interval(0.5, self.tick, pause=True)
        self.call_after_refresh(self.run_worker, asyncio.to_thread(_load_the_rest), name="loading")
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))  # `fg`: the screen was cleared

    def get_system_commands(self, screen):
        yield from super().get_system_commands(screen)
        classes = [kind for kind in type(self).__mro__ if issubclass(kind, TeamApp)]
        for binding in (binding for kind in reversed(classes) for binding in vars(kind).get("BINDINGS", ())):
            if isinstance(binding, Binding) and binding.description and binding.action != "command_palette":
                method = getattr(self, f"action_{binding.action}", None)
                if method is not None:
                    yield self._command(binding.description, binding.key, method)

    @staticmethod
    def _command(name: str, key: str, method):
        from textual.app import SystemCommand

        return SystemCommand(name, f"Key: {key}", method)

    def now(self) -> float:
        """The time up to which a running turn is counted."""
        return time.time()

    def is_going_on(self) -> bool:
        """Whether time passes for the run."""
        return self._feed is not None and bool(self._feed.state.agents) and not self._feed.state.complete

    def heard(self, event: Event) -> None:
        """One more event of the run."""
        self.feed.apply(event)
        if self._frames is not None:
            self._frames.resume()

    def tick(self) -> None:
        """What changes with the time alone."""
        self.draw_header()
        self.run_changed.publish(None)
        if self._clock is not None and self.is_going_on():
            self._clock.resume()
        elif self._clock is not None:
            self._clock.pause()

    def frame(self) -> None:
        """Draw what changed since the last frame."""
        if self._feed is None or not self._feed.changed:
            if self._frames is not None:
                self._frames.pause()
            return
        self._draw_changes()
        self.tick()

    def _draw_changes(self) -> None:
        assert self._feed is not None
        changed, self._feed.changed = self._feed.changed, set()
        state = self.feed.state
        if list(state.agents) != list(self.panels):
            self._seat(list(state.agents))
            changed |= set(self.panels)
        elif self._place != (state.turn, state.attempt):
            for panel in self.panels.values():
                panel.clear()
        self._place = (state.turn, state.attempt)
        for name in changed:
            if name in self.panels:
                self.panels[name].draw(self.feed)
        if None in changed:
            for panel in self.panels.values():
                panel.draw(self.feed)
            self._draw_tabs()
        self._draw_final()

    def draw_jobs(self) -> None:
        """The ribbon of background jobs, made with the first of them."""
        if self._feed is None or not (self._feed.jobs.jobs or self.ribbon is not None):
            return
        if self.ribbon is None:
            from massgen.tui.ribbon import JobRibbon

            self.ribbon = JobRibbon()
            self.mount(self.ribbon, after=self.head)
        if self.ribbon.draw(self._feed.jobs, self.now()):
            self.relayout()

    def _seat(self, names: list[str]) -> None:
        team = self.seats
        from massgen.tui.panel import AgentPanel

        team.remove_children()
        self.panels = {name: AgentPanel(name, number) for number, name in enumerate(names, 1)}
        team.mount(*self.panels.values())
        self.current = 0
        self.relayout()

    def on_resize(self, event: Resize) -> None:
        self._room = event.size
        self.relayout()

    def _height(self) -> int:
        """Rows for the agents."""
        used = 2 + (3 if self.query("#prompt") else 0)
        used += self.ribbon is not None and self.ribbon.display
        final = int(self._room.height * FINAL_SHARE) if self.final.has_class("shown") else 0
        return self._room.height - used - final

    def relayout(self) -> None:
        """A grid, or tabs where panels would be too small."""
        if not self.panels:
            return
        self._grid = arrange(len(self.panels), self._room.width, self._height())
        tabbed = self._grid.columns == 0
        team = self.seats
        team.set_class(tabbed, "tabbed")
        if not tabbed:
            team.styles.grid_size_columns, team.styles.grid_size_rows = self._grid
        self.tabs.display = tabbed
        for position, panel in enumerate(self.panels.values()):
            panel.display = not tabbed or position == self.current
        self._draw_tabs()

    def _draw_tabs(self) -> None:
        if self._grid.columns:
            return
        out = Text()
        agents = self.feed.state.agents
        room = min(14, max(3, self._room.width // max(1, len(agents)) - 6))
        for position, (name, agent) in enumerate(agents.items()):
            style = "reverse bold" if position == self.current else ""
            out.append(f" {position + 1} {shortened(name, room)} {state_sign(agent.shown)[:1]} ", style=style)
        self.tabs.update(out, layout=False)

    def _draw_final(self) -> None:
        state = self.feed.state
        text = state.final_text() or "".join(state.final_chunks)
        panel = self.final
        shown = bool(text)
        if shown != panel.has_class("shown"):
            panel.set_class(shown, "shown")
            self.relayout()
        if shown:
            who = one_line(state.winner or state.active or "")
            partial = state.final is not None and state.final.partial
            title = f"PARTIAL ANSWER {who}" if partial else sign(f"★ FINAL ANSWER {who}")
            if state.final is None:
                title = sign(f"🎤 [{who}] presenting final answer")
            panel.draw(title, printable(text), done=state.final is not None)

    def draw_header(self) -> None:
        self.head.draw(self._feed, self.now(), self.note)
        self.draw_jobs()

    def draw_bar(self) -> None:
        """The line of keys at the bottom (TUI-049)."""
        keys = "? help  r table  a answers  t timeline  c conversation  w files  f result  z zoom  e expand  ctrl+k all"
        self.bar.update(f" {keys}")

    def say(self, text: str, *, error: bool = False) -> None:
        """A toast."""
        self.notify(printable(text)[:500], markup=False, severity="error" if error else "information")

    def action_agent(self, number: int) -> None:
        if number <= len(self.panels):
            self.current = number - 1
            self.relayout()
            list(self.panels.values())[self.current].focus()

    def action_zoom(self) -> None:
        if self.screen.maximized is not None:
            self.screen.minimize()
        elif self.panels:
            around = self.focused.ancestors_with_self if self.focused is not None else []
            focused = next((one for one in (*self.panels.values(), self.final) if one in around), None)
            self.screen.maximize(focused or list(self.panels.values())[self.current], container=False)

    def action_light(self) -> None:
        self.theme = "textual-light" if self.theme != "textual-light" else "textual-dark"

    def open_text(
        self,
        title: str,
        text: Callable[[], str | Text],
        *,
        key: str = "",
        again: bool = True,
        wide: bool = False,
        words: Callable[[], str] | None = None,
    ) -> None:
        """One long text over the team, then `words` as Markdown, asked for `again` as the run goes on; `key` closes it
        too, a `wide` one keeps its lines."""
        from massgen.tui.screens import Entry, TextScreen

        entry = Entry(title, text, wide, words)
        self.push_screen(TextScreen(entry, changes=self.run_changed if again else None, key=key))

    def action_keys(self) -> None:
        self.open_text("Keys", lambda: self.KEYS, again=False)

    def action_table(self) -> None:
        from massgen.tui.contents import table_text

        self.open_text("Coordination", lambda: table_text(self.feed), key="r", wide=True)

    def action_jobs(self) -> None:
        from massgen.tui.ribbon import jobs_text

        self.open_text("Background jobs", lambda: jobs_text(self.feed.jobs, self.now()), key="b", wide=True)

    def action_timeline(self) -> None:
        from massgen.tui.contents import timeline_text

        self.open_text("Timeline", lambda: timeline_text(self.feed), key="t")

    def action_conversation(self) -> None:
        from massgen.tui.contents import conversation_text

        self.open_text("Conversation", lambda: conversation_text(self.feed), key="c")

    def action_result(self) -> None:
        def text() -> str:
            return "" if self.feed.state.final_text() else "There is no final answer yet."

        self.open_text("Final answer", text, key="f", words=lambda: self.feed.state.final_text())

    def action_answers(self) -> None:
        from massgen.tui.contents import answer_entries
        from massgen.tui.screens import BrowseScreen

        entries = answer_entries(self.feed)
        self.push_screen(
            BrowseScreen("Answers and votes", entries, empty="No answers yet.", start=max(0, len(entries) - 1))
        )

    def action_files(self) -> None:
        from massgen.tui.files import file_entries
        from massgen.tui.screens import BrowseScreen

        entries = file_entries(self.log_dir, self.feed) if self.log_dir is not None else []
        self.push_screen(BrowseScreen("Workspace files", entries, empty="No answer has files."))

    def action_interrupt(self) -> None:
        self.action_leave()

    def action_leave(self) -> None:
        self.exit(0)


def _load_the_rest() -> None:
    """What the first frame does without, so that the first key does not wait for it."""
    from massgen.tui import contents, feed, files, panel, screens  # noqa: F401
