"""One request = one run: queued, watched, cancelled when the caller goes."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from msgspec.structs import replace

from massgen.backends import Connections
from massgen.backends.protocol import ToolCall, ToolSpec
from massgen.config import LoadedConfig
from massgen.errors import EXIT_TIMEOUT, ExecutionError, MassGenError
from massgen.events.types import Event
from massgen.runs.chats import Chat
from massgen.runs.executing import execute
from massgen.runs.request import CallerFunctions, RunRequest, RunResult
from massgen.runs.run import Run
from massgen.server.settings import ServerSettings

log = logging.getLogger(__name__)
NO_ANSWER = "The team gave no answer."


class Overloaded(MassGenError):
    """Too many requests wait already."""


class NoAnswer(MassGenError):
    """The team gave no answer; `timed_out` says that its time was used up."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


Told = Event | RunResult | MassGenError


@dataclass(slots=True, kw_only=True)
class Ticket:
    """A request in the queue or at work. `watch` yields the run's events, last its result or its error."""

    run: Run
    model: str
    used: str
    watch: asyncio.Queue[Told] = field(default_factory=asyncio.Queue)
    task: asyncio.Task[None] | None = None

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """What the presenter asks the caller to run instead of an answer."""
        functions = self.run.request.functions
        called = functions.calls if functions is not None else ()
        return tuple(replace(call, arguments=self.run.log.redact(call.arguments)) for call in called)

    def leave(self) -> None:
        """The caller has gone: the run is cancelled, and its end is awaited by the desk, not by the caller."""
        if self.task is not None and not self.task.done():
            self.task.cancel()

    async def result(self) -> tuple[RunResult, list[Event]]:
        """Result and events. Raises the run's error, `NoAnswer` where there is none."""
        events: list[Event] = []
        while True:
            match await self.watch.get():
                case RunResult() as result:
                    if not result.answer and not self.calls:
                        raise NoAnswer(result.message or NO_ANSWER, timed_out=result.exit_code == EXIT_TIMEOUT)
                    return result, events
                case MassGenError() as error:
                    raise error
                case event:
                    events.append(event)


@dataclass(slots=True)
class Desk:
    """Serves chats with at most `max_concurrent` runs at once, in the order of arrival (SRV-013).

    Inside `async with`; leaving it cancels what still runs and waits until all has ended.
    """

    settings: ServerSettings
    _working: int = 0
    _places: asyncio.Semaphore = field(init=False)
    _group: asyncio.TaskGroup = field(init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _connections: Connections = field(default_factory=Connections)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.settings.max_concurrent)
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Desk:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)
        await self._connections.close()

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._tasks) - self._working

    def submit(self, loaded: LoadedConfig, chat: Chat, *, model: str, functions: tuple[ToolSpec, ...] = ()) -> Ticket:
        """Take a place in the queue. Raises `Overloaded`."""
        if self.waiting >= self.settings.max_queued:
            raise Overloaded("Too many requests are waiting. Try again later.")
        run = Run(
            RunRequest(
                loaded=loaded,
                question=chat.question,
                launch=self.settings.launch,
                history=chat.history,
                instructions=chat.instructions,
                session_prefix="api_session",
                debug=self.settings.debug,
                cli_args={"mode": "server", "model": model},
                functions=CallerFunctions(specs=functions) if functions else None,
            ),
            connections=self._connections,
        )
        ticket = Ticket(run=run, model=model, used=str(loaded.path or "config"))
        ticket.task = self._group.create_task(self._serve(ticket))
        self._tasks.add(ticket.task)
        ticket.task.add_done_callback(self._tasks.discard)
        return ticket

    async def _serve(self, ticket: Ticket) -> None:
        """Wait for a place, then run. Cancelling ends the run and waits until it has ended."""
        await self._places.acquire()
        self._working += 1
        try:
            ticket.run.prepare()
            ticket.run.stream.subscribe(ticket.watch.put_nowait)
            ticket.watch.put_nowait(await execute(ticket.run))
        except MassGenError as error:
            ticket.watch.put_nowait(error)
        except Exception:
            log.exception("a request failed")
            ticket.watch.put_nowait(ExecutionError("The request could not be served."))
        finally:
            self._working -= 1
            self._places.release()
