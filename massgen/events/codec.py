"""Events to lines and back. Reading accepts torn last lines, unknown kinds and unknown fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from massgen.events.types import BODIES, Body, Event, Unknown, body_data

_ENCODER = msgspec.json.Encoder()
"""Ten times as fast as the standard library."""


def encode(event: Event) -> bytes:
    """One line, newline included. Lone surrogates from models are replaced, never fatal."""
    body = event.body
    record = {
        "seq": event.seq,
        "timestamp": round(event.timestamp, 4),
        "event_type": body.event_type if isinstance(body, Unknown) else body.kind,
        "agent_id": event.agent_id,
        "turn": event.turn,
        "attempt": event.attempt,
        "round": event.round,
        "data": body_data(body),
    }
    try:
        return _ENCODER.encode(record) + b"\n"
    except (TypeError, ValueError):  # a lone surrogate, or keys that only the standard library writes
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace") + b"\n"


def decode(line: bytes | str) -> Event:
    """One line back; raises ValueError for a line that is no event at all."""
    try:
        record = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(record, dict) or not isinstance(record.get("seq"), int):
        raise ValueError("not an event")
    data = record.get("data")
    agent_id = record.get("agent_id")
    return Event(
        seq=record["seq"],
        timestamp=_number(record.get("timestamp")),
        turn=int(_number(record.get("turn", 1))),
        attempt=int(_number(record.get("attempt", 1))),
        agent_id=agent_id if isinstance(agent_id, str) else None,
        round=int(_number(record.get("round"))),
        body=_decode_body(str(record.get("event_type")), data if isinstance(data, dict) else {}),
    )


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not -1e15 < value < 1e15:
        return 0.0
    return float(value)


def _decode_body(kind: str, data: dict[str, Any]) -> Body:
    if kind not in BODIES:
        return Unknown(event_type=kind, data=data)
    values: Mapping[str, Any] = data
    if kind == "content":
        values = {**data, "content_kind": data.get("kind")}
        values.pop("kind", None)
    try:
        return msgspec.convert(values, BODIES[kind])
    except msgspec.ValidationError:
        return Unknown(event_type=kind, data=data)


def read_events(path: Path) -> Iterator[Event]:
    """The events of one `events.jsonl` in order; lines that cannot be read (a torn last one) are left out."""
    with path.open("rb") as file:
        for line in file:
            try:
                yield decode(line)
            except ValueError:
                continue


def run_logs(log_dir: Path) -> list[Path]:
    """All `events.jsonl` of a run in the order of turns and attempts."""

    def order(path: Path) -> tuple[int, int]:
        turn, attempt = path.parent.parent.name, path.parent.name
        return int(turn.removeprefix("turn_")), int(attempt.removeprefix("attempt_"))

    found = log_dir.glob("turn_*/attempt_*/events.jsonl")
    return sorted((path for path in found if _numbered(path)), key=order)


def _numbered(path: Path) -> bool:
    turn, attempt = path.parent.parent.name, path.parent.name
    return turn.removeprefix("turn_").isdecimal() and attempt.removeprefix("attempt_").isdecimal()


def read_run(log_dir: Path) -> Iterator[Event]:
    """All events of a run directory, turn by turn and attempt by attempt."""
    for path in run_logs(log_dir):
        yield from read_events(path)
