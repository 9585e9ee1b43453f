"""The zero-latency provider of the benchmarks, and teams that ask it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from massgen.config import load_config
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.run import Run
from massgen.testing import answer_then_vote

QUESTION = "What is 2+2?"


def policies(count: int, text: str = "Four", chunks: int | None = None) -> dict[str, Any]:
    """Models that answer, and vote for the first answer once they see it."""
    return {f"model-{n}": answer_then_vote(f"{text} {n}", "agent1", chunks=chunks) for n in range(1, count + 1)}


@contextlib.contextmanager
def apart(models: Mapping[str, Any], latency: float = 0.0) -> Iterator[str]:
    """The provider as a process of its own, as providers are, so that its work is not counted; its address.

    `models` are those of a script file, `latency` the seconds to each first token.
    """
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "script.json"
        script.write_text(json.dumps({"models": models}))
        command = [sys.executable, "-m", "massgen.testing", "--script", str(script), "--stdin"]
        with subprocess.Popen(
            [*command, "--latency", str(latency)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as provider:
            assert provider.stdout is not None and provider.stdin is not None
            try:
                yield provider.stdout.readline().strip()
            finally:
                provider.stdin.close()


def scripts(count: int) -> dict[str, Any]:
    """The models of `policies` for a script file."""
    named = {"policy": "answer_then_vote", "votes_for": "agent1"}
    return {f"model-{n}": {**named, "text": f"Four {n}"} for n in range(1, count + 1)}


def team(address: str, count: int) -> dict[str, Any]:
    """A team of `count` agents; `address` is that of OpenAI's clients."""
    return {
        "agents": [
            {
                "id": f"agent_{n}",
                "backend": {
                    "type": "chatcompletion",
                    "model": f"model-{n}",
                    "base_url": address,
                    "api_key": "unused",
                },
            }
            for n in range(1, count + 1)
        ]
    }


@dataclass(frozen=True, slots=True)
class Timed:
    """A run, what it took, and the bytes its log came to (a file with several names counts once)."""

    result: RunResult
    seconds: float
    cpu: float
    log_bytes: int


async def ask(config: dict[str, Any], *, plain: bool = False) -> Timed:
    """One run in this process, from configuration to result."""
    with tempfile.TemporaryDirectory() as directory:
        begin, cpu = time.perf_counter(), time.process_time()
        loaded = load_config(config)
        run = Run(RunRequest(loaded=loaded, question=QUESTION, launch=Path(directory), automation=True, plain=plain))
        run.prepare()
        result = await run.execute()
        if result.exit_code:
            raise SystemExit(f"a run of the benchmark failed: {result.message}")
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
        files = {(stat.st_ino, stat.st_size) for stat in _files(run.log_dir)}
        return Timed(result, seconds, cpu, sum(size for _, size in files))


def _files(directory: Path) -> Iterator[os.stat_result]:
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path.stat()
