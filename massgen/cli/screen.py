"""Starts the terminal application (TUI-002): the screen here, the engine in a child process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from massgen.cli.console import Writer, printable, tell
from massgen.errors import EXIT_CONFIG


def run_screen(question: str, flags: Mapping[str, Any]) -> int:
    """The exit code: that of the last turn where a question was given, else 0.

    What cannot work at all is said before the screen is taken.
    """
    if not (flags["model"] or flags["backend"] or flags["session_id"] or flags["resume"]):
        from massgen.config.discovery import ConfigNotFound, find_config

        try:
            find_config(flags["config"])
        except ConfigNotFound as error:
            if error.value is not None:
                raise
            from massgen.cli.welcome import show_ways_on

            chosen = show_ways_on()
            if chosen is None:
                return EXIT_CONFIG
            flags = {**flags, "config": str(chosen)}
    from massgen.tui.session import SessionApp, Start

    start = Start(
        command=(sys.executable, "-m", "massgen.cli.engine"),
        question=question,
        flags=dict(flags),
        launch=Path.cwd(),
        context=shared_directory(flags),
    )
    app = SessionApp(start)
    app.run()
    out = Writer(sys.stdout)
    if app.last_answer:
        out.line(printable(app.last_answer))
    if app.failure:
        tell(f"Error: {app.failure}")
    return app.return_code or 0


def shared_directory(flags: Mapping[str, Any]) -> str:
    """What `--cwd-context` asks for: off, read or write."""
    return {"ro": "read", "rw": "write"}.get(flags["cwd_context"] or "", flags["cwd_context"] or "off")
