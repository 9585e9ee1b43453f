"""Which tools a hook is for (HOOK-005)."""

from __future__ import annotations

from fnmatch import fnmatchcase

from massgen.tools.hooks.protocol import HookEvent


def matches(pattern: str, name: str) -> bool:
    """Whether `name` fits `pattern`: globs, alternatives parted by `|`, case-sensitive; empty means all."""
    if pattern in ("", "*"):
        return True
    return any(fnmatchcase(name, part.strip()) for part in pattern.split("|") if part.strip())


def concerns(pattern: str, event: HookEvent) -> bool:
    """Whether a hook with `pattern` fires for the event's tool under any of its names (S-11)."""
    return matches(pattern, event.tool_name) or any(matches(pattern, alias) for alias in event.aliases)
