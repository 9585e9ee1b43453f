"""Documented import path: log how full a context is (MEM-071). Each function returns the line that it logs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from massgen.agents.buffer import AgentConversationBuffer
from massgen.agents.context import ESTIMATE, buffer_line, share, window_line

__all__ = ["log_context_usage", "log_context_usage_from_buffer", "log_context_usage_from_tokens"]

log = logging.getLogger(__name__)


def log_context_usage_from_buffer(
    buffer: AgentConversationBuffer, turn_number: int, *, context_window: int | None = None
) -> str:
    """By the estimate of a conversation buffer, content that still streams included."""
    return _logged(buffer_line(buffer, turn_number, context_window))


def log_context_usage_from_tokens(tokens: int, turn_number: int, *, context_window: int | None = None) -> str:
    """By the provider's own count."""
    return _logged(window_line(tokens, turn_number, context_window))


def log_context_usage(
    messages: Sequence[Mapping[str, Any]], turn_number: int, *, context_window: int | None = None
) -> str:
    """By messages with `role` and `content`: the older way."""
    tokens = sum(ESTIMATE.estimate_tokens(_text(message.get("content"))) for message in messages)
    return _logged(f"📊 Context Window (Turn {turn_number}): {share(tokens, context_window)} [estimate]")


def _text(content: object) -> str:
    """Plain content, or the texts of its parts."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


def _logged(line: str) -> str:
    log.info(line)
    return line
