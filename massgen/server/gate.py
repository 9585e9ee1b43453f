"""Who may come in: Host and Origin for browsers' sake, the key where one is set."""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from massgen.server.messages import error_body
from massgen.server.settings import LOOPBACK_NAMES, WILDCARDS, ServerSettings

OPEN_PATHS = frozenset({"/health"})


def error_response(status: int, message: str, kind: str, *, param: str | None = None) -> JSONResponse:
    return JSONResponse(error_body(message, kind=kind, param=param), status_code=status)


class Gate:
    """Refuses before a handler sees the request."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = self._refusal(Request(scope)) or self._app
        await answer(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        settings = self._settings
        if settings.key is None and not self._own_name(_name(f"//{request.headers.get('host', '')}")):
            return error_response(403, "This host name is not served here.", "permission_error")
        origin = request.headers.get("origin")
        if origin is not None and origin not in settings.origins and not self._own_name(_name(origin)):
            return error_response(403, "This origin is not allowed.", "permission_error")
        if settings.key is None or request.url.path in OPEN_PATHS:
            return None
        given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not hmac.compare_digest(given.encode(), settings.key.encode()):
            return error_response(401, "The API key is missing or wrong.", "authentication_error")
        return None

    def _own_name(self, name: str) -> bool:
        """Loopback, the bound name, and where all addresses are bound any address (names may be rebound)."""
        if name in LOOPBACK_NAMES or name == self._settings.host:
            return True
        return self._settings.host in WILDCARDS and _is_address(name)


def _name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
