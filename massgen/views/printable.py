"""Text of agents, tools and files made safe for a terminal: no control sequences, no tricks with direction."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """`text` without control sequences, control and direction characters; line breaks and tabs stay."""
    return _CONTROL.sub("", _SEQUENCE.sub("", text) if "\x1b" in text else text)


def one_line(text: str) -> str:
    """`text` on one line, printable."""
    return " ".join(printable(text).split())
