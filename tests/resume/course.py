"""A finished reference run, cut at any byte of its log as a kill would have, and gone on with."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from massgen.config import load_config
from massgen.coordination.replay import RunReplay, replay
from massgen.events.codec import read_run
from massgen.events.types import Event, NewAnswer
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.resumed import resumed
from massgen.runs.resuming import recover
from massgen.runs.run import Run
from massgen.testing import ScriptedProvider

GONE = 2**22 + 1
"""No process has this number."""


def config(server: ScriptedProvider, models: list[str], **orchestrator: Any) -> dict[str, Any]:
    agents = [
        {
            "id": f"agent {letter}/ü",
            "backend": {"type": "chatcompletion", "model": model, "base_url": server.openai_url, "api_key": "sk-x"},
        }
        for letter, model in zip("abcdef", models, strict=False)
    ]
    return {"agents": agents, "orchestrator": orchestrator}


def request(launch: Path, team: dict[str, Any]) -> RunRequest:
    return RunRequest(loaded=load_config(team), question="What is 2+2?", launch=launch, automation=True)


async def whole_run(launch: Path, team: dict[str, Any]) -> RunResult:
    run = Run(request(launch, team))
    run.prepare()
    return await run.execute()


@dataclass(frozen=True, slots=True)
class Cut:
    """The log of `finished`, as it would be had the process died after `size` bytes of the last attempt's events."""

    finished: Path
    attempt: int
    size: int

    def make(self, where: Path) -> Path:
        """A copy of the log directory; files that views derive are left as the whole run wrote them."""
        log_dir = where / f"log_cut_{self.attempt}_{self.size}"
        shutil.copytree(self.finished, log_dir, symlinks=True)
        for path in log_dir.glob("turn_1/attempt_*"):
            if int(path.name.removeprefix("attempt_")) > self.attempt:
                shutil.rmtree(path)
        first = log_dir / "turn_1/attempt_1/events.jsonl"
        cut = log_dir / f"turn_1/attempt_{self.attempt}/events.jsonl"
        cut.write_bytes(cut.read_bytes()[: self.size])
        lines = first.read_bytes().splitlines(keepends=True)
        start = json.loads(lines[0])
        start["data"]["pid"] = GONE
        lines[0] = json.dumps(start).encode() + b"\n"
        first.write_bytes(b"".join(lines))
        (log_dir / "turn_1" / f"attempt_{self.attempt}" / "snapshot_mappings.json").unlink(missing_ok=True)
        return log_dir


def cuts(finished: Path) -> list[Cut]:
    """After every line and within every fact's line, once the question stands in the log."""
    found: list[Cut] = []
    for path in sorted(finished.glob("turn_1/attempt_*/events.jsonl")):
        attempt = int(path.parent.name.removeprefix("attempt_"))
        size = 0
        for line in path.read_bytes().splitlines(keepends=True):
            record = json.loads(line)
            if size and record["event_type"] == "fact":
                found.append(Cut(finished, attempt, size + len(line) // 2))
            size += len(line)
            if record["event_type"] != "session_end":
                found.append(Cut(finished, attempt, size))
    return found


async def go_on(launch: Path, team: dict[str, Any], log_dir: Path) -> RunResult:
    run = resumed(request(launch, team), recover(log_dir))
    run.prepare()
    return await run.execute()


def labels(events: list[Event], attempt: int) -> list[str]:
    return [event.body.label for event in events if isinstance(event.body, NewAnswer) and event.attempt == attempt]


def folded(log_dir: Path) -> RunReplay:
    return replay(read_run(log_dir))
