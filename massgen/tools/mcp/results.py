"""A server's result as an outcome for the model (MCP-007): text in order, media beside it, all bounded."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING

from massgen.backends.protocol import Media
from massgen.tools.cleaning import shorten
from massgen.tools.mcp.bounds import (
    MAX_LOGGED_TEXT,
    MAX_MEDIA_BYTES,
    MAX_RESULT_BLOCKS,
    MAX_RESULT_TEXT,
    one_line,
    result_text,
)
from massgen.tools.protocol import ToolOutcome

if TYPE_CHECKING:
    from mcp_types import CallToolResult, ContentBlock


def outcome(result: CallToolResult) -> ToolOutcome:
    """Text blocks joined in order; images, audio and embedded bytes as media; structured content as JSON where
    the text does not say the same already."""
    texts: list[str] = []
    media: list[Media] = []
    budget = MAX_MEDIA_BYTES
    blocks = result.content
    for block in blocks[:MAX_RESULT_BLOCKS]:
        text, item = _part(block, budget)
        if text:
            texts.append(text)
        if item is not None:
            media.append(item)
            budget -= len(item.data)
    if len(blocks) > MAX_RESULT_BLOCKS:
        texts.append(f"[{len(blocks) - MAX_RESULT_BLOCKS} more content blocks left out]")
    if result.structured_content is not None and not _says(texts, result.structured_content):
        texts.append(result_text(json.dumps(result.structured_content, ensure_ascii=False), MAX_LOGGED_TEXT))
    whole = "\n".join(texts)
    text = shorten(whole, MAX_RESULT_TEXT)
    return ToolOutcome(
        text=text or "(no output)",
        is_error=bool(result.is_error),
        media=tuple(media),
        whole=whole if whole != text else "",
    )


def _part(block: ContentBlock, budget: int) -> tuple[str, Media | None]:
    match block.type:
        case "text":
            return result_text(block.text, MAX_LOGGED_TEXT), None
        case "image" | "audio":
            return _media(block.data, block.mime_type, "", budget)
        case "resource_link":
            return f"[resource {one_line(block.name)}: {one_line(block.uri)}]", None
        case "resource":
            resource = block.resource
            text = getattr(resource, "text", None)
            if text is not None:
                return f"[resource {one_line(resource.uri)}]\n{result_text(text, MAX_LOGGED_TEXT)}", None
            kind = resource.mime_type or "application/octet-stream"
            return _media(getattr(resource, "blob", ""), kind, one_line(resource.uri), budget)
        case _:
            return f"[content of type {one_line(str(block.type), 40)} left out]", None


def _media(encoded: str, media_type: str, name: str, budget: int) -> tuple[str, Media | None]:
    kind = one_line(media_type, 100)
    if len(encoded) * 3 // 4 > budget:
        return f"[{kind} left out: larger than {MAX_MEDIA_BYTES // 1_000_000} MB]", None
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return f"[{kind} left out: not valid base64]", None
    return "", Media(data=data, media_type=kind, name=name)


def _says(texts: list[str], structured: object) -> bool:
    """Whether the text is the structured content already, as servers are asked to send for older clients: its
    JSON, or the one value that it holds."""
    held = next(iter(structured.values())) if isinstance(structured, dict) and len(structured) == 1 else structured
    if held == texts or held == "\n".join(texts):
        return True
    for text in texts:
        try:
            said = json.loads(text)
        except ValueError:
            continue
        if said in (structured, held):
            return True
    return False
