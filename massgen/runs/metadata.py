"""`execution_metadata.yaml`: what was run, from where, with which arguments (LOG-058)."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from massgen import __version__
from massgen.views.files import guarded, write_atomic


def write_metadata(
    path: Path,
    *,
    question: str,
    config: Mapping[str, Any],
    config_path: Path | None,
    cli_args: Mapping[str, Any],
    launch: Path,
) -> None:
    """Write the file; `config` and `cli_args` come with their secrets already masked."""
    import yaml

    value: dict[str, Any] = {
        "query": question,
        "question": question,
        "timestamp": datetime.now().isoformat(timespec="seconds"),
        "config_path": str(config_path) if config_path else None,
        "config": dict(config),
        "cli_args": dict(cli_args),
        "python_version": platform.python_version(),
        "massgen_version": __version__,
        "working_directory": str(launch),
    }
    git = git_position(launch)
    if git is not None:
        value["git"] = git
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(value, Dumper=dumper, allow_unicode=True, sort_keys=False)
    guarded("execution_metadata.yaml", lambda: write_atomic(path, text))


def git_position(launch: Path) -> dict[str, str] | None:
    """Commit and branch of the repository around `launch`, read without running hooks; None outside of one."""
    if not any((parent / ".git").exists() for parent in (launch, *launch.parents)):
        return None
    command = ["git", "-c", "core.hooksPath=/dev/null", "rev-parse", "HEAD", "--abbrev-ref", "HEAD"]
    try:
        done = subprocess.run(
            command, cwd=launch, capture_output=True, text=True, timeout=5, check=False, env=_environment()
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.split()
    return {"commit": lines[0], "branch": lines[1]} if done.returncode == 0 and len(lines) == 2 else None


def _environment() -> dict[str, str]:
    keep = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**keep, "GIT_CONFIG_NOSYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0"}
