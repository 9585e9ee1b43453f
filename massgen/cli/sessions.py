"""`--list-sessions`, `--continue` and the configuration that a session recorded (SESS-083 to SESS-086)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from massgen import paths
from massgen.cli.console import Writer, one_line, tell
from massgen.errors import EXIT_OK, ConfigError
from massgen.process import is_running
from massgen.runs import registry
from massgen.runs.sessions import Session

RULE = "=" * 60


def run_list_sessions() -> int:
    """Print the registry, newest first."""
    out = Writer(sys.stdout)
    entries = registry.entries()
    if not entries:
        out.line("No sessions yet.")
        return EXIT_OK
    out.line("Available Memory Sessions:")
    out.line(RULE)
    for entry in entries:
        out.line()
        out.line(f"Session ID: {one_line(entry.session_id)}")
        out.line(f"  Status: {one_line(entry.status)}")
        out.line(f"  Started: {one_line(entry.started.replace('T', ' '))}")
        for name, value in (("Model", entry.model), ("Description", entry.description), ("Config", entry.config)):
            if value:
                out.line(f"  {name}: {one_line(value)}")
    return EXIT_OK


def newest_session(launch: Path) -> Session:
    """The session that `--continue` means. Raises `ConfigError` where there is none."""
    found = Session.newest(*_storages(launch))
    died = died_run(launch)
    if found is None:
        listed = "massgen --list-sessions shows all sessions."
        hint = f"The last run died; massgen resume {died} goes on with it." if died is not None else listed
        raise ConfigError("There is no session to continue in this directory.", hint=hint)
    if died is not None:
        tell(f"⚠️ The last run died before its end. To go on with it instead: massgen resume {died}")
    return found


def _storages(launch: Path) -> set[Path]:
    """Where the sessions of the project in `launch` lie: other places than the usual one by `session_storage`
    (SESS-043); those of projects and runs inside it are not its own."""
    found = {paths.sessions_directory(launch)}
    for entry in registry.entries():
        place = Path(entry.directory).parent
        if place.is_relative_to(launch) and paths.STATE_DIR not in place.relative_to(launch).parts[1:]:
            found.add(place)
    return found


def died_run(launch: Path) -> Path | None:
    """The log directory of the newest run in `launch`, if its process ended without finishing it."""
    latest = (paths.logs_directory(launch) / "log_latest").resolve()
    try:
        status = json.loads((latest / "status.json").read_text(encoding="utf-8"))
        meta = status["meta"]
        ended = status["is_complete"] or is_running(meta["pid"], meta["process_start_time"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if ended else latest


def announce_resumed(session: Session) -> None:
    """Say what was found, on standard error."""
    turns = session.turns()
    tell(f"📚 Restored session with {len(turns)} previous turn(s)")
    last = turns[-1] if turns else None
    if last is not None and not last.complete:
        phase = "presenting" if last.phase == "presentation" else "coordinating"
        tell(f"⚠️ Previous turn was incomplete (cancelled during {phase} phase)")
        tell(f"Task: {one_line(last.task)}")
        saved = [item.agent_id for item in last.partial if item.answer is not None]
        if saved:
            tell(f"Partial answers saved from: {', '.join(one_line(name) for name in saved)}")
    tell(f"Starting turn {session.next_turn()}")


def recorded_config(session_id: str) -> Path | None:
    """The configuration file the session was started with, while it is still there (CFG-001)."""
    entry = registry.find(session_id, Path.cwd())
    if entry is None or not entry.config:
        return None
    path = Path(entry.config)
    return path if path.is_file() else None
