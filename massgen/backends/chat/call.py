"""One chat completion over HTTP: sent, read as it streams, its failures classed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from massgen.backends.ahead import ReadAhead
from massgen.backends.ambient import Ambient
from massgen.backends.calling import Line, Reply, Try
from massgen.backends.chat.body import body_of
from massgen.backends.chat.fitness import takes
from massgen.backends.chat.fold import Fold
from massgen.backends.chat.frames import Frames
from massgen.backends.chat.refusals import failure_of, refusal, refusal_within
from massgen.backends.endpoint import Endpoint
from massgen.backends.failures import not_understood
from massgen.backends.limits import CallLimits
from massgen.backends.protocol import ModelEvent, ModelRequest
from massgen.backends.request_settings import RequestSettings
from massgen.backends.watch import Watch
from massgen.errors import BackendError

if TYPE_CHECKING:
    import httpx2

LONGEST_REFUSAL = 65536
LONGEST_DRAIN = 0.25
END = b"[DONE]"


class ChatLine:
    """A `Line` to a compatible server; `otherwise` makes the line for requests that hold more than text and calls."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        endpoint: Endpoint,
        settings: RequestSettings,
        limits: CallLimits,
        otherwise: Callable[[], Line],
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._settings = settings
        self._limits = limits
        self._otherwise = otherwise
        self._other: Line | None = None

    async def open(self, request: ModelRequest) -> Try:
        if takes(request):
            body = body_of(request, self._endpoint.model, self._settings.values, self._settings.body)
            return ChatTry(self._client, body, endpoint=self._endpoint, limits=self._limits)
        if self._other is None:
            self._other = await asyncio.to_thread(self._otherwise)
        return await self._other.open(request)


class ChatTry:
    """A `Try` over HTTP."""

    def __init__(
        self, client: httpx2.AsyncClient, body: dict[str, Any], *, endpoint: Endpoint, limits: CallLimits
    ) -> None:
        self._client = client
        self._body = body
        self._endpoint = endpoint
        self._limits = limits
        self._ambient = Ambient(connect=limits.connect)
        self._fold = Fold(seller=endpoint.type.name, seller_url=endpoint.base_url or "")

    @property
    def warnings(self) -> list[str]:
        return self._ambient.warnings

    def reply(self) -> Reply:
        return self._fold.reply()

    async def events(self) -> AsyncGenerator[ModelEvent | None]:
        """Deltas as they come; those that came together are joined."""
        watch = Watch(self._endpoint, self._limits, lambda error: failure_of(error, self._endpoint))
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._ambient.close)
            response = await watch.within(self._ambient, self._send())
            if response.status_code >= 300:
                text = await watch.within(self._ambient, _beginning(response))
                raise refusal(response.status_code, response.headers, text, self._endpoint)
            frames = Frames()
            ended = False
            body = await stack.enter_async_context(aclosing(response.aiter_bytes()))
            ahead = ReadAhead(body)
            stack.push_async_callback(ahead.aclose)
            while not ended and (data := await watch.within(self._ambient, ahead.take())) is not None:
                ended, failure = self._read(frames, data)
                for event in self._fold.take():
                    watch.heard()
                    yield event
                if failure is not None:
                    raise failure
            if ended:
                await _drained(ahead)
        if not self._fold.started:
            raise not_understood("it holds no events", self._endpoint)

    def _read(self, frames: Frames, data: bytes) -> tuple[bool, BackendError | None]:
        """Fold what came: whether that was the end, or what failed. What came before a failure was said."""
        for frame in frames.feed(data):
            if frame.startswith(END):
                return True, None
            try:
                self._fold.add(self._chunk(frame))
            except BackendError as error:
                return False, error
        return False, None

    async def _send(self) -> httpx2.Response:
        import httpx2

        body = json.dumps(self._body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        headers = {
            **self._client.headers,
            "authorization": f"Bearer {self._endpoint.api_key}",
            "content-type": "application/json",
            "accept": "text/event-stream, application/json",
        }
        request = httpx2.Request("POST", _address(self._endpoint.base_url or ""), headers=headers, content=body)
        return await self._client.send(request, stream=True)

    def _chunk(self, frame: bytes) -> dict[str, Any]:
        try:
            chunk = json.loads(frame)
        except (ValueError, RecursionError) as error:
            raise not_understood(str(error), self._endpoint) from error
        if not isinstance(chunk, dict):
            raise not_understood("a part of it is no object", self._endpoint)
        if chunk.get("error"):
            raise refusal_within(chunk["error"], self._endpoint)
        return chunk


@lru_cache(maxsize=64)
def _address(base_url: str) -> httpx2.URL:
    """Where completions are asked for; a query in `base_url` stays one."""
    import httpx2

    url = httpx2.URL(base_url)
    return url.copy_with(path=f"{url.path.rstrip('/')}/chat/completions")


async def _drained(ahead: ReadAhead) -> None:
    """Read what is left after the end: a connection can be used again when its response was read to the end."""
    import httpx2

    with contextlib.suppress(TimeoutError, httpx2.RequestError):
        async with asyncio.timeout(LONGEST_DRAIN):
            while await ahead.take() is not None:
                continue


async def _beginning(response: httpx2.Response) -> str:
    """The start of a refusal's body; whoever sends a long one is heard no further."""
    found = b""
    async with aclosing(response.aiter_bytes()) as chunks:
        async for data in chunks:
            found += data
            if len(found) > LONGEST_REFUSAL:
                break
    return found[:LONGEST_REFUSAL].decode("utf-8", "replace")
