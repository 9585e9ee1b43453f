"""What the backends of one run share: connections, back-off gates, the source of chance, prices."""

from __future__ import annotations

import hashlib
import random
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from massgen.backends.ambient import CURRENT, WARNING_ROUTE
from massgen.backends.endpoint import is_loopback
from massgen.backends.gate import EndpointGate
from massgen.backends.limits import RetryPolicy
from massgen.backends.prices import Price
from massgen.errors import ConfigError

if TYPE_CHECKING:
    import httpx2


class Connections:
    """Connection pools of one event loop; `close` ends them all. An async context manager.

    Whoever makes many runs in one process keeps them from run to run: a connection that is open saves the next run
    its handshakes.
    """

    def __init__(self) -> None:
        self._clients: dict[tuple[bool, bool], httpx2.AsyncClient] = {}

    def client(self, base_url: str | None) -> httpx2.AsyncClient:
        """The pool for `base_url`; addresses of this machine never go through a proxy."""
        direct = is_loopback(base_url)
        plain = direct and urlsplit(base_url or "").scheme == "http"
        if (direct, plain) not in self._clients:
            trusted = _trusting_nobody() if plain else _ssl_context()
            self._clients[direct, plain] = _new_client(trust_env=not direct, context=trusted)
        return self._clients[direct, plain]

    async def close(self) -> None:
        """May be called twice."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()

    async def __aenter__(self) -> Connections:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class SharedResources:
    """Made once a run and event loop; `close` ends its own connections. An async context manager.

    `seed` makes the jitter of retries repeatable. `prices` overrides the price table by model name (BE-006).
    `connections` are those of somebody who keeps them open beyond the run.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        retries: RetryPolicy | None = None,
        prices: Mapping[str, Price] | None = None,
        connections: Connections | None = None,
    ) -> None:
        self.chance = random.Random(seed)
        self.retries = retries or RetryPolicy()
        self.prices: Mapping[str, Price] = dict(prices or {})
        self._gates: dict[tuple[str, str], EndpointGate] = {}
        self._own = Connections()
        self._connections = connections or self._own
        self._routed = False

    def gate(self, endpoint: str, key: str | None) -> EndpointGate:
        """The back-off shared by everybody who calls `endpoint` with `key`."""
        fingerprint = hashlib.sha256((key or "").encode()).hexdigest()
        return self._gates.setdefault((endpoint, fingerprint), EndpointGate())

    def http_client(self, base_url: str | None) -> httpx2.AsyncClient:
        """The connection pool for `base_url`."""
        self._route_warnings()
        return self._connections.client(base_url)

    async def close(self) -> None:
        """Close all connections of the run; may be called twice."""
        await self._own.close()
        if self._routed:
            WARNING_ROUTE.release()
            self._routed = False

    async def __aenter__(self) -> SharedResources:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _route_warnings(self) -> None:
        if not self._routed:
            WARNING_ROUTE.acquire()
            self._routed = True


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    """One a process: building it reads the certificate store."""
    import httpx2

    return httpx2.create_ssl_context()


def _trusting_nobody() -> ssl.SSLContext:
    """For connections without TLS: the certificate store, which takes 40 ms to read, is left alone, and whatever
    would use TLS all the same fails."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _new_client(*, trust_env: bool, context: ssl.SSLContext) -> httpx2.AsyncClient:
    import httpx2

    try:
        return httpx2.AsyncClient(
            verify=context,
            timeout=None,
            limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=100),
            headers={"User-Agent": "massgen"},
            event_hooks={"request": [_limit_connecting], "response": [_remember]},
            trust_env=trust_env,
        )
    except (ImportError, ValueError, httpx2.InvalidURL) as error:
        hint = "Correct or unset HTTP_PROXY, HTTPS_PROXY and ALL_PROXY; http:// proxies always work."
        raise ConfigError(f"The proxy set in the environment cannot be used: {error}", hint=hint) from error


async def _limit_connecting(request: Any) -> None:
    """Replace whatever limits an SDK sent along: connecting is bounded here, the rest by the stream's watch."""
    call = CURRENT.get()
    connect = call.connect if call is not None else 10.0
    request.extensions["timeout"] = {"connect": connect, "read": None, "write": None, "pool": None}


async def _remember(response: Any) -> None:
    call = CURRENT.get()
    if call is None:
        return
    call.responses.append(response)
    kind = response.headers.get("content-type", "")
    if call.joins and kind.startswith("text/event-stream") and "content-encoding" not in response.headers:
        from massgen.backends.joined_shapes import SHAPES
        from massgen.backends.joined_stream import JoinedStream

        response.stream = JoinedStream(response.stream, SHAPES[call.joins])
