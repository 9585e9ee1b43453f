"""Which display is meant: a flag, the configuration, or what the terminal can do (TUI-001 to TUI-005)."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

DisplayKind = Literal["textual", "rich_terminal", "simple"]
_WRITTEN = re.compile(r"""^\s+["']?display_type["']?\s*:\s*["']?(textual|rich_terminal|simple)\b""", re.M)
GLANCE = 200_000


def chosen_display(flags: Mapping[str, Any], launch: Path) -> DisplayKind:
    """The display of this run. Without a real terminal it is always the simple one, without an error (TUI-005)."""
    if flags["no_display"] or flags["automation"] or not is_terminal():
        return "simple"
    wanted = flags["display"] or _configured(flags, launch) or "textual"
    if wanted == "textual" and (flags["no_logs"] or find_spec("textual") is None):
        return "simple"
    return wanted


def is_terminal() -> bool:
    """Whether a person sits at all ends (screens are drawn through standard error) and the cursor can be moved."""
    able = os.environ.get("TERM", "") not in ("", "dumb", "unknown")
    return able and all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def _configured(flags: Mapping[str, Any], launch: Path) -> DisplayKind | None:
    """What the file says. It is only glanced at: the first frame does not wait until the file is checked."""
    if flags["model"] or flags["backend"]:
        return None
    from massgen.config.discovery import find_config
    from massgen.errors import ConfigError

    try:
        with find_config(flags["config"], launch).open(encoding="utf-8", errors="replace") as file:
            found = _WRITTEN.search(file.read(GLANCE))
    except (ConfigError, OSError):
        return None
    match found[1] if found else "":
        case "textual":
            return "textual"
        case "rich_terminal":
            return "rich_terminal"
        case "simple":
            return "simple"
        case _:
            return None
