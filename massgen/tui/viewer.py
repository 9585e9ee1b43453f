"""The viewer: the same screen over any run, live or past, without an input (TUI-060 to TUI-068). It only reads."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import ClassVar

from msgspec import Struct
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from massgen.events.codec import read_events, run_logs
from massgen.events.types import Event
from massgen.tui.app import TeamApp
from massgen.tui.feed import RunFeed
from massgen.tui.keys import KEYS, VIEWING
from massgen.tui.symbols import one_line
from massgen.views.follow import follow

BATCH = 500
POLL_SECONDS, IDLE_SECONDS = 0.1, 1.0


class Watch(Struct, frozen=True, kw_only=True):
    """What is watched. Without `place` the newest attempt, followed while it grows; `speed` 0 is at once."""

    root: Path
    place: tuple[int, int] | None = None
    speed: float = 0.0


class ViewerApp(TeamApp):
    """`alive(pid, started)` tells whether the process that writes the run still exists (TUI-068)."""

    KEYS = KEYS + VIEWING
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "step(-1)", "Earlier attempt or turn", show=False),
        Binding("right_square_bracket", "step(1)", "Later attempt or turn", show=False),
        Binding("q,escape", "close", show=False),
    ]

    def __init__(self, watch: Watch, alive) -> None:
        super().__init__()
        self.target = watch
        self.log_dir = watch.root
        self.places = places(watch.root)
        self.at = self.places.index(watch.place) if watch.place in self.places else len(self.places) - 1
        self._alive = alive
        self._interrupted = False
        self._watching: Timer | None = None

    def on_mount(self) -> None:
        self._watching = self.set_interval(1.0, self._look_after)
        self._open()

    def draw_bar(self) -> None:
        keys = "? keys  [ ] turns  r table  a answers  t timeline  c conversation  w files  f result  z zoom  q quit"
        self.bar.update(f" {keys}")

    def now(self) -> float:
        """Of a run that is over or dead, the time of its last event."""
        return time.time() if self.is_going_on() else self.feed.last_seen

    def _open(self) -> None:
        """Begin anew at the place that is chosen."""
        for panel in self.panels.values():
            panel.clear()
        self.feed = RunFeed()
        self._interrupted = False
        self.note = ""
        self.tick()
        self.run_worker(self._read(), name="events", exclusive=True)

    async def _read(self) -> None:
        if not self.places:
            self.note = "This directory holds no events yet."
            self.draw_header()
        if self.at == len(self.places) - 1:
            async for event in follow(self.target.root, pause=self._until_more):
                await self._show(event)
        else:
            await self._past()

    async def _until_more(self, over: bool) -> None:
        await asyncio.sleep(IDLE_SECONDS if over or self._interrupted else POLL_SECONDS)

    async def _past(self) -> None:
        """All events up to the chosen attempt."""
        for place in self.places[: self.at + 1]:
            path = self.target.root / f"turn_{place[0]}" / f"attempt_{place[1]}" / "events.jsonl"
            for count, event in enumerate(read_events(path)):
                await self._show(event)
                if count % BATCH == 0:
                    await asyncio.sleep(0)

    async def _show(self, event: Event) -> None:
        """One event, at the pace that is asked for (TUI-064); those of earlier attempts at once."""
        place, last = (event.turn, event.attempt), self.feed.last_seen
        if self._is_newest() and (not self.places or place > self.places[-1]):
            self.note = self.note if self.places else ""
            self.places = [*self.places, place]
            self.at = len(self.places) - 1
        paced = self.target.speed > 0 and place >= self.places[self.at]
        if paced and last and event.timestamp > last:
            await asyncio.sleep((event.timestamp - last) / self.target.speed)
        self.heard(event)
        if self._watching is not None:
            self._watching.resume()

    def _is_newest(self) -> bool:
        return self.at == len(self.places) - 1

    def is_going_on(self) -> bool:
        following = self._is_newest() and not self._interrupted and not self.target.speed
        return following and super().is_going_on()

    def _look_after(self) -> None:
        """A run whose process is gone is over (TUI-068)."""
        state = self.feed.state
        if not state.agents or state.complete or not self._is_newest():
            if self._watching is not None:
                self._watching.pause()
            return
        interrupted = not self._alive(state.pid, state.process_started)
        if interrupted != self._interrupted:
            self._interrupted = interrupted
            self.note = "interrupted: its process is gone" if interrupted else ""
            self.tick()

    def action_step(self, step: int) -> None:
        """TUI-062."""
        self.places = places(self.target.root)
        wanted = min(max(0, self.at + step), len(self.places) - 1)
        if self.places and wanted != self.at:
            self.at = wanted
            self._open()
            self.say(f"turn {self.places[wanted][0]}, attempt {self.places[wanted][1]}")

    def action_close(self) -> None:
        """What is zoomed first, then the viewer."""
        if self.screen.maximized is not None:
            self.screen.minimize()
        else:
            self.exit(0)


def places(root: Path) -> list[tuple[int, int]]:
    """(turn, attempt) of everything in the log that has events."""
    try:
        logs = run_logs(root)
    except OSError:
        return []
    return [_numbers(path) for path in logs]


def _numbers(path: Path) -> tuple[int, int]:
    return int(path.parent.parent.name.removeprefix("turn_")), int(path.parent.name.removeprefix("attempt_"))


class PickerApp(App[Path]):
    """Choose one of the recent runs (TUI-065)."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,escape,ctrl+c", "quit", "Quit", priority=True)]

    def __init__(self, runs: list[tuple[str, Path]]) -> None:
        super().__init__()
        self.runs = runs

    def compose(self) -> ComposeResult:
        yield Static(" Choose a run: Enter opens it, Escape leaves", markup=False)
        yield OptionList(*(Option(Text(one_line(name))) for name, _ in self.runs))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.exit(self.runs[event.option_index][1])
