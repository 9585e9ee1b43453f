"""Pictures and sounds of a result for a model that cannot take them: files in the workspace (TOOL-004, TOOL-005)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from massgen.backends.protocol import Media
from massgen.tools.protocol import ToolOutcome
from massgen.workspace.beneath import replace_file
from massgen.workspace.grants import Grants, PathRefused
from massgen.workspace.policy import AgentPathPolicy

DIRECTORY = "tool_media"
Accepts = Callable[[str], bool]
_SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "audio/wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "application/pdf": ".pdf",
}


async def with_media_as_files(outcome: ToolOutcome, workspace: Path | None, accepts: Accepts | None) -> ToolOutcome:
    """`outcome` with only the media that `accepts` (by MIME type; None: all) lets through.

    The others are written below `workspace` and their path is told in the text; without a workspace the text
    says that they were left out.
    """
    if accepts is None or all(accepts(media.media_type) for media in outcome.media):
        return outcome
    kept: list[Media] = []
    notes: list[str] = []
    for media in outcome.media:
        if accepts(media.media_type):
            kept.append(media)
        elif workspace is None:
            notes.append(f"[{media.media_type} left out: this model cannot take it]")
        else:
            path = await asyncio.to_thread(_written, media, workspace)
            notes.append(f"[{media.media_type} {path}]")
    text = "\n".join((outcome.text, *notes)).strip()
    whole = "\n".join((outcome.whole, *notes)) if outcome.whole else ""
    return replace(outcome, text=text, whole=whole, media=tuple(kept))


def _written(media: Media, workspace: Path) -> str:
    """What to say of the file, its path relative to the workspace. Equal contents share one file.

    The agent can prepare links in its workspace, so none is followed.
    """
    suffix = _SUFFIXES.get(media.media_type, ".bin")
    name = hashlib.sha256(media.data).hexdigest()[:12] + suffix
    policy = AgentPathPolicy(workspace=workspace, grants=Grants(writable=(workspace,)), private=(workspace,))
    try:
        replace_file(policy, f"{DIRECTORY}/{name}", media.data)
    except (OSError, PathRefused) as error:
        return f"could not be saved: {error}"
    return f"saved as {DIRECTORY}/{name}"
