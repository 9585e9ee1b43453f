"""Text of agents, tools and files made safe for a terminal: no control sequences, no tricks with direction."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """`text` without control and direction characters; line breaks and tabs stay."""
    return _CONTROL.sub("", text)


def one_line(text: str) -> str:
    """`text` on one line, printable."""
    return " ".join(printable(text).split())
