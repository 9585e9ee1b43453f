"""The one stream of a run: numbers events, writes them, then shows them to whoever subscribed.

An event is on disk before anyone acts on it. Streamed text is joined: at most about ten pieces a second per
agent, and always before the next other event of that agent, so that order is kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from massgen.events.codec import encode
from massgen.events.masking import masked
from massgen.events.types import Body, Content, Event, FinalChunk, SessionEnd

JOIN_SECONDS = 0.09
JOIN_CHARACTERS = 65536
LONGEST_WORD = 256
MEDIA = "media"
_OPEN_WORD = re.compile(r"[!-~]+\Z")
Subscriber = Callable[[Event], None]


@dataclass(slots=True)
class _Pending:
    """Text of one agent that waits to be joined."""

    kind: str
    round: int
    parts: list[str] = field(default_factory=list)
    size: int = 0


class EventStream:
    """Append with `emit` and `text`; listen with `subscribe`.

    `directory(turn, attempt)` names where `events.jsonl` lies, or None for a run without a log on disk.
    A disk that fails ends the writing, not the run: one warning goes to stderr, events go on in memory.
    """

    def __init__(
        self,
        directory: Callable[[int, int], Path] | None = None,
        *,
        first_seq: int = 1,
        redact: Callable[[str], str] | None = None,
    ) -> None:
        self._directory = directory
        self._redact = redact
        self._seq = first_seq
        self._subscribers: list[Subscriber] = []
        self._pending: dict[str, _Pending] = {}
        self._flush_timer: asyncio.TimerHandle | None = None
        self._last_flush = 0.0
        self._fd: int | None = None
        self.turn = 1
        self.attempt = 1

    @property
    def next_seq(self) -> int:
        return self._seq

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` with every later event, in order; returns the way to stop."""
        self._subscribers.append(subscriber)

        def stop() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return stop

    def place(self, turn: int, attempt: int) -> None:
        """Go on in the file of this turn and attempt."""
        self.flush()
        self.turn, self.attempt = turn, attempt
        self._close_file()
        if self._directory is None:
            return
        path = self._directory(turn, attempt) / "events.jsonl"
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            self._mend_torn_line(self._fd)
        except OSError as error:
            self._give_up(error)

    def emit(
        self, body: Body, *, agent_id: str | None = None, round: int = 0, durable: bool = False
    ) -> Event:
        """Append one event; with `durable` it is on the platter when this returns."""
        if agent_id is not None or isinstance(body, SessionEnd):
            self.flush(agent_id)
        else:
            self._flush_words()
        return self._append(body, agent_id, round, durable)

    def text(self, agent_id: str, round: int, kind: str, text: str) -> None:
        """Add streamed text; `kind` is text, reasoning or final."""
        pending = self._pending.get(agent_id)
        if pending is not None and (pending.kind != kind or pending.round != round):
            self.flush(agent_id)
            pending = None
        if pending is None:
            pending = self._pending[agent_id] = _Pending(kind, round)
        self._arm_timer()
        pending.parts.append(text)
        pending.size += len(text)
        if pending.size > JOIN_CHARACTERS:
            self._flush_words()

    def flush(self, agent_id: str | None = None) -> None:
        """Write the joined text of one agent, or of all."""
        for name in [agent_id] if agent_id is not None else list(self._pending):
            pending = self._pending.pop(name, None)
            if pending is None:
                continue
            text = "".join(pending.parts)
            if pending.kind == "final":
                self._append(FinalChunk(text=text), name, pending.round, False)
            else:
                kind = "reasoning" if pending.kind == "reasoning" else "text"
                self._append(Content(content_kind=kind, text=text), name, pending.round, False)

    def keep(self, content: bytes) -> str:
        """Keep bytes beside the log, for an event that names them; their file, empty where there is no log."""
        if self._directory is None:
            return ""
        name = f"{MEDIA}/{hashlib.sha256(content).hexdigest()}"
        path = self._directory(self.turn, self.attempt) / name
        try:
            path.parent.mkdir(exist_ok=True)
            if not path.exists():
                path.write_bytes(content)
        except OSError as error:
            print(f"Warning: media are not kept ({error.strerror}).", file=sys.stderr)
            return ""
        return name

    def close(self) -> None:
        """Write what waits and close the file."""
        self.flush()
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        self._close_file()

    def _append(self, body: Body, agent_id: str | None, round: int, durable: bool) -> Event:
        event = Event(
            seq=self._seq,
            timestamp=time.time(),
            turn=self.turn,
            attempt=self.attempt,
            agent_id=agent_id,
            round=round,
            body=masked(body, self._redact) if self._redact is not None else body,
        )
        self._seq += 1
        if self._fd is not None:
            self._write(self._fd, encode(event), durable)
        for subscriber in tuple(self._subscribers):
            subscriber(event)
        return event

    def _write(self, fd: int, line: bytes, durable: bool) -> None:
        try:
            written = os.write(fd, line)
            while written < len(line):
                written += os.write(fd, line[written:])
            if durable:
                _sync(fd)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._close_file()
        self._directory = None
        print(f"Warning: events are no longer written to disk ({error.strerror}).", file=sys.stderr)

    def _arm_timer(self) -> None:
        if self._flush_timer is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._flush_timer = loop.call_later(JOIN_SECONDS, self._on_timer)

    def _on_timer(self) -> None:
        self._flush_timer = None
        self._flush_words()

    def _flush_words(self) -> None:
        """Write the joined text; where secrets are masked, a word that may go on waits: half of one is not known."""
        for name, pending in list(self._pending.items()):
            text = "".join(pending.parts)
            open_word = _OPEN_WORD.search(text[-LONGEST_WORD:]) if self._redact is not None else None
            rest = open_word[0] if open_word is not None else ""
            if len(rest) == len(text):
                pending.parts[:] = [text]
                continue
            pending.parts[:] = [text[: len(text) - len(rest)]]
            self.flush(name)
            if rest:
                self._pending[name] = _Pending(pending.kind, pending.round, [rest], len(rest))

    @staticmethod
    def _mend_torn_line(fd: int) -> None:
        """A line that a killed process left unfinished is closed, so that the next one stands alone."""
        size = os.fstat(fd).st_size
        if size and os.pread(fd, 1, size - 1) != b"\n":
            os.write(fd, b"\n")

    def _close_file(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _sync(fd: int) -> None:
    getattr(os, "fdatasync", os.fsync)(fd)
