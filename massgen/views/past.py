"""Runs of the past, read from their directories. Whatever lies there (torn, foreign, older), nothing here raises."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from msgspec import Struct

from massgen.events.codec import read_events
from massgen.views.metrics import Metrics, metrics_summary, subagent_totals
from massgen.views.run_state import RunState
from massgen.views.status import status_snapshot

LARGEST = 50_000_000
REPORT = "ANALYSIS_REPORT.md"
_NAME = re.compile(r"log_(\d{8}_\d{6})(?:_\d{6})?")
_NUMBERED = re.compile(r"(turn|attempt)_(\d+)")
T = TypeVar("T")


class LogPlace(Struct, frozen=True, kw_only=True):
    """A run's directory and the attempt in it that is looked at (`root` itself in older layouts)."""

    root: Path
    attempt: Path


class Overview(Struct, frozen=True, kw_only=True):
    """What a list shows of a run; None is not known. `pid` and `process_started` name the process that wrote it."""

    place: LogPlace
    started: datetime | None
    question: str
    winner: str | None
    agents: int | None
    seconds: float | None
    cost: float | None
    complete: bool
    exit_code: int | None
    pid: int
    process_started: float
    analyzed: bool


def log_directories(logs: Path) -> list[Path]:
    """The run directories below `logs`, newest first; links such as `log_latest` are left out (LOG-005)."""
    try:
        with os.scandir(logs) as entries:
            names = [e.name for e in entries if _NAME.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [logs / name for name in sorted(names, reverse=True)]


def locate(path: Path) -> LogPlace | None:
    """The place that a log, turn or attempt directory names (LOG-074); None where it is none."""
    try:
        path = path.resolve()
        if not path.is_dir():
            return None
    except (OSError, RuntimeError, ValueError):
        return None
    kind = path.name.partition("_")[0] if _NUMBERED.fullmatch(path.name) else ""
    if kind == "attempt":
        inside = _NUMBERED.fullmatch(path.parent.name)
        return LogPlace(root=path.parent.parent if inside else path.parent, attempt=path)
    if kind == "turn":
        return LogPlace(root=path.parent, attempt=_newest(path, "attempt") or path)
    known = _NAME.fullmatch(path.name) or any((path / name).exists() for name in ("status.json", "events.jsonl"))
    turn = _newest(path, "turn")
    if turn is None and not known:
        return None
    inner = turn or path
    return LogPlace(root=path, attempt=_newest(inner, "attempt") or inner)


def turns(root: Path) -> list[tuple[int, Path]]:
    """(number, newest attempt) of every turn of a run, in order; older layouts are one turn."""
    found = [(number, _newest(path, "attempt") or path) for number, path in _numbered(root, "turn")]
    return found or [(1, _newest(root, "attempt") or root)]


def _newest(directory: Path, kind: str) -> Path | None:
    found = _numbered(directory, kind)
    return found[-1][1] if found else None


def _numbered(directory: Path, kind: str) -> list[tuple[int, Path]]:
    found: list[tuple[int, Path]] = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                match = _NUMBERED.fullmatch(entry.name)
                if match and match[1] == kind and len(match[2]) < 10 and entry.is_dir():
                    found.append((int(match[2]), Path(entry.path)))
    except OSError:
        return []
    return sorted(found)


def read_json(path: Path) -> Any:
    """The value of a JSON file; None where it is missing or damaged."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        return json.loads(data) if len(data) <= LARGEST else None
    except (OSError, ValueError, RecursionError):
        return None


def pick(value: Any, *keys: str, kind: type, default: T) -> T:
    """`value[keys[0]][keys[1]]…` if it is there and of that kind, else `default`; bool is no number."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    right = isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool)
    return cast(T, value) if right else default


def quantity(value: Any, *keys: str) -> float | None:
    """A number that is no fantasy, or None."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e15:
        return None
    return float(value)


def read_status(place: LogPlace) -> dict[str, Any]:
    """`status.json`, or what the events say where it is missing or damaged; {} where nothing is known."""
    value = read_json(place.attempt / "status.json")
    if isinstance(value, dict) and isinstance(value.get("agents"), dict):
        return value
    state, _ = _folded(place)
    return status_snapshot(state, place.root, state.ended or state.started) if state.agents else {}


def read_metrics(place: LogPlace) -> dict[str, Any]:
    """`metrics_summary.json`, or what the events say (a run that was killed has none); {} where nothing is known."""
    value = read_json(place.attempt / "metrics_summary.json")
    if isinstance(value, dict) and isinstance(value.get("totals"), dict):
        return value
    state, metrics = _folded(place)
    return metrics_summary(state, metrics, subagent_totals(place.attempt)) if state.agents else {}


def _folded(place: LogPlace) -> tuple[RunState, Metrics]:
    state, metrics = RunState(), Metrics()
    for path in _events_of_turn(place):
        try:
            for event in read_events(path):
                state.apply(event)
                metrics.apply(event)
        except OSError:
            continue
    return state, metrics


def _events_of_turn(place: LogPlace) -> Iterator[Path]:
    """The events of the attempts up to the one looked at; the first file holds the start of the turn."""
    attempts = _numbered(place.attempt.parent, "attempt")
    for _, path in attempts:
        yield path / "events.jsonl"
        if path == place.attempt:
            return
    if not attempts:
        yield place.attempt / "events.jsonl"


def overview(root: Path) -> Overview:
    """A run as lists show it: one small file is read, more only where that is damaged."""
    place = locate(root) or LogPlace(root=root, attempt=root)
    status = read_status(place)
    agents = status.get("agents")
    return Overview(
        place=place,
        started=started_at(root, status),
        question=pick(status, "meta", "question", kind=str, default=""),
        winner=pick(status, "results", "winner", kind=str, default="") or None,
        agents=len(agents) if isinstance(agents, dict) else None,
        seconds=quantity(status, "meta", "elapsed_seconds"),
        cost=quantity(status, "costs", "total_estimated_cost"),
        complete=status.get("is_complete") is True,
        exit_code=pick(status, "exit_code", kind=int, default=None),
        pid=pick(status, "meta", "pid", kind=int, default=0),
        process_started=quantity(status, "meta", "process_start_time") or 0.0,
        analyzed=is_analyzed(place),
    )


def is_analyzed(place: LogPlace) -> bool:
    """LOG-073."""
    return any((directory / REPORT).is_file() for directory in (place.root, place.attempt))


def started_at(root: Path, status: dict[str, Any]) -> datetime | None:
    """When a run began: its name says it, else its status."""
    match = _NAME.fullmatch(root.name)
    try:
        if match:
            return datetime.strptime(match[1], "%Y%m%d_%H%M%S")
        stamp = quantity(status, "meta", "start_time")
        return datetime.fromtimestamp(stamp) if stamp else None
    except (ValueError, OverflowError, OSError):
        return None
