"""A real server on loopback in front of scripted models."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from openai import AsyncOpenAI

from massgen.server.app import create_app
from massgen.server.listening import server_options
from massgen.server.settings import ServerSettings
from massgen.testing import ScriptedProvider, answer_then_vote
from massgen.testing.replies import Pace, Script

TEAM = {
    "model-a": answer_then_vote("Four, says the first.", votes_for="agent1"),
    "model-b": answer_then_vote("4, says the second.", votes_for="agent1"),
}


def team_values(provider: ScriptedProvider, models: Mapping[str, Script]) -> dict[str, Any]:
    wire = {"type": "chatcompletion", "base_url": provider.openai_url, "api_key": "sk-test-key"}
    names = ("research-agent", "analysis-agent", "third-agent")
    return {
        "agents": [
            {"id": name, "backend": {**wire, "model": model}} for name, model in zip(names, models, strict=False)
        ]
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`url` ends before `/v1`; `launch` is the server's directory, `config` its team file."""

    url: str
    port: int
    launch: Path
    config: Path
    provider: ScriptedProvider

    def openai(self, key: str = "not-needed") -> AsyncOpenAI:
        return AsyncOpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, timeout=250)

    def http(self, **more: Any) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=self.url, timeout=250, **more)

    async def chat(self, question: str = "What is 2+2?", **body: Any) -> httpx2.Response:
        async with self.http() as client:
            sent = {"model": "massgen", "messages": [{"role": "user", "content": question}], **body}
            return await client.post("/v1/chat/completions", json=sent)

    @property
    def logs(self) -> list[Path]:
        return sorted(path for path in (self.launch / ".massgen" / "massgen_logs").glob("log_2*") if path.is_dir())


class Served(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[Any] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def serving(
    launch: Path,
    scripts: Mapping[str, Script] | None = None,
    *,
    pace: Pace | None = None,
    team: bool = True,
    orchestrator: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Place]:
    """`settings` are those of `ServerSettings`; the team file is given with `config`, unless `team` is False."""
    scripts = scripts or TEAM
    async with ScriptedProvider(scripts, pace=pace) as provider:
        config = launch / "team.yaml"
        values = {**team_values(provider, scripts), **({"orchestrator": orchestrator} if orchestrator else {})}
        config.write_text(json.dumps(values), encoding="utf-8")
        given = {"config": str(config), **settings} if team else settings
        chosen = ServerSettings(launch=launch, port=0, **given)
        server = Served(uvicorn.Config(create_app(chosen), lifespan="on", **server_options(chosen)))
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve())
            await server.ready.wait()
            port = server.servers[0].sockets[0].getsockname()[1]
            try:
                yield Place(url=f"http://127.0.0.1:{port}", port=port, launch=launch, config=config, provider=provider)
            finally:
                server.should_exit = True
