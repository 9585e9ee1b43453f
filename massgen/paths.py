"""Every place on disk, in one file. Nothing here creates anything."""

from __future__ import annotations

import os
import re
from pathlib import Path

STATE_DIR = ".massgen"
LOGS_DIR = "massgen_logs"
SESSIONS_DIR = "sessions"
WORKSPACES_DIR = "workspaces"
SNAPSHOTS_DIR = "snapshots"
TEMP_WORKSPACES_DIR = "temp_workspaces"
SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,120}")  # the name of a session's directory
SESSION_ID_FORM = "Use letters, digits, '_', '-' and '.', as in session_20250101_120000."


def launch_directory() -> Path:
    """Where the program was started, absolute."""
    return Path.cwd()


def state_directory(base: Path | None = None) -> Path:
    """`.massgen` below `base` (default: the launch directory)."""
    return (base or launch_directory()) / STATE_DIR


def logs_directory(base: Path | None = None) -> Path:
    """`.massgen/massgen_logs` (LOG-001)."""
    return state_directory(base) / LOGS_DIR


def sessions_directory(base: Path | None = None) -> Path:
    """`.massgen/sessions` (SESS-080)."""
    return state_directory(base) / SESSIONS_DIR


def project_of(path: Path) -> Path | None:
    """The directory whose `.massgen` holds `path`, None where no such is above it."""
    return next((parent.parent for parent in path.parents if parent.name == STATE_DIR), None)


def user_config_directory() -> Path | None:
    """`~/.config/massgen`, or None where there is no home directory (HOME unset)."""
    home = os.environ.get("HOME") or os.environ.get("USERPROFILE")
    return Path(home) / ".config" / "massgen" if home else None
