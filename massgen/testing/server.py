"""The provider: a real HTTP server on loopback that plays scripts and records what it is asked."""

from __future__ import annotations

import asyncio
import inspect
import json
import random
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any, Self

from massgen.testing.connection import Connection, Gone, RawRequest
from massgen.testing.play import Stage
from massgen.testing.replies import Chaos, Hold, HttpError, Pace, Reply, Script
from massgen.testing.requests import ReceivedRequest, View
from massgen.testing.thread import InThread
from massgen.testing.watch import Watch
from massgen.testing.wires.table import WIRES, Route, route
from massgen.testing.wires.wire import Wire

HOST = "127.0.0.1"


class ScriptedProvider:
    """Serves each model by its script: a reply or policy for every call, or a list with one for each call.

    A model without a script is served by `default`, or does not exist (404). A call beyond the end of a list
    gets a 400 that says so, which clients do not repeat. `pace` holds for turns that have none of their own.
    Use it with `async with` in a running loop, or with `in_thread()` in a plain one.
    """

    def __init__(
        self,
        scripts: Mapping[str, Script] | None = None,
        *,
        default: Script | None = None,
        pace: Pace | None = None,
        chaos: Chaos | None = None,
        port: int = 0,
    ) -> None:
        self.scripts: dict[str, Script] = dict(scripts or {})
        self.default = default
        self.pace = pace or Pace()
        self.chaos = chaos
        self.port = port
        self.requests: list[ReceivedRequest] = []
        self.connections_made = 0
        self.problems: list[str] = []
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._gates: set[str] = set()
        self._held: list[Hold] = []
        self._connections: set[Connection] = set()
        self._listener: asyncio.Server | None = None
        self._group: asyncio.TaskGroup | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch = Watch()

    @property
    def base_url(self) -> str:
        """The address without a path, as Anthropic and Gemini clients want it: `http://127.0.0.1:PORT`."""
        return f"http://{HOST}:{self.port}"

    @property
    def openai_url(self) -> str:
        """The base URL for OpenAI's clients: `http://127.0.0.1:PORT/v1`."""
        return f"{self.base_url}/v1"

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    def requests_for(self, model: str) -> list[ReceivedRequest]:
        """The requests for `model` in order of arrival."""
        return [request for request in list(self.requests) if request.model == model]

    def open(self, gate: str) -> None:
        """Let the turns that hold at `gate` go on, now and later; from any thread."""
        self._gates.add(gate)
        self._watch.changed()

    async def wait_for_requests(self, model: str, count: int = 1) -> list[ReceivedRequest]:
        """Wait until `count` requests for `model` have arrived; returns them."""
        await self._watch.until(lambda: self._counts[model] >= count)
        return self.requests_for(model)

    async def wait_for_hold(self, gate: str, count: int = 1) -> None:
        """Wait until `count` turns have come to `gate`."""
        await self._watch.until(lambda: self._held_at(gate) >= count)

    async def wait_for_outcome(self, request: ReceivedRequest) -> None:
        """Wait until the request is answered, cut, or left by its client."""
        await self._watch.until(lambda: request.outcome != "open")

    async def wait_for_connections(self, count: int = 0) -> None:
        """Wait until at most `count` connections are open."""
        await self._watch.until(lambda: len(self._connections) <= count)

    def block_for_requests(self, model: str, count: int = 1, timeout: float = 120) -> list[ReceivedRequest]:
        """`wait_for_requests` for a thread without a loop; raises TimeoutError."""
        self._watch.block(lambda: self._counts[model] >= count, timeout)
        return self.requests_for(model)

    def block_for_hold(self, gate: str, count: int = 1, timeout: float = 120) -> None:
        """`wait_for_hold` for a thread without a loop; raises TimeoutError."""
        self._watch.block(lambda: self._held_at(gate) >= count, timeout)

    def block_for_outcome(self, request: ReceivedRequest, timeout: float = 120) -> None:
        """`wait_for_outcome` for a thread without a loop; raises TimeoutError."""
        self._watch.block(lambda: request.outcome != "open", timeout)

    def block_for_connections(self, count: int = 0, timeout: float = 120) -> None:
        """`wait_for_connections` for a thread without a loop; raises TimeoutError."""
        self._watch.block(lambda: len(self._connections) <= count, timeout)

    def block_to_listen(self) -> None:
        """`listen` from another thread than the server's."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self.listen(), self._loop).result()

    def block_to_refuse(self) -> None:
        """`refuse` from another thread than the server's; returns when the port is closed."""
        assert self._loop is not None
        refused = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (self.refuse(), refused.set()))
        refused.wait()

    def in_thread(self) -> InThread[Self]:
        """A plain context manager that runs the server in a thread with a loop of its own."""
        return InThread(self)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._group = await asyncio.TaskGroup().__aenter__()
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        for connection in list(self._connections):
            connection.close(reset=True)
        await self.wait_for_connections(0)
        if self._group is not None:
            await self._group.__aexit__(None, None, None)

    async def listen(self) -> None:
        """Accept connections, again at the same port after `refuse`. Call it in the server's own loop."""
        if self._listener is None:
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_server(lambda: Connection(self), HOST, self.port, backlog=512)
            self.port = self._listener.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Close the port: new connections are refused, open ones that are idle are closed."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in list(self._connections):
            if connection.idle:
                connection.close()

    def start(self, answering: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run the answer to one request (for `Connection`)."""
        assert self._group is not None
        return self._group.create_task(answering)

    def opened(self, connection: Connection) -> None:
        """Count a connection (for `Connection`)."""
        self._connections.add(connection)
        self.connections_made += 1
        self._watch.changed()

    def closed(self, connection: Connection) -> None:
        """Forget a connection (for `Connection`)."""
        self._connections.discard(connection)
        self._watch.changed()

    async def answer(self, request: RawRequest, connection: Connection) -> None:
        """Record a request and answer it (for `Connection`)."""
        received = self._record(request)
        try:
            await self._respond(received, connection)
        except (asyncio.CancelledError, Gone):
            received.outcome = "left"
            raise
        except Exception as error:  # noqa: BLE001 - a request handler: the client and the test are told
            await self._failed(received, connection, error)
        finally:
            if received.outcome == "open":
                received.outcome = "sent"
            self._watch.changed()

    async def _failed(self, request: ReceivedRequest, connection: Connection, error: Exception) -> None:
        """Report a script that cannot be played: a 400, or the end of a response that has begun."""
        fault = self._problem(f"the script of {request.model} failed: {error!r}")
        if connection.answered:
            request.outcome = "cut"
            connection.close()
        else:
            await connection.send_json(400, {"error": {"message": fault.message}})

    async def _respond(self, request: ReceivedRequest, connection: Connection) -> None:
        if request.format == "models":
            await connection.send_json(200, self._models())
            return
        wire = WIRES.get(request.format)
        if wire is None:
            await connection.send_json(404, {"error": {"message": f"there is nothing at {request.path}"}})
            return
        stage = Stage(
            request=request,
            connection=connection,
            wire=wire,
            pace=self.pace,
            watch=self._watch,
            passed=self._passed,
            held=self._held,
            refuse=self.refuse,
        )
        await stage.play(await self._reply(request))

    def _record(self, raw: RawRequest) -> ReceivedRequest:
        body = parsed(raw.body)
        found = route(raw.target, body)
        self._counts[found.model] += 1
        request = ReceivedRequest(
            index=len(self.requests),
            number=self._counts[found.model],
            format=found.format,
            method=raw.method,
            path=raw.target,
            headers=raw.headers,
            raw_bytes=len(raw.body),
            json=body,
            model=found.model,
            stream=found.stream,
            view=self._view(WIRES.get(found.format), found, body),
            arrived=time.monotonic(),
        )
        self.requests.append(request)
        self._watch.changed()
        return request

    def _view(self, wire: Wire | None, found: Route, body: Any) -> View:
        if wire is None or not isinstance(body, dict):
            return View()
        try:
            return wire.view(body)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            self.problems.append(f"a request for {found.model} is not understood: {error!r}")
            return View()

    async def _reply(self, request: ReceivedRequest) -> Reply:
        """What the script says for this call, or a fault in its place."""
        model = request.model
        if self.chaos is not None:
            draw = random.Random(f"{self.chaos.seed}/{model}/{request.number}")
            if draw.random() < self.chaos.rate:
                return draw.choice(self.chaos.faults)
        script = self.scripts.get(model, self.default)
        if script is None:
            return HttpError(status=404, message=f"The model `{model}` does not exist.")
        if isinstance(script, list):
            if request.number > len(script):
                return self._problem(f"the script of {model} has no call {request.number}")
            script = script[request.number - 1]
        if isinstance(script, Reply):
            return script
        reply = script(request)
        return await reply if inspect.isawaitable(reply) else reply

    def _problem(self, message: str) -> HttpError:
        self.problems.append(message)
        return HttpError(status=400, message=message)

    def _passed(self, hold: Hold) -> bool:
        if hold.gate and hold.gate not in self._gates:
            return False
        return not hold.model or self._counts[hold.model] >= hold.count

    def _held_at(self, gate: str) -> int:
        return sum(hold.gate == gate for hold in list(self._held))

    def _models(self) -> dict[str, Any]:
        """The list of models, with the keys that each provider's clients look for."""
        names = sorted(self.scripts)
        entries = [{"id": name, "object": "model", "type": "model", "display_name": name} for name in names]
        gemini = [{"name": f"models/{name}", "displayName": name} for name in names]
        return {"object": "list", "data": entries, "models": gemini, "has_more": False}


def parsed(body: bytes) -> Any:
    """The JSON value of a body, None where it is none."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def closed_port() -> int:
    """A port of loopback at which nobody listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
