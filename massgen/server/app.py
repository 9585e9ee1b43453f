"""The HTTP face: routes, and errors in OpenAI's shape."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from massgen.config.discovery import ConfigNotFound
from massgen.errors import ConfigError, MassGenError
from massgen.runs.chats import BadChatRequest
from massgen.server.gate import Gate, error_response
from massgen.server.messages import parse_chat
from massgen.server.replies import answer_message, completion, new_id
from massgen.server.serving import Desk, NoAnswer, Overloaded, Ticket
from massgen.server.settings import ServerSettings
from massgen.server.streaming import stream
from massgen.server.teams import Teams

log = logging.getLogger(__name__)
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
GONE = 499


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
            asked = parse_chat(await self._body(request))
            if asked.stream and not self.settings.streaming:
                return error_response(501, "Streaming is switched off on this server.", "not_implemented_error")
            loaded = await asyncio.to_thread(self.teams.find, asked.model)
            ticket = self.desk.submit(loaded, asked.chat, model=asked.model, functions=asked.functions)
            if asked.stream:
                pieces = stream(ticket, new_id(), include_usage=asked.include_usage)
                return StreamingResponse(pieces, media_type="text/event-stream", headers=HEADERS)
            return await self._whole(request, ticket)
        except BadChatRequest as error:
            return error_response(error.status, error.message, "invalid_request_error", param=error.param)
        except ClientDisconnect:
            return Response(status_code=GONE)
        except MassGenError as error:
            return _failed(error)

    async def _whole(self, request: Request, ticket: Ticket) -> Response:
        """Answer in one piece, unless the caller goes first."""
        gone = asyncio.ensure_future(_disconnected(request))
        waiting = asyncio.ensure_future(ticket.result())
        try:
            await asyncio.wait([gone, waiting], return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                return Response(status_code=GONE)
            result, events = waiting.result()
            message = answer_message(result, events, ticket.calls)
            return JSONResponse(completion(new_id(), ticket.model, result, ticket.used, message))
        finally:
            gone.cancel()
            waiting.cancel()
            ticket.leave()

    async def _body(self, request: Request) -> object:
        limit = self.settings.body_bytes
        too_large = BadChatRequest(f"The body is larger than {limit} bytes.", status=413)
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise too_large
        parts = bytearray()
        try:
            async with asyncio.timeout(self.settings.read_seconds):
                async for piece in request.stream():
                    parts += piece
                    if len(parts) > limit:
                        raise too_large
        except TimeoutError:
            raise BadChatRequest("The body did not arrive in time.", status=408) from None
        try:
            return json.loads(bytes(parts))
        except (ValueError, RecursionError):
            raise BadChatRequest("The body is no valid JSON.") from None


def _failed(error: MassGenError) -> Response:
    match error:
        case Overloaded():
            return error_response(429, error.message, "rate_limit_error")
        case ConfigNotFound():
            return error_response(400, error.message, "invalid_request_error", param="model")
        case NoAnswer():
            return error_response(504 if error.timed_out else 500, error.message, "server_error")
        case ConfigError():
            log.error("configuration error: %s", error)
            return error_response(500, error.message, "server_error")
        case _:
            log.error("error: %s", error)
            return error_response(500, "The request could not be served.", "server_error")


async def _disconnected(request: Request) -> None:
    """Returns when the caller has gone; the body has been read, so the next message can only say that."""
    message = await request.receive()
    while message["type"] != "http.disconnect":
        message = await request.receive()


async def _refused(request: Request, error: Exception) -> Response:
    """An address or method that is not served."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return error_response(status, f"{request.method} {request.url.path} is not served.", "invalid_request_error")


def create_app(settings: ServerSettings) -> Starlette:
    """The application; its runs are cancelled and awaited at shutdown."""
    endpoints = Endpoints(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with endpoints.desk:
            yield

    allowed = Middleware(
        CORSMiddleware, allow_origins=settings.origins, allow_methods=["GET", "POST"], allow_headers=["*"]
    )
    return Starlette(
        routes=[
            Route("/health", endpoints.health),
            Route("/v1/models", endpoints.models),
            Route("/v1/chat/completions", endpoints.chat, methods=["POST"]),
        ],
        middleware=[*([allowed] if settings.origins else []), Middleware(Gate, settings=settings)],
        exception_handlers={HTTPException: _refused},
        lifespan=lifespan,
    )
