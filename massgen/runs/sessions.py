"""A conversation on disk: `.massgen/sessions/session_…/turn_N/` (SESS-080, COORD-123 to COORD-128)."""

from __future__ import annotations

import json
import os
import re
import shlex
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from massgen.backends.protocol import AssistantMessage, Message, UserMessage
from massgen.errors import ConfigError, StorageError
from massgen.paths import SESSION_ID, SESSION_ID_FORM, project_of
from massgen.runs import registry
from massgen.views.files import guarded, safe_name, write_atomic, write_json

PREFIX = "session"
_GENERATED = re.compile(r"(api_)?session_\d{8}_\d{6}")
TRIES = 1000


class PartialAnswer(Struct, frozen=True, kw_only=True):
    """What one agent had when a turn was cut off; `number` is that of `agentN`."""

    agent_id: str
    number: int
    answer: str | None
    label: str | None
    voted_for: str | None
    workspace: Path | None
    timestamp: str = ""


class StoredTurn(Struct, frozen=True, kw_only=True):
    """A turn read back from disk."""

    number: int
    task: str
    answer: str
    winner: str | None
    complete: bool
    phase: str
    timestamp: str
    log_dir: str
    directory: Path
    partial: tuple[PartialAnswer, ...] = ()

    @property
    def workspace(self) -> Path | None:
        """The winner's files, None where the turn had none."""
        path = self.directory / "workspace"
        return path if path.is_dir() else None


