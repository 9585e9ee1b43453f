"""MassGen called as a program from Python (AUTO-075): `massgen --automation` in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from massgen.errors import EXIT_TIMEOUT

__all__ = ["run_massgen_automation"]

PATIENCE = 15.0


def run_massgen_automation(
    config: str | Path,
    question: str,
    timeout_seconds: float = 300,
    *,
    cwd: str | Path | None = None,
    arguments: tuple[str, ...] = (),
    environ: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Ask the team of `config` and wait. After `timeout_seconds` the run is interrupted, then ended.

    The result has `exit_code` (AUTO-030 to AUTO-034; 3 where the time ran out), `log_dir`, `winner`, `answer`
    (None without one), `status` (the last status.json, {} without one), `stdout`, `stderr`, `timed_out`.
    """
    command = [sys.executable, "-m", "massgen.cli", "--automation", "--config", str(config), *arguments, "--", question]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=cwd,
            env=dict(environ) if environ is not None else None,
            start_new_session=True,
        )
        timed_out = False
        try:
            code = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            timed_out, code = True, EXIT_TIMEOUT
        finally:
            _end(process)
        stdout, stderr = _text(out), _text(err)
    return {"exit_code": code, "timed_out": timed_out, "stdout": stdout, "stderr": stderr, **_results(stdout)}


def _end(process: subprocess.Popen[bytes]) -> None:
    """A gentle word first, so that the run saves what it has; then the whole process group."""
    for number in (signal.SIGINT, getattr(signal, "SIGKILL", signal.SIGTERM)):
        if process.poll() is not None:
            return
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)


def _text(file: Any) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _results(stdout: str) -> dict[str, Any]:
    lines: dict[str, str] = {}
    for line in stdout.splitlines():
        name, _, value = line.partition(": ")
        lines.setdefault(name, value)
    log_dir = lines.get("LOG_DIR")
    status: dict[str, Any] = {}
    if log_dir is not None:
        with contextlib.suppress(OSError, ValueError):
            status = json.loads(Path(log_dir, "status.json").read_text(encoding="utf-8"))
    winner = (status.get("results") or {}).get("winner")
    return {
        "log_dir": log_dir,
        "winner": winner,
        "answer": _answer(lines.get("ANSWER_FILE"), log_dir),
        "status": status,
    }


def _answer(file: str | None, log_dir: str | None) -> str | None:
    """The delivered text; after a timeout the contract names no file, but `final/` may hold one."""
    found = [Path(file)] if file else sorted(Path(log_dir).glob("final/*/answer.txt")) if log_dir else []
    for path in found:
        with contextlib.suppress(OSError):
            return path.read_text(encoding="utf-8")
    return None
