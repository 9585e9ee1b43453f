"""One request = one run: queued, watched, cancelled when the caller goes."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from massgen.config import LoadedConfig
from massgen.errors import MassGenError
from massgen.events.types import Event, FinalChunk
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.run import Run
from massgen.server.messages import ChatRequest
from massgen.server.replies import Narrator, chunk, completion, finish_reason, metadata, usage
from massgen.server.settings import ServerSettings


class Overloaded(MassGenError):
    """Too many requests wait already."""


class NoAnswer(MassGenError):
    """The team gave no answer."""


@dataclass(slots=True)
class Desk:
    """Serves chats with at most `max_concurrent` runs at once, in the order of arrival (SRV-013)."""

    settings: ServerSettings
    runs: set[Run] = field(default_factory=set)
    waiting: int = 0
    _places: asyncio.Semaphore = field(init=False)
    _empty: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.settings.max_concurrent)

    def prepare(self, chat: ChatRequest, loaded: LoadedConfig) -> Run:
        """Check the chat against the team; raises `ConfigError` before anything waits or is paid."""
        if self.waiting >= self.settings.max_queued:
            raise Overloaded("Too many requests are waiting. Try again later.")
        config = loaded.require()
        if chat.instructions:
            extra = "\n\n".join(chat.instructions)
            agents = tuple(
                agent.model_copy(update={"system_message": "\n\n".join(filter(None, (agent.system_message, extra)))})
                for agent in config.agents
            )
            loaded = replace(loaded, config=config.model_copy(update={"agents": agents}))
        return Run(
            RunRequest(
                loaded=loaded,
                question=chat.question,
                launch=self.settings.launch,
                history=chat.history,
                session_prefix="api_session",
                debug=self.settings.debug,
                cli_args={"mode": "server", "model": chat.model},
            )
        )

    async def _turn(self, run: Run, watch: asyncio.Queue[Event | RunResult] | None = None) -> RunResult:
        """Wait for a place, then run. Cancelling ends the run and waits until it has ended."""
        self.waiting += 1
        try:
            await self._places.acquire()
        finally:
            self.waiting -= 1
        try:
            run.prepare()
            if watch is not None:
                run.stream.subscribe(watch.put_nowait)
            self.runs.add(run)
            self._empty.clear()
            return await _execute(run)
        finally:
            self.runs.discard(run)
            if not self.runs:
                self._empty.set()
            self._places.release()

    async def answer(self, run: Run, chat: ChatRequest, used: str) -> dict[str, object]:
        """The whole reply. Raises `NoAnswer`, `ConfigError`, `StorageError`."""
        watch: asyncio.Queue[Event | RunResult] = asyncio.Queue()
        result = await self._turn(run, watch)
        if not result.answer:
            raise NoAnswer(result.message or "The team gave no answer.")
        narrator = Narrator(result.agents)
        lines = []
        while not watch.empty():
            event = watch.get_nowait()
            line = narrator.line(event) if isinstance(event, Event) else None
            if line is not None:
                lines.append(line)
        return completion(new_id(), chat.model, result, used, "\n".join(lines))

    async def stream(self, run: Run, chat: ChatRequest, used: str) -> AsyncIterator[bytes]:
        """Server-sent events: reasoning as it happens, the answer as it streams, then `[DONE]` (SRV-010)."""
        request_id, created = new_id(), int(time.time())
        watch: asyncio.Queue[Event | RunResult] = asyncio.Queue()
        yield frame(chunk(request_id, chat.model, created, {"role": "assistant", "content": ""}))
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._told(run, watch))
            sent: list[str] = []
            narrator: Narrator | None = None
            while True:
                item = await watch.get()
                if isinstance(item, RunResult):
                    break
                narrator = narrator or Narrator(run.agents)
                delta = _delta(narrator, item, sent)
                if delta:
                    yield frame(chunk(request_id, chat.model, created, delta))
            await task
        for piece in _ending(item, "".join(sent), chat, used):
            yield frame(chunk(request_id, chat.model, created, *piece[:1], **piece[1]))
        yield b"data: [DONE]\n\n"

    async def _told(self, run: Run, watch: asyncio.Queue[Event | RunResult]) -> None:
        watch.put_nowait(await self._turn(run, watch))

    async def close(self) -> None:
        """Stop every run and wait until all have ended (shutdown)."""
        for run in tuple(self.runs):
            run.cancel()
        if self.runs:
            await self._empty.wait()


def _delta(narrator: Narrator, event: Event, sent: list[str]) -> dict[str, str]:
    if isinstance(event.body, FinalChunk):
        sent.append(event.body.text)
        return {"content": event.body.text}
    line = narrator.line(event)
    return {"reasoning_content": f"{line}\n"} if line is not None else {}


def _ending(result: RunResult, sent: str, chat: ChatRequest, used: str):
    """What is left of the answer, then how it ended."""
    if not result.answer:
        message = result.message or "The team gave no answer."
        yield {}, {"finish_reason": "stop", "error": {"message": message, "type": "server_error"}}
        return
    if result.answer != sent:
        rest = result.answer.removeprefix(sent) if result.answer.startswith(sent) else f"\n\n{result.answer}"
        yield {"content": rest}, {}
    more: dict[str, object] = {"finish_reason": finish_reason(result), "massgen_metadata": metadata(result, used)}
    if chat.include_usage:
        more["usage"] = usage(result)
    yield {}, more


async def _execute(run: Run) -> RunResult:
    """Run in a task of its own, so that a caller who goes ends it cleanly."""
    task = asyncio.ensure_future(run.execute())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        run.cancel()
        await asyncio.wait([task])
        raise


def frame(value: dict[str, object]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n\n"


def new_id() -> str:
    return f"chatcmpl-req_{secrets.token_hex(6)}"
