"""A team that works with files and commands, and a program that plays it until it is killed at one event."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from massgen.config import load_config
from massgen.events.types import Event, FactRecorded
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.resumed import resumed
from massgen.runs.resuming import recover
from massgen.runs.run import Run
from massgen.testing import ReceivedRequest, Turn, call, say, use
from massgen.testing.policies import visible_answers
from massgen.testing.replies import Policy

QUESTION = "How much is 2+2?"
WRITE, RUN = "mcp__filesystem__write_file", "mcp__command_line__execute_command"
WORK = (
    call(WRITE, path="notes.txt", content="two and two\n"),
    call(RUN, command="echo once >> count.txt; cat notes.txt"),
    call(RUN, command="echo more >> count.txt; wc -l < count.txt"),
)


def working(text: str, *, restart: bool = False) -> Policy:
    """Writes a file and runs two commands, then answers, votes for agent1, and presents with one more command.

    What it does next follows from the conversation alone, so that it goes on wherever it is asked again.
    """

    def decide(request: ReceivedRequest) -> Turn:
        view = request.view
        names, done = view.tool_names, len(view.results)
        if "restart_orchestration" in names:
            again = restart and "Be longer" not in str(request.json)
            made = call("restart_orchestration", reason="too short", instructions="Be longer")
            return use(made if again else call("submit", confirmed=True))
        if "vote" in names and visible_answers(view):
            return use(call("vote", agent_id="agent1", reason="It is right."))
        if "new_answer" in names:
            return use(WORK[done] if done < len(WORK) else call("new_answer", content=text), text=f"Step {done}.")
        return say(text) if done else use(call(RUN, command="echo shown >> count.txt"))

    return decide


def team(url: str, models: list[str], **orchestrator: Any) -> dict[str, Any]:
    backend = {"type": "chatcompletion", "base_url": url, "api_key": "sk-x"}
    options = {"cwd": "work", "enable_mcp_command_line": True}
    agents = [{"id": f"agent {model}", "backend": {**backend, **options, "model": model}} for model in models]
    return {"agents": agents, "orchestrator": orchestrator}


def request(launch: Path, config: dict[str, Any]) -> RunRequest:
    return RunRequest(loaded=load_config(config), question=QUESTION, launch=launch, automation=True)


def play_until(
    launch: Path, config: dict[str, Any], kind: str, count: int, died: Path | None = None, **environment: str
) -> Path:
    """Play the team in a process that is killed with SIGKILL as soon as it has logged `count` events of a kind.

    A fact is named by itself, `any` counts them all. With `died` it goes on with that run.
    """
    command = [sys.executable, "-m", "tests.resume.team", str(launch), kind, str(count), str(died or "")]
    done = subprocess.run(
        command,
        input=json.dumps(config),
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return Path(done.stdout.splitlines()[0])


async def go_on(launch: Path, config: dict[str, Any], log_dir: Path) -> RunResult:
    run = resumed(request(launch, config), recover(log_dir))
    run.prepare()
    return await run.execute()


def _play(launch: Path, config: dict[str, Any], kind: str, count: int, died: str) -> None:
    asked = request(launch, config)
    run = resumed(asked, recover(Path(died))) if died else Run(asked)
    run.prepare()
    print(run.log_dir, flush=True)
    seen = 0

    def watch(event: Event) -> None:
        nonlocal seen
        body = event.body
        seen += kind in ("any", body.fact if isinstance(body, FactRecorded) else body.kind)
        if seen >= count:
            os.kill(os.getpid(), signal.SIGKILL)

    run.stream.subscribe(watch)
    asyncio.run(run.execute())


if __name__ == "__main__":
    _play(Path(sys.argv[1]), json.load(sys.stdin), sys.argv[2], int(sys.argv[3]), sys.argv[4])
