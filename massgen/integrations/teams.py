"""`massgen.open`: a team that a program talks to, event by event, question after question."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from massgen.errors import ExecutionError
from massgen.events.types import Event
from massgen.integrations.sources import Wanted, find_source, requested_paths
from massgen.integrations.value_errors import configuration_errors
from massgen.runs.conversation import Conversation
from massgen.runs.executing import execute
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.run import Run


class OpenTeam:
    """A conversation with a team, inside `async with`. One question at a time; all are turns of one session."""

    def __init__(self, wanted: Wanted, *, session_id: str | None, context_paths: Sequence[Any], debug: bool) -> None:
        self._wanted = wanted
        self._session_id = session_id
        self._paths = context_paths
        self._debug = debug
        self._conversation: Conversation | None = None
        self._asking: Asking | None = None
        self._closed = False

    async def __aenter__(self) -> OpenTeam:
        with configuration_errors():
            source = find_source(self._wanted)
            source.loaded.require()
            base = RunRequest(
                loaded=source.loaded,
                question="",
                launch=Path.cwd(),
                plain=source.plain,
                session_id=self._session_id,
                context_paths=requested_paths(self._paths),
                debug=self._debug,
                cli_args={"mode": "python"},
            )
        self._conversation = Conversation(base=base)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        if self._asking is not None:
            await self._asking.close()

    @property
    def session_id(self) -> str | None:
        """The session of the first question on; `massgen.run(..., session_id=...)` goes on with it."""
        last = self._conversation.last if self._conversation is not None else None
        return last.session.session_id if last is not None else self._session_id

    def ask(self, question: str, *, context_paths: Sequence[Any] = ()) -> Asking:
        """The next turn. It starts when it is iterated over or awaited.

        Raises `ConfigurationError` for an empty question or a wrong path, `ExecutionError` while the last question
        is not done, after `cancel(after_turn=True)`, and outside of `async with`.
        """
        if self._conversation is None or self._closed:
            raise ExecutionError("The team takes no more questions.", hint="Ask inside: async with massgen.open(...)")
        if self._asking is not None and not self._asking.is_done:
            raise ExecutionError("The team is still answering.", hint="Await the answer first, or use inject(text).")
        with configuration_errors():
            run = self._conversation.turn(question, requested_paths(context_paths))
        self._asking = Asking(run, on_last=self._close)
        return self._asking

    def forget(self) -> None:
        """Later questions are told nothing of the earlier ones; these stay on disk."""
        if self._conversation is not None:
            self._conversation.forget()

    def _close(self) -> None:
        self._closed = True


class Asking:
    """One question on its way: `async for event in it`, `await it` for the `RunResult`, or both one after the other."""

    def __init__(self, run: Run, *, on_last: Any = None) -> None:
        self._run = run
        self._on_last = on_last
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._task: asyncio.Task[RunResult] | None = None

    @property
    def is_done(self) -> bool:
        return self._task is not None and self._task.done()

    @property
    def agents(self) -> tuple[str, ...]:
        return self._run.agents

    @property
    def log_dir(self) -> Path:
        return self._run.log_dir

    def __aiter__(self) -> AsyncIterator[Event]:
        self._start()
        return self._each()

    def __await__(self) -> Generator[Any, None, RunResult]:
        return self._result().__await__()

    def cancel(self, *, after_turn: bool = False) -> None:
        """Stop the model calls now and keep what there is; the result says `cancelled`.

        With `after_turn` this question is answered to its end, and the team takes no further one.
        """
        if not after_turn:
            self._run.cancel()
        elif self._on_last is not None:
            self._on_last()

    def inject(self, text: str, agent_id: str | None = None) -> None:
        """Tell all agents, or one, something while they work; each hears it at its next safe point."""
        self._run.inject(text, agent_id)

    def skip(self, agent_id: str) -> bool:
        """One agent stops its work and is out for this question; its answers stay. False: there is no such agent."""
        return self._run.skip(agent_id)

    async def close(self) -> None:
        """Stop, and wait until everything has ended. Harmless when it is done."""
        if self._task is None:
            self._run.cancel()
            await self._start()
        elif not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    def _start(self) -> asyncio.Task[RunResult]:
        if self._task is None:
            self._run.stream.subscribe(self._events.put_nowait)
            self._task = asyncio.ensure_future(execute(self._run))
            self._task.add_done_callback(lambda _: self._events.put_nowait(None))
        return self._task

    async def _each(self) -> AsyncIterator[Event]:
        while (event := await self._events.get()) is not None:
            yield event
        self._events.put_nowait(None)

    async def _result(self) -> RunResult:
        """Cancelling the waiting task cancels the run."""
        return await self._start()


def open(
    config: str | Path | Mapping[str, Any] | None = None,
    *,
    model: str | None = None,
    models: Sequence[str] = (),
    num_agents: int | None = None,
    enable_filesystem: bool = True,
    session_id: str | None = None,
    context_paths: Sequence[Any] = (),
    debug: bool = False,
) -> OpenTeam:
    """A team for `async with`: `config` is a path, a name, `@examples/...` or a dictionary; the rest as in `run`."""
    values = config if isinstance(config, Mapping) else None
    wanted = Wanted(
        config_dict=values,
        config=config if values is None and not isinstance(config, Mapping) else None,
        models=tuple(models),
        model=model,
        num_agents=num_agents,
        enable_filesystem=enable_filesystem,
    )
    return OpenTeam(wanted, session_id=session_id, context_paths=context_paths, debug=debug)
