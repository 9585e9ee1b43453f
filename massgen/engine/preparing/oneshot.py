"""One model call outside of rounds, and the JSON in its answer."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from massgen.agents.buffer import AgentConversationBuffer
from massgen.agents.calling import ModelCaller
from massgen.backends.protocol import Message, ModelBackend
from massgen.engine.watching import CallArchive, CallCounter, RoundWatcher
from massgen.errors import BackendError
from massgen.events.stream import EventStream


class NoUsefulReply(Exception):
    """The model's words do not hold what was asked for."""


class Asker(Struct, frozen=True, kw_only=True):
    """Makes single calls and records them like any other; `purpose` is their round kind in logs and metrics."""

    stream: EventStream
    counter: CallCounter
    archive: CallArchive | None = None

    async def text(
        self,
        backend: ModelBackend,
        system: str,
        message: str,
        *,
        agent_id: str,
        purpose: str,
        history: tuple[Message, ...] = (),
    ) -> str:
        """The answer's text. Raises `BackendError`, or `NoUsefulReply` for an empty one."""
        watcher = RoundWatcher(
            stream=self.stream,
            agent_id=agent_id,
            round=0,
            round_kind=purpose,
            model=backend.model,
            provider=backend.provider,
            counter=self.counter,
            archive=self.archive,
            channel="silent",
        )
        caller = ModelCaller(backend=backend, observer=watcher, agent_id=agent_id, round=0, phase=purpose)
        buffer = AgentConversationBuffer()
        for earlier in history:
            buffer.add_earlier(earlier)
        buffer.add_user(message)
        reply = await caller.call(system, buffer, ())
        if not reply.text.strip():
            raise NoUsefulReply("the reply was empty")
        return reply.text

    async def json(self, backend: ModelBackend, system: str, message: str, *, agent_id: str, purpose: str) -> Any:
        """The first JSON value in the answer. Raises `BackendError` or `NoUsefulReply`."""
        return first_json(await self.text(backend, system, message, agent_id=agent_id, purpose=purpose))


def first_json(text: str) -> Any:
    """The first whole JSON object or list in `text`, fenced or not."""
    decoder = json.JSONDecoder()
    for position, character in enumerate(text):
        if character in "[{":
            try:
                return decoder.raw_decode(text, position)[0]
            except (ValueError, RecursionError):
                continue
    raise NoUsefulReply("the reply holds no JSON")


FAILURES = (BackendError, NoUsefulReply)
