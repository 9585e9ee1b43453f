"""Which pictures, sounds and documents of a tool's result a model is sent (TOOL-004, TOOL-005)."""

from __future__ import annotations

from massgen.config.backend_types import canonical_type
from massgen.config.capabilities import CAPABILITIES

PICTURES = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp"))
HEARING = frozenset(("gemini",))
DOCUMENTS = frozenset(("openai", "claude", "gemini"))


def takes_media(backend_type: str, media_type: str) -> bool:
    """False means that the result names a file in the workspace instead."""
    name = canonical_type(backend_type) or backend_type
    if media_type.startswith("image/"):
        return media_type in PICTURES and CAPABILITIES[name].image_input
    if media_type.startswith("audio/"):
        return name in HEARING
    return media_type == "application/pdf" and name in DOCUMENTS