class Session(Struct, frozen=True, kw_only=True):
    """One session directory. Nothing is created before the first turn is saved, except by `create`."""

    session_id: str
    root: Path

    @classmethod
    def create(cls, storage: Path, *, prefix: str = PREFIX) -> Session:
        """A new session with a free time stamp as its name, the present one if that is free (SESS-081)."""
        now = time.time()

        def path(second: int) -> Path:
            return storage / f"{prefix}_{datetime.fromtimestamp(now + second):%Y%m%d_%H%M%S}"

        second = 0
        for _ in range(TRIES):
            second = _first_free(second, lambda candidate: os.path.lexists(path(candidate)))
            try:
                path(second).mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                text = f"The session directory {path(second)} cannot be made ({error.strerror})."
                raise StorageError(text) from error
            return cls(session_id=path(second).name, root=path(second))
        raise StorageError(f"No free session name below {storage}.")

    @classmethod
    def open(cls, storage: Path, session_id: str) -> Session:
        """The session of that id; a new one where it does not exist yet. Raises `ConfigError` for a bad id, and for
        the generated one of a session elsewhere, whose history would be missed."""
        if not SESSION_ID.fullmatch(session_id):
            raise ConfigError(f"{session_id!r} is no session id.", hint=SESSION_ID_FORM)
        root = storage / session_id
        if _GENERATED.fullmatch(session_id) and not root.exists():
            _refuse_elsewhere(session_id)
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"The session directory {root} cannot be made ({error.strerror}).") from error
        return cls(session_id=session_id, root=root)

    @classmethod
    def newest(cls, *storages: Path) -> Session | None:
        """The session whose last turn is the newest (SESS-086)."""
        found = [
            path
            for storage in storages
            for path in storage.glob("*")
            if path.is_dir() and any(path.glob("turn_*/metadata.json"))
        ]
        if not found:
            return None
        newest = max(found, key=lambda path: max(meta.stat().st_mtime for meta in path.glob("turn_*/metadata.json")))
        return cls(session_id=newest.name, root=newest)

    def turns(self) -> list[StoredTurn]:
        """All stored turns in order; damaged ones are left out."""
        numbers = []
        for path in self.root.glob("turn_*"):
            digits = path.name.removeprefix("turn_")
            if digits.isascii() and digits.isdigit():
                numbers.append(int(digits))
        found = (self._read(number) for number in sorted(numbers))
        return [turn for turn in found if turn is not None]

    def next_turn(self) -> int:
        """The number of the turn to come."""
        turns = self.turns()
        return turns[-1].number + 1 if turns else 1

    def directory(self, turn: int) -> Path:
        return self.root / f"turn_{turn}"

    def _read(self, number: int) -> StoredTurn | None:
        directory = self.directory(number)
        try:
            meta = json.loads((directory / "metadata.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(meta, dict):
            return None
        return StoredTurn(
            number=number,
            task=str(meta.get("task", "")),
            answer=_text(directory / "answer.txt"),
            winner=meta.get("winner") if isinstance(meta.get("winner"), str) else None,
            complete=meta.get("status") == "complete",
            phase=str(meta.get("phase", "")),
            timestamp=str(meta.get("timestamp", "")),
            log_dir=str(meta.get("log_dir", "")),
            directory=directory,
            partial=_partial(directory / "partial_answers.json", meta),
        )

    def history(self, *, since: int = 1) -> tuple[Message, ...]:
        """Earlier turns as agents are told them: the person's words and the final answers (SESS-041, COORD-128)."""
        messages: list[Message] = []
        for turn in self.turns():
            if turn.number >= since:
                messages.append(UserMessage(text=turn.task))
                messages.append(AssistantMessage(text=turn.answer if turn.complete else incomplete_text(turn)))
        return tuple(messages)

    def save(self, turn: StoredTurn, extra: dict[str, Any]) -> None:
        """Write a turn; `extra` goes into `metadata.json`. A disk that fails costs a warning."""
        guarded("the session", lambda: self._save(turn, extra))

    def _save(self, turn: StoredTurn, extra: dict[str, Any]) -> None:
        turn.directory.mkdir(parents=True, exist_ok=True)
        if turn.answer:
            write_atomic(turn.directory / "answer.txt", turn.answer)
        if not turn.complete and any(item.answer for item in turn.partial):
            write_json(turn.directory / "partial_answers.json", {p.agent_id: _partial_json(p) for p in turn.partial})
        meta = {
            "turn": turn.number,
            "task": turn.task,
            "winner": turn.winner,
            "timestamp": turn.timestamp,
            "log_dir": turn.log_dir,
            "status": "complete" if turn.complete else "incomplete",
            "phase": turn.phase,
            "agents": {item.agent_id: item.number for item in turn.partial},
            **extra,
        }
        write_json(turn.directory / "metadata.json", meta)
        write_atomic(self.root / "SESSION_SUMMARY.txt", self._summary())

    def _summary(self) -> str:
        lines = [f"Session: {self.session_id}", "=" * 60]
        for turn in self.turns():
            state = "" if turn.complete else " (incomplete)"
            lines += ["", f"Turn {turn.number}{state}  {turn.timestamp}", f"Task: {turn.task}"]
            lines += [f"Winner: {turn.winner or 'none'}", f"Logs: {turn.log_dir}"]
            if turn.answer:
                lines += ["Answer:", turn.answer]
        return "\n".join(lines) + "\n"


def incomplete_text(turn: StoredTurn) -> str:
    """The assistant message that stands for a turn that was cut off (COORD-128); names are anonymous."""
    names = {item.agent_id: f"agent{item.number}" for item in turn.partial}
    phase = "presenting" if turn.phase == "presentation" else "coordinating"
    lines = [
        "[INCOMPLETE TURN - Session was cancelled before completion]",
        f"[Phase when cancelled: {phase}]",
    ]
    for item in turn.partial:
        name = f"agent{item.number}"
        place = f"turn_{turn.number}/{name}"
        if item.answer is None:
            lines += [f"## {name}:", "[No answer submitted - agent was still working]"]
            lines += [f"[View workspace for current progress: {place}]"] if item.workspace else []
            continue
        voted = f" (voted for: {names.get(item.voted_for, item.voted_for)})" if item.voted_for else ""
        lines += [f"## {name}'s answer{voted}:", item.answer]
        lines += [f"[Workspace available at: {place}]"] if item.workspace else []
    return "\n".join(lines)


def _first_free(start: int, taken: Callable[[int], bool]) -> int:
    """A free number from `start` on whose predecessor is taken, in a logarithm of the steps: many sessions a
    second must not look at each other's names one by one."""
    if not taken(start):
        return start
    last, step = start, 1
    while taken(last + step):
        last += step
        step *= 2
    free = last + step
    while free - last > 1:
        middle = (last + free) // 2
        if taken(middle):
            last = middle
        else:
            free = middle
    return free


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _partial_json(item: PartialAnswer) -> dict[str, Any]:
    return {
        "answer": item.answer,
        "label": item.label,
        "voted_for": item.voted_for,
        "workspace": str(item.workspace) if item.workspace else None,
        "timestamp": item.timestamp,
    }


def _partial(path: Path, meta: dict[str, Any]) -> tuple[PartialAnswer, ...]:
    numbers = meta.get("agents") if isinstance(meta.get("agents"), dict) else {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        value = {}
    found = []
    for agent_id, number in numbers.items() if isinstance(numbers, dict) else ():
        item = value.get(agent_id) if isinstance(value, dict) else None
        item = item if isinstance(item, dict) else {}
        directory = path.parent / "workspaces" / safe_name(agent_id)
        found.append(
            PartialAnswer(
                agent_id=agent_id,
                number=number if isinstance(number, int) else 0,
                answer=_optional(item.get("answer")),
                label=_optional(item.get("label")),
                voted_for=_optional(item.get("voted_for")),
                workspace=directory if directory.is_dir() else None,
                timestamp=str(item.get("timestamp") or ""),
            )
        )
    return tuple(found)


def _optional(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _refuse_elsewhere(session_id: str) -> None:
    entry = registry.find(session_id)
    directory = Path(entry.directory) if entry is not None and entry.directory else None
    if directory is None or not directory.is_dir():
        return
    place = project_of(directory) or directory
    own = place == Path.cwd()
    hint = "Use the configuration it was started with." if own else f"Go there first: cd {shlex.quote(str(place))}"
    raise ConfigError(f"The session {session_id} was started elsewhere: {directory}", hint=hint)
