"""Running a `Run` from the command line: signals, then the result."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

from massgen.cli.person import Person
from massgen.cli.signals import hear
from massgen.errors import EXIT_INTERRUPTED, ConfigError
from massgen.runs.request import RunResult
from massgen.runs.run import Run
from massgen.structured_logging import configure_observability, observability_enabled, observability_wanted
from massgen.views.files import write_atomic


def run_to_end(run: Run, on_cancel: Callable[[], None], person: Person | None = None) -> RunResult:
    """Execute with Ctrl+C handled: the first saves and stops, a second leaves at once (COORD-123, COORD-124). SIGTERM
    counts as one, and so does a terminal that is closed.

    A `person` may speak to the agents meanwhile.
    """
    trace(run)
    return asyncio.run(_with_signals(run, on_cancel, person))


def trace(run: Run) -> None:
    """Spans for Logfire where `--logfire` or the environment asks (CLI-037); what is missing is said once."""
    if not observability_wanted(bool(run.request.cli_args.get("logfire"))):
        return
    if observability_enabled() or (run.previous is None and configure_observability(True)):
        from massgen.integrations.tracing import attach_tracing

        attach_tracing(run.stream)


async def _with_signals(run: Run, on_cancel: Callable[[], None], person: Person | None) -> RunResult:
    asked = False

    def cancel() -> None:
        """Once, however often it is said: a terminal that is gone says it several times."""
        nonlocal asked
        if not asked:
            asked = True
            if person is not None:
                person.let_go()
            on_cancel()
            run.cancel()

    def interrupt() -> None:
        if asked:
            os._exit(EXIT_INTERRUPTED)
        cancel()

    hear("SIGINT", interrupt)
    hear("SIGTERM", interrupt)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup leaves it
        hear("SIGHUP", cancel)
    with person.beside(run, cancel) if person is not None else contextlib.nullcontext():
        return await run.execute()


def check_output(path: Path | None, flag: str = "--output-file") -> None:
    """Make the directories of a file that `flag` names before any model is paid (AUTO-013, AUTO-014)."""
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{flag} {path}: its directory cannot be made ({error.strerror})") from error
    if path.is_dir():
        raise ConfigError(f"{flag} {path} is a directory", hint="Name a file.")


def write_output(path: Path, text: str) -> bool:
    """Write the final answer; False where the disk does not take it, and an earlier file is as it was."""
    try:
        if path.is_file() or not path.exists():
            write_atomic(path.resolve(), text)
        else:
            path.write_text(text, encoding="utf-8", errors="replace")
    except OSError:
        return False
    return True
