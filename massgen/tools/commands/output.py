"""Output of commands as the model gets it: decoded, without terminal sequences, cut in the middle (EXEC-009)."""

from __future__ import annotations

import re
from pathlib import Path

from massgen.tools.cleaning import clean, shorten
from massgen.tools.commands.settings import OUTPUT_CHARACTERS, CommandSettings


def readable(data: bytes | str) -> str:
    """Text of `data`: undecodable bytes replaced, line ends unified, overwritten lines and escapes removed."""
    text = data.decode(errors="replace") if isinstance(data, bytes) else data
    text = text.replace("\r\n", "\n")
    if "\r" in text:
        text = re.sub(r"[^\n]*\r(?=[^\n\r])", "", text).replace("\r", "")
    return clean(text)


def fitted(stdout: str, stderr: str, limit: int = OUTPUT_CHARACTERS) -> tuple[str, str]:
    """Both streams within the limit together; neither takes more than the other leaves, but for a quarter."""
    side = limit // 4
    errors = shorten(stderr, limit - min(len(stdout), limit - side))
    output = shorten(stdout, limit - min(len(stderr), side))
    return output, errors


def keep_whole(settings: CommandSettings, name: str, command: str, stdout: str, stderr: str) -> Path | None:
    """Write the uncut output for people, where the run keeps logs; blocks, call it in a thread."""
    if settings.log_directory is None:
        return None
    settings.log_directory.mkdir(parents=True, exist_ok=True)
    safe = re.sub(r"[^\w.-]", "_", name)[:80] or "command"
    path = settings.log_directory / f"{safe}.log"
    text = settings.redact(f"$ {command}\n{stdout}\n--- stderr ---\n{stderr}\n")
    path.write_text(text, encoding="utf-8", errors="replace")
    return path
