"""A whole run over real HTTP: scripts for models in, the result, the requests and the log out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from massgen.config import load_config
from massgen.engine.clock import Clock, RunClock
from massgen.events.codec import read_run
from massgen.events.types import Event
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.run import Run
from massgen.testing import ScriptedProvider
from massgen.testing.replies import Pace, Script, Turn, say, use
from massgen.testing.requests import ReceivedRequest

B = TypeVar("B")
IDS = ("amber", "birch", "cedar", "dune", "ember")
MODELS = ("model-a", "model-b", "model-c", "model-d", "model-e")


@dataclass(slots=True, kw_only=True)
class Scene:
    """`ask` runs the team once; `config` may be changed before."""

    directory: Path
    server: ScriptedProvider
    config: dict[str, Any]
    clock: Clock = field(default_factory=RunClock)
    quick: bool = False
    plain: bool = False
    debug: bool = False
    run: Run | None = None
    result: RunResult | None = None

    async def ask(self, question: str = "What is 2+2?") -> RunResult:
        run = self.prepare(question)
        self.result = await run.execute()
        return self.result

    def prepare(self, question: str = "What is 2+2?") -> Run:
        request = RunRequest(
            loaded=load_config(self.config),
            question=question,
            launch=self.directory,
            quick=self.quick,
            plain=self.plain,
            automation=True,
            debug=self.debug,
        )
        self.run = Run(request, clock=self.clock)
        self.run.prepare()
        return self.run

    @property
    def log(self) -> Path:
        assert self.run is not None
        return self.run.log_dir

    def attempt(self, number: int = 1) -> Path:
        return self.log / "turn_1" / f"attempt_{number}"

    def events(self) -> list[Event]:
        return list(read_run(self.log))

    def bodies(self, kind: type[B], agent: str | None = None) -> list[B]:
        """The bodies of all events of one kind, of one agent where given."""
        found = (event for event in self.events() if agent in (None, event.agent_id))
        return [event.body for event in found if isinstance(event.body, kind)]

    def status(self, attempt: int = 1) -> dict[str, Any]:
        return json.loads((self.attempt(attempt) / "status.json").read_text())

    def requests(self, model: str) -> list[ReceivedRequest]:
        return self.server.requests_for(model)

    @property
    def text_log(self) -> str:
        return "".join(path.read_text() for path in sorted(self.log.rglob("massgen*.log")))


@asynccontextmanager
async def scene(
    directory: Path,
    *scripts: Script,
    orchestrator: Mapping[str, Any] | None = None,
    limits: Mapping[str, Any] | None = None,
    backend: Mapping[str, Any] | None = None,
    agents: Mapping[str, Mapping[str, Any]] | None = None,
    pace: Pace | None = None,
):
    """One agent for each script; `backend` is added to all, `agents` to those named."""
    async with ScriptedProvider(dict(zip(MODELS, scripts, strict=False)), pace=pace) as server:
        members = []
        for index in range(len(scripts)):
            own = dict((agents or {}).get(IDS[index], {}))
            wire = {
                "type": "chatcompletion",
                "model": MODELS[index],
                "base_url": server.openai_url,
                "api_key": "sk-test-key",
                **(backend or {}),
                **own.pop("backend", {}),
            }
            members.append({"id": IDS[index], "backend": wire, **own})
        config: dict[str, Any] = {"agents": members}
        if orchestrator:
            config["orchestrator"] = dict(orchestrator)
        if limits:
            config["timeout_settings"] = dict(limits)
        yield Scene(directory=directory, server=server, config=config)


def play(story: Callable[[], Awaitable[None]], seconds: float = 250) -> None:
    """Run a story in a loop of its own; a hung one fails instead of blocking the suite."""

    async def bounded() -> None:
        async with asyncio.timeout(seconds):
            await story()

    asyncio.run(bounded())


def is_presentation(request: ReceivedRequest) -> bool:
    return not {"new_answer", "vote", "stop", "submit"} & set(request.view.tool_names)


def offers(request: ReceivedRequest, name: str) -> bool:
    return name in request.view.tool_names


__all__ = ["IDS", "MODELS", "Scene", "Turn", "is_presentation", "offers", "play", "say", "scene", "use"]
