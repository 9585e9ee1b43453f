"""Teams over real HTTP, from Python and from the command line in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from massgen.config import load_config
from massgen.events.codec import read_run
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.run import Run
from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, call, use
from massgen.testing.policies import visible_answers
from tests.faults.hurry import hurried

KEY = "sk-planted-0123456789"
Decide = Callable[[ReceivedRequest], Turn | None]


@dataclass(frozen=True, slots=True)
class Played:
    """A finished run and what the models were asked."""

    result: RunResult
    server: ScriptedProvider
    launch: Path

    @property
    def attempt(self) -> Path:
        return self.result.log_dir / "turn_1" / "attempt_1"

    def asked(self, model: str) -> list[ReceivedRequest]:
        return self.server.requests_for(model)

    def bodies(self, kind: type) -> list[Any]:
        return [event.body for event in read_run(self.result.log_dir) if isinstance(event.body, kind)]

    @property
    def text_log(self) -> str:
        return (self.attempt / "massgen.log").read_text()


def team(url: str, models: Iterable[str], **backend: Any) -> list[dict[str, Any]]:
    """One agent `agent_a`, `agent_b`, ... for each model."""
    wire = {"type": "chatcompletion", "base_url": url, "api_key": KEY, **backend}
    return [
        {"id": f"agent_{letter}", "backend": {**wire, "model": model}}
        for letter, model in zip("abcdef", models, strict=False)
    ]


def play(
    launch: Path,
    scripts: Mapping[str, Any],
    *,
    orchestrator: Mapping[str, Any] | None = None,
    backend: Mapping[str, Any] | None = None,
    question: str = "Do it.",
    top: Mapping[str, Any] | None = None,
    before: Callable[[Run, ScriptedProvider], None] = lambda run, server: None,
    quickly: bool = False,
    **request: Any,
) -> Played:
    """One run of a team; `before` may subscribe to it, `request` adds to the request. `quickly` lets time pass only
    while everybody waits, so that limits do not depend on how busy the machine is."""

    async def run() -> Played:
        async with ScriptedProvider(dict(scripts)) as server, asyncio.timeout(250):
            config: dict[str, Any] = {"agents": team(server.openai_url, scripts, **(backend or {})), **(top or {})}
            if orchestrator:
                config["orchestrator"] = dict(orchestrator)
            loaded = load_config(config, launch=launch)
            one = Run(RunRequest(loaded=loaded, question=question, launch=launch, automation=True, **request))
            one.prepare()
            before(one, server)
            return Played(await one.execute(), server, launch)

    return hurried(run()) if quickly else asyncio.run(run())


def played_with(
    launch: Path,
    scripts: Mapping[str, Any],
    others: Mapping[str, Any],
    orchestrator: Callable[[str], dict[str, Any]],
    *,
    question: str,
    times: int = 1,
) -> Played:
    """As `play`, with models that are no agents; `orchestrator` gets the address. The last of `times` runs."""

    async def run() -> Played:
        async with ScriptedProvider({**scripts, **others}) as server, asyncio.timeout(250):
            config = {"agents": team(server.openai_url, scripts), "orchestrator": orchestrator(server.openai_url)}
            for _ in range(times):
                loaded = load_config(config, launch=launch)
                one = Run(RunRequest(loaded=loaded, question=question, launch=launch, automation=True))
                one.prepare()
                result = await one.execute()
            return Played(result, server, launch)

    return asyncio.run(run())


def worker(
    text: str, first: Callable[[ReceivedRequest], tuple[Any, ...]] = lambda request: (), votes_for: str = "agent1"
) -> Decide:
    """Makes the calls of `first` in its first round, answers, votes once it sees answers, says `text` at the end."""

    def decide(request: ReceivedRequest) -> Turn:
        view = request.view
        if "vote" in view.tool_names and visible_answers(view):
            return use(call("vote", agent_id=votes_for, reason="better"))
        if "new_answer" not in view.tool_names:
            return Turn(text=text)
        calls = first(request)
        if calls and not view.results:
            return use(*calls)
        return use(call("new_answer", content=text))

    return decide


def place_of(request: ReceivedRequest, purpose: str) -> str:
    """The path that the prompt lists for this purpose."""
    found = re.search(rf"^- (\S+) \(\w+\): {purpose}", request.view.system, re.MULTILINE)
    assert found, request.view.system
    return found.group(1)


def git(directory: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=u", "-c", "user.email=u@example.org", *arguments]
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout


def git_project(path: Path, **files: str) -> Path:
    """A new repository at `path` with one commit of `code.py` and Python files of those names."""
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    for name, text in {"code": "old = 1\n", **files}.items():
        (path / f"{name}.py").write_text(text)
    git(path, "add", ".")
    git(path, "commit", "-q", "-m", "one")
    return path


def write_config(directory: Path, url: str, models: Iterable[str], **rest: Any) -> Path:
    """A configuration file for the command line."""
    path = directory / "team.yaml"
    path.write_text(yaml.safe_dump({"agents": team(url, models), **rest}))
    return path


def environment(home: Path) -> dict[str, str]:
    """That of a user without keys."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_KEY", "_TOKEN"))}
    return {**kept, "HOME": str(home), "PYTHONWARNINGS": "ignore"}


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "massgen", *map(str, arguments)]


def massgen(
    launch: Path, *arguments: str | Path, home: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command line in a process without a terminal."""
    return subprocess.run(
        command(*arguments),
        cwd=launch,
        env={**environment(home or launch), **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def status_of(log: Path) -> dict[str, Any]:
    return json.loads((log / "status.json").read_text())
