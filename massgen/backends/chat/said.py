"""A response of ours as it has to be sent back: its texts, its reasoning by the field it came in, its calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

TAGS = "content"
"""The field of reasoning that came as `<think>` ... `</think>` within the text."""


class Piece(Struct, frozen=True, kw_only=True):
    """Consecutive text; `reasoning` names the field that it came in, None for the answer itself."""

    text: str
    reasoning: str | None = None


class Said(Struct, frozen=True, kw_only=True):
    """Opaque to everybody else. `extras` holds what a server sent along with a call and wants back, by call id."""

    pieces: tuple[Piece, ...]
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces if piece.reasoning is None)

    @property
    def reasoning(self) -> str:
        return "".join(piece.text for piece in self.pieces if piece.reasoning is not None)


def said_record(said: Said, streamed: Mapping[str, str]) -> dict[str, Any]:
    """`said` as JSON. A piece that is all of what was `streamed` of its kind (text or reasoning) is not repeated."""
    pieces = [
        [piece.reasoning, None if piece.text == streamed[_channel(piece.reasoning)] else piece.text]
        for piece in said.pieces
    ]
    return {"pieces": pieces, "extras": dict(said.extras)} if said.extras else {"pieces": pieces}


def said_from(record: Mapping[str, Any], streamed: Mapping[str, str]) -> Said:
    """The response that was recorded. Raises `ValueError`, `TypeError` or `KeyError` for a record that is none."""
    pieces = tuple(
        Piece(text=streamed[_channel(name)] if text is None else str(text), reasoning=name)
        for name, text in record["pieces"]
    )
    return Said(pieces=pieces, extras=dict(record.get("extras", {})))


def _channel(reasoning: str | None) -> str:
    return "text" if reasoning is None else "reasoning"
