"""Tool calls for models that have none: one fenced JSON object in the text (BE-021).

    ```json
    {"tool": "vote", "arguments": {"agent_id": "agent2", "reason": "..."}}
    ```

What does not parse as such a call of an offered tool is ordinary text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct

from massgen.backends.protocol import ToolSpec

FENCE = "```"
_OPENING = re.compile(r"^[ \t]*```[ \t]*(?:json|tool)?[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_CLOSING = re.compile(r"\s*```[ \t]*")
_FENCES_TRIED = 20
_DECODER = json.JSONDecoder(strict=False)

_INSTRUCTIONS = """To use a tool, end your message with one fenced JSON object and write nothing after it:
```json
{"tool": "NAME", "arguments": {...}}
```
Tools:"""


class TextCall(Struct, frozen=True, kw_only=True):
    """A call found in a text: `arguments` is JSON text, `before` what was written ahead of the block."""

    name: str
    arguments: str
    before: str


def describe_tools(tools: Sequence[ToolSpec]) -> str:
    """The part of a system text that offers `tools`; empty where there are none."""
    if not tools:
        return ""
    lines = [
        f"- {tool.name}: {tool.description} arguments: {json.dumps(tool.parameters, ensure_ascii=False)}"
        for tool in tools
    ]
    return "\n".join((_INSTRUCTIONS, *lines))


def format_call(name: str, arguments: str) -> str:
    """The block that a model would have written for this call."""
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        value = arguments
    return f"{FENCE}json\n{json.dumps({'tool': name, 'arguments': value}, ensure_ascii=False)}\n{FENCE}"


def find_call(text: str, names: Collection[str]) -> TextCall | None:
    """The last call of one of `names` in `text`: in a fence, or the text as a whole; None where there is none.

    Never raises, whatever the text.
    """
    openings = list(_OPENING.finditer(text))[-_FENCES_TRIED:]
    for opening in reversed(openings):
        found = _call_at(text, opening.end(), names)
        if found is not None:
            name, arguments, end = found
            after = _CLOSING.match(text, end)
            if after or not text[end:].strip():
                before = text[: opening.start()].rstrip()
                return TextCall(name=name, arguments=arguments, before=before)
    found = _call_at(text, 0, names)
    if found is not None and not text[found[2] :].strip():
        return TextCall(name=found[0], arguments=found[1], before="")
    return None


def _call_at(text: str, start: int, names: Collection[str]) -> tuple[str, str, int] | None:
    """Name, arguments and end of the call whose object is the next thing after `start`."""
    place = start
    while place < len(text) and text[place].isspace():
        place += 1
    if place >= len(text) or text[place] != "{":
        return None
    try:
        value, end = _DECODER.raw_decode(text, place)
    except (ValueError, RecursionError):
        return None
    return _checked(value, end, names)


def _checked(value: Any, end: int, names: Collection[str]) -> tuple[str, str, int] | None:
    name = value.get("tool")
    arguments = value.get("arguments", {})
    if not isinstance(name, str) or name not in names or not isinstance(arguments, Mapping):
        return None
    return name, json.dumps(arguments, ensure_ascii=False), end
