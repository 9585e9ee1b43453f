"""What other people's servers say is cut to a size and freed of characters that are not text.

Nothing here decides what a text means; it only keeps it small, printable and finite.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from massgen.tools.cleaning import clean, shorten

MAX_TOOLS = 200
MAX_PAGES = 20
MAX_NAME = 64
MAX_DESCRIPTION = 4_000
MAX_SCHEMA_BYTES = 32_000
MAX_SCHEMA_DEPTH = 16
MAX_LISTING = 1_000_000
MAX_RESULT_TEXT = 100_000
MAX_LOGGED_TEXT = 400_000
MAX_MEDIA_BYTES = 20_000_000
MAX_RESULT_BLOCKS = 200
MAX_MESSAGE_BYTES = 32_000_000
MAX_LINE = 500

# Characters that hide or reorder text; the tag block (U+E0000) can carry whole sentences that nobody sees.
_HIDDEN = re.compile(
    "[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_UNNAMED = re.compile(r"[^A-Za-z0-9_-]")


def result_text(text: str, limit: int = MAX_RESULT_TEXT) -> str:
    """Text of a result: terminal sequences and controls removed, the middle left out above `limit` characters."""
    return clean(shorten(text, limit))


def prompt_text(text: str, limit: int = MAX_DESCRIPTION) -> str:
    """Text that goes into every prompt: as `result_text`, also without invisible and reordering characters."""
    cleaned = _HIDDEN.sub("", clean(text[: 2 * limit]))
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 3] + "..."


def one_line(text: str, limit: int = MAX_LINE) -> str:
    """One printable line, for people."""
    return prompt_text(" ".join(text[: 4 * limit].split()), limit)


def name_part(text: str, limit: int = MAX_NAME) -> str:
    """`text` with only characters that every provider accepts in a tool name."""
    return _UNNAMED.sub("_", text)[:limit]


def schema(raw: object) -> tuple[dict[str, Any], str]:
    """A server's input schema as one that can be sent, and what had to be changed ("" if nothing).

    The result is a JSON Schema of type object. A schema that is no object schema, too deep or too large is
    replaced by one that accepts any object.
    """
    if not isinstance(raw, Mapping):
        return _any_object(), "has no usable input schema"
    if _depth(raw) > MAX_SCHEMA_DEPTH:
        return _any_object(), "has an input schema that is nested too deeply"
    if len(json.dumps(raw, default=str)) > MAX_SCHEMA_BYTES:
        return _any_object(), f"has an input schema of more than {MAX_SCHEMA_BYTES} bytes"
    cleaned = _clean(raw)
    if not isinstance(cleaned, dict) or cleaned.get("type", "object") != "object":
        return _any_object(), "has an input schema that is not of type object"
    cleaned.pop("$schema", None)
    cleaned["type"] = "object"
    if not isinstance(cleaned.get("properties"), dict):
        cleaned["properties"] = {}
    return cleaned, ""


def masked(text: str, secrets: Iterable[str]) -> str:
    """`text` without the values of `secrets` (MCP-065)."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "***")
    return text


def _any_object() -> dict[str, Any]:
    return {"type": "object", "properties": {}, "additionalProperties": True}


def _depth(value: object, level: int = 1) -> int:
    if level > MAX_SCHEMA_DEPTH:
        return level
    if isinstance(value, Mapping):
        return max((_depth(item, level + 1) for item in value.values()), default=level)
    if isinstance(value, list):
        return max((_depth(item, level + 1) for item in value), default=level)
    return level


def _clean(value: object) -> object:
    if isinstance(value, str):
        return prompt_text(value)
    if isinstance(value, Mapping):
        return {prompt_text(str(key), 200): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value
