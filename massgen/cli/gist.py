"""GitHub Gists through the `gh` command: the only place that talks to it (LOG-090, LOG-097)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from massgen.errors import ConfigError, ExecutionError

VIEWER = "https://massgen.github.io/MassGen-Viewer/?gist="
DESCRIPTION = "MassGen session"
SECONDS = 120
_ID = re.compile(r"[0-9a-fA-F]{8,64}|[0-9A-Za-z]{8,64}")


class SharedSession(Struct, frozen=True, kw_only=True):
    """One gist that holds a session."""

    gist_id: str
    session: str
    updated: str


def check_gh() -> None:
    """Raises `ConfigError` where `gh` is missing or nobody is logged in."""
    if shutil.which("gh") is None:
        raise ConfigError("GitHub CLI (gh) not found. Install it from https://cli.github.com/")
    if _gh("auth", "status").returncode != 0:
        raise ConfigError("Not authenticated with GitHub. Run 'gh auth login' to enable sharing.")


def create(files: Sequence[Path], session: str) -> str:
    """Make a secret gist of the files; its id."""
    done = _gh("gist", "create", "--desc", f"{DESCRIPTION} {session}", *(str(path) for path in files))
    found = re.search(r"https?://\S*/([0-9A-Za-z]+)\s*$", done.stdout.strip())
    if done.returncode != 0 or found is None:
        raise ExecutionError(f"The upload failed: {_reason(done)}")
    return found[1]


def shared_sessions() -> list[SharedSession]:
    """The user's gists that this program made, newest first."""
    done = _gh("api", "--paginate", "/gists?per_page=100")
    if done.returncode != 0:
        raise ExecutionError(f"The list could not be read: {_reason(done)}")
    return [found for item in _items(done.stdout) if (found := _session(item)) is not None]


def _items(text: str) -> list[Any]:
    """`gh --paginate` writes one array after the other."""
    decoder, items, position = json.JSONDecoder(), [], 0
    text = text.strip()
    while position < len(text):
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise ExecutionError("GitHub's list of gists could not be understood.") from error
        items += value if isinstance(value, list) else [value]
        position = end + len(text[end:]) - len(text[end:].lstrip())
    return items


def _session(item: Any) -> SharedSession | None:
    text = str(item.get("description") or "") if isinstance(item, dict) else ""
    if not text.startswith(f"{DESCRIPTION} ") or not isinstance(item.get("id"), str):
        return None
    return SharedSession(
        gist_id=item["id"], session=text.removeprefix(f"{DESCRIPTION} "), updated=str(item.get("updated_at") or "")
    )


def gist_id(name: str) -> str:
    """The id in an id, a gist address or a viewer address. Raises `ConfigError`."""
    text = name.strip().rstrip("/")
    last = text.rpartition("gist=")[2] if "gist=" in text else text.rpartition("/")[2]
    last = last.partition("&")[0].partition("#")[0]
    if not _ID.fullmatch(last):
        raise ConfigError(f"{name} is no gist id or address.")
    return last


def delete(name: str) -> None:
    """Remove a gist. Raises `ExecutionError`."""
    done = _gh("gist", "delete", "--yes", name)
    if done.returncode != 0 and "unknown flag" in done.stderr:
        done = _gh("gist", "delete", name)
    if done.returncode != 0:
        raise ExecutionError(f"The gist {name} could not be deleted: {_reason(done)}")


def _gh(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["gh", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise ConfigError("GitHub CLI (gh) not found. Install it from https://cli.github.com/") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExecutionError(f"gh {arguments[0]} did not work: {error}") from error


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"gh ended with code {done.returncode}"
