from __future__ import annotations

import random
from pathlib import Path

import pytest

from massgen.events.codec import read_events
from massgen.events.stream import EventStream
from massgen.events.types import Content, PhaseChange, SessionEnd

SECRET = "sk-planted-0123456789"


@pytest.mark.spec("LOG-058")
@pytest.mark.parametrize("seed", range(20))
def test_no_cut_of_a_stream_shows_half_a_secret(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    text = f"{'x' * 70_000}\nThe key is {SECRET}, and again: {SECRET} {'ü' * 300}{SECRET}"
    stream = EventStream(lambda turn, attempt: tmp_path, redact=lambda value: value.replace(SECRET, "[redacted]"))
    stream.place(1, 1)
    position = 0
    while position < len(text):
        step = dice.choice((1, 5, 13, 400, 70_000))
        stream.text("ann", 0, "text", text[position : position + step])
        position += step
        if dice.random() < 0.3:
            stream.emit(PhaseChange(phase="enforcement"))
    stream.emit(SessionEnd(exit_code=0, reason="complete"))
    stream.close()
    events = list(read_events(tmp_path / "events.jsonl"))
    joined = "".join(event.body.text for event in events if isinstance(event.body, Content))
    assert joined == text.replace(SECRET, "[redacted]")
    assert isinstance(events[-1].body, SessionEnd)
