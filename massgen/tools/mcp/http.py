"""The HTTP client of remote servers: it connects only to allowed addresses and reads only bounded messages.

Import it where it is used; httpx2 takes a tenth of a second.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from massgen.tools.mcp.address import ServerRefused, checked_address, is_local_name
from massgen.tools.mcp.bounds import MAX_MESSAGE_BYTES
from massgen.tools.mcp.settings import McpServerSettings

CONNECT_TIMEOUT = 30.0
READ_TIMEOUT = 300.0


def http_client(settings: McpServerSettings, failed: Callable[[str], None]) -> httpx2.AsyncClient:
    """A client for one server.

    `failed` is told when a request cannot be made, or is refused as a whole; the library would leave calls of
    the older transport waiting then. Where a proxy of the environment serves the URL, the proxy resolves names
    and the address is not checked.
    """
    timeout = httpx2.Timeout(CONNECT_TIMEOUT, read=max(READ_TIMEOUT, settings.timeout_seconds))
    headers = dict(settings.headers)
    parts = urlsplit(settings.url)
    host = parts.hostname or ""
    if parts.scheme in getproxies() and not proxy_bypass(host) and not is_local_name(host):
        return httpx2.AsyncClient(timeout=timeout, headers=headers)
    return httpx2.AsyncClient(timeout=timeout, headers=headers, transport=_Checked(settings, failed))


class _Checked(httpx2.AsyncHTTPTransport):
    """Resolves names itself and connects to the address that was checked: a name cannot lead elsewhere between."""

    def __init__(self, settings: McpServerSettings, failed: Callable[[str], None]) -> None:
        super().__init__()
        self._settings = settings
        self._failed = failed

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            address = await checked_address(self._settings, request.url.host)
        except (ServerRefused, OSError) as error:
            self._failed(str(error))
            raise httpx2.ConnectError(str(error)) from error
        pinned = httpx2.Request(
            method=request.method,
            url=request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions=dict(request.extensions) | {"sni_hostname": request.url.host},
        )
        try:
            response = await super().handle_async_request(pinned)
        except httpx2.ConnectError as error:
            self._failed(str(error))
            raise
        if self._settings.transport == "sse" and response.status_code >= 400:
            self._failed(f"HTTP status {response.status_code}")
        # An event stream may live long and is bounded per event by the library.
        events = response.headers.get("content-type", "").startswith("text/event-stream")
        if not events and isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(response.stream, MAX_MESSAGE_BYTES)
        return response


class _Bounded(httpx2.AsyncByteStream):
    """A body of at most `limit` bytes."""

    def __init__(self, inner: httpx2.AsyncByteStream, limit: int) -> None:
        self._inner = inner
        self._left = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._left -= len(chunk)
            if self._left < 0:
                raise httpx2.ReadError("the server sent too much")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
