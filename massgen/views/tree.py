"""The log directory of a run: `turn_N/attempt_M`, and links that keep the flat documented paths working."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from massgen.errors import StorageError
from massgen.views.files import guarded, link

STAMP = "%Y%m%d_%H%M%S_%f"
ATTEMPT_FILES = (
    "status.json",
    "coordination_events.json",
    "coordination_table.txt",
    "vote.json",
    "events.jsonl",
    "metrics_summary.json",
    "snapshot_mappings.json",
    "execution_metadata.yaml",
    "massgen.log",
    "massgen_debug.log",
    "agent_chat.log",
    "tool_calls.log",
    "agent_outputs",
    "llm_calls",
    "final",
    "evaluation_criteria.json",
    "subagents",
)


def create_log_directory(logs: Path) -> Path:
    """A new `log_YYYYMMDD_HHMMSS_ffffff` below `logs`; a name that is taken is never shared (AUTO-062)."""
    try:
        logs.mkdir(parents=True, exist_ok=True)
        while True:
            path = logs / f"log_{datetime.now():{STAMP}}"
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path.resolve()
    except OSError as error:
        raise StorageError(
            f"The log directory cannot be created below {logs} ({error.strerror}).",
            hint="Start in a directory you can write to, or free some space.",
        ) from error


@dataclass(slots=True)
class LogTree:
    """Where a run's files lie. `agents` are real ids; their directories use escaped names."""

    root: Path
    turn: int = 1
    attempt: int = 1
    _places: dict[tuple[int, int], Path] = field(default_factory=dict)

    @property
    def here(self) -> Path:
        """The directory of the running attempt."""
        return self.directory(self.turn, self.attempt)

    def directory(self, turn: int, attempt: int) -> Path:
        """Where an attempt's files lie; asked for at each event, so it is remembered."""
        place = self._places.get((turn, attempt))
        if place is None:
            place = self._places[turn, attempt] = self.root / f"turn_{turn}" / f"attempt_{attempt}"
        return place

    def enter(self, turn: int, attempt: int, names: tuple[str, ...]) -> None:
        """Make an attempt's directory and point the flat paths at it; `names` are agents' directory names."""
        self.turn, self.attempt = turn, attempt
        try:
            self.here.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"The log directory {self.here} cannot be created ({error.strerror}).") from error
        inner = f"turn_{turn}/attempt_{attempt}"
        guarded("links in the log directory", lambda: self._link(inner, names))

    def _link(self, inner: str, names: tuple[str, ...]) -> None:
        for name in (*ATTEMPT_FILES, *names):
            link(self.root / name, f"{inner}/{name}")
        link(self.root / f"attempt_{self.attempt}", inner)
        link(self.root.parent / "log_latest", self.root.name)

    def accept(self) -> None:
        """The turn is over: copy the accepted attempt's result to `turn_N/final/` (LOG-003)."""
        source = self.here / "final"
        target = self.root / f"turn_{self.turn}" / "final"

        def copy() -> None:
            if source.is_dir():
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(source, target, symlinks=True, copy_function=_link_or_copy)

        guarded("the copy of the final answer", copy)
        guarded("links in the log directory", self._drop_dangling)

    def _drop_dangling(self) -> None:
        """Links to files that this run did not write."""
        for name in ATTEMPT_FILES:
            path = self.root / name
            if path.is_symlink() and not path.exists():
                path.unlink()


def _link_or_copy(source: str, target: str) -> str:
    """Results never change, so a second name for the same bytes is enough."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        return shutil.copy2(source, target, follow_symlinks=False)
    return target
