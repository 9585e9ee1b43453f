"""Text of tools made fit to be sent and shown: no terminal sequences, no control characters, bounded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_TERMINAL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)"  # OSC, DCS, SOS, PM, APC strings
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_SUSPECT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def clean(text: str) -> str:
    """Without escape sequences and control characters (tab, line ends and form feed stay); lone surrogates,
    which no encoder takes, become U+FFFD."""
    if _SUSPECT.search(text) is None:
        return text
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", _TERMINAL.sub("", text)))


def shorten(text: str, limit: int) -> str:
    """`text` with at most about `limit` characters, its middle left out with a notice."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    left_out = len(text) - head - tail
    return f"{text[:head]}\n[... {left_out} of {len(text)} characters left out ...]\n{text[-tail:]}"


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """`value` (JSON) with `change` applied to each string in it, keys included."""
    match value:
        case str():
            return change(value)
        case Mapping():
            return {change(str(key)): each_text(item, change) for key, item in value.items()}
        case list() | tuple():
            return [each_text(item, change) for item in value]
        case _:
            return value
