"""What a user's tool gives back (TOOL-001 to TOOL-006). The documented import path of these classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class TextContent:
    """Plain text."""

    data: str


@dataclass(slots=True)
class ImageContent:
    """An image, base64."""

    data: str


@dataclass(slots=True)
class AudioContent:
    """A sound, base64."""

    data: str


Block = TextContent | ImageContent | AudioContent


@dataclass(slots=True)
class ExecutionResult:
    """One result, or one piece of a streamed one.

    `meta_info` is for logs and callers and never reaches a model. `is_log` results are shown live and are no
    part of the tool's result (IOP-005). `is_streaming` without `is_final` is live progress (TOOL-010).
    """

    output_blocks: list[Block]
    meta_info: dict[str, Any] | None = field(default=None)
    is_streaming: bool = False
    is_final: bool = True
    is_log: bool = False
    was_interrupted: bool = False

    @property
    def text(self) -> str:
        """All text blocks, in order."""
        return "\n".join(block.data for block in self.output_blocks if isinstance(block, TextContent))
