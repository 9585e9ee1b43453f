"""The HTTP face: routes, who may come in, errors in OpenAI's shape."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from massgen.errors import ConfigError, MassGenError
from massgen.server.messages import BadChatRequest, error_body, parse_chat
from massgen.server.serving import Desk, NoAnswer, Overloaded
from massgen.server.settings import LOOPBACK_NAMES, ServerSettings
from massgen.server.teams import Teams

log = logging.getLogger(__name__)
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


class Gate:
    """Who may come in: Host and Origin for browsers' sake, the key where one is set."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refused = self._refusal(request)
        if refused is not None:
            await refused(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        settings = self._settings
        host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
        if settings.key is None and host not in (*LOOPBACK_NAMES, settings.host):
            return _error(403, "This host name is not served here.", "permission_error")
        origin = request.headers.get("origin")
        if origin is not None and not self._own_origin(origin):
            return _error(403, "This origin is not allowed.", "permission_error")
        if settings.key is None or request.url.path == "/health":
            return None
        given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not hmac.compare_digest(given.encode(), settings.key.encode()):
            return _error(401, "The API key is missing or wrong.", "authentication_error")
        return None

    def _own_origin(self, origin: str) -> bool:
        name = origin.partition("://")[2].rpartition(":")[0] or origin.partition("://")[2]
        return origin in self._settings.origins or name in (*LOOPBACK_NAMES, self._settings.host)


def _error(status: int, message: str, kind: str, *, param: str | None = None) -> JSONResponse:
    return JSONResponse(error_body(message, kind=kind, param=param), status_code=status)


class Endpoints:
    """The handlers; one per application."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.teams = Teams(settings)
        self.desk = Desk(settings)

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def models(self, request: Request) -> Response:
        created = int(time.time())
        names = await asyncio.to_thread(self.teams.names)
        data = [{"id": name, "object": "model", "created": created, "owned_by": "massgen"} for name in names]
        return JSONResponse({"object": "list", "data": data})

    async def chat(self, request: Request) -> Response:
        """`POST /v1/chat/completions`."""
        try:
            chat = parse_chat(await self._body(request))
            if chat.stream and not self.settings.streaming:
                return _error(501, "Streaming is switched off on this server.", "not_implemented_error")
            loaded = await asyncio.to_thread(self.teams.find, chat.model)
            used = str(loaded.path or "config")
            run = self.desk.prepare(chat, loaded)
            if chat.stream:
                events = self.desk.stream(run, chat, used)
                return StreamingResponse(events, media_type="text/event-stream", headers=HEADERS)
            return await self._whole(request, chat, run, used)
        except BadChatRequest as error:
            return _error(_status_of(error), error.message, "invalid_request_error", param=error.param)
        except ClientDisconnect:
            return Response(status_code=499)
        except MassGenError as error:
            return self._failed(error)

    async def _whole(self, request: Request, chat, run, used: str) -> Response:
        """Answer in one piece, unless the caller goes first."""
        gone = asyncio.ensure_future(_disconnected(request))
        task = asyncio.ensure_future(self.desk.answer(run, chat, used))
        try:
            await asyncio.wait([gone, task], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                task.cancel()
                await asyncio.wait([task])
                return Response(status_code=499)
            return JSONResponse(task.result())
        finally:
            gone.cancel()

    def _failed(self, error: MassGenError) -> Response:
        match error:
            case Overloaded():
                return _error(429, error.message, "rate_limit_error")
            case ConfigError():
                log.error("configuration error: %s", error)
                return _error(500, error.message, "server_error")
            case NoAnswer():
                return _error(502, error.message, "server_error")
            case _:
                log.error("error: %s", error)
                return _error(500, "The request could not be served.", "server_error")

    async def _body(self, request: Request) -> object:
        limit = self.settings.body_bytes
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise BadChatRequest(f"The body is larger than {limit} bytes.", "too_large")
        parts = bytearray()
        async for piece in request.stream():
            parts += piece
            if len(parts) > limit:
                raise BadChatRequest(f"The body is larger than {limit} bytes.", "too_large")
        try:
            return json.loads(bytes(parts))
        except (ValueError, RecursionError):
            raise BadChatRequest("The body is no valid JSON.") from None


def _status_of(error: BadChatRequest) -> int:
    if error.param == "too_large":
        return 413
    return 404 if error.param == "model" else 400


async def _disconnected(request: Request) -> None:
    """Returns when the caller has gone; the body has been read, so the next message can only say that."""
    message = await request.receive()
    while message["type"] != "http.disconnect":
        message = await request.receive()


def create_app(settings: ServerSettings) -> Starlette:
    """The application; its runs are cancelled and awaited at shutdown."""
    endpoints = Endpoints(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await endpoints.desk.close()

    return Starlette(
        routes=[
            Route("/health", endpoints.health),
            Route("/v1/models", endpoints.models),
            Route("/v1/chat/completions", endpoints.chat, methods=["POST"]),
        ],
        middleware=[Middleware(Gate, settings=settings)],
        lifespan=lifespan,
    )
