"""Four small handlers for the `hooks` block of a configuration, to use or to copy (HOOK-011)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from massgen.tools.hooks.protocol import HookEvent, HookResult

__all__ = ["audit_all_tools", "log_outputs", "security_check", "validate_writes"]

log = logging.getLogger(__name__)

_PATH_KEYS = ("path", "file_path", "notebook_path", "destination", "destination_path", "source", "base_path")
_DANGEROUS = re.compile(
    r"\brm\s+-\w*[rf]\w*\s+(/|~)|\bmkfs\b|\bdd\b.*\bof=/dev/|:\(\)\s*\{|\bchmod\s+-R\s+777\s+/|>\s*/dev/sd|"
    r"\b(curl|wget)\b[^|;]*\|\s*(sudo\s+)?(ba|z|da)?sh\b"
)


def audit_all_tools(event: HookEvent) -> HookResult:
    """Log each call with the names of its arguments; their values may be secret."""
    log.info("[audit] %s calls %s(%s)", event.agent_id, event.tool_name, ", ".join(event.tool_input))
    return HookResult.allow()


def validate_writes(event: HookEvent) -> HookResult:
    """Deny calls that name a path with `..`, or a key file such as `.env`."""
    for path in _paths(event):
        parts = PurePath(path).parts
        if ".." in parts:
            return HookResult.deny(f"'{path}' contains '..'; name the file directly")
        if parts and (parts[-1] == ".env" or parts[-1].startswith(".env.")):
            return HookResult.deny(f"'{path}' may hold keys and is not written by agents")
    return HookResult.allow()


def log_outputs(event: HookEvent) -> HookResult:
    """Log how each call ended and how long its output is."""
    state = "failed" if event.is_error else "done"
    log.info("[output] %s %s: %d characters", event.tool_name, state, len(event.tool_output or ""))
    return HookResult.allow()


def security_check(event: HookEvent) -> HookResult:
    """Deny commands that destroy a system or run code straight from the network. No security boundary."""
    for text in _texts(event.tool_input.get("command")):
        if _DANGEROUS.search(text):
            return HookResult.deny("the command looks destructive")
    return validate_writes(event)


def _paths(event: HookEvent) -> Iterator[str]:
    for key in _PATH_KEYS:
        value = event.tool_input.get(key)
        if isinstance(value, str):
            yield value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield " ".join(str(part) for part in value)
