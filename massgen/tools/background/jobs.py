"""The background jobs of one agent and turn: tool calls that go on while the agent does (BG-002 to BG-014)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from massgen.errors import MassGenError
from massgen.tools.background.runtime_input import RuntimeInput
from massgen.tools.protocol import ToolOutcome

log = logging.getLogger(__name__)

JobStatus = Literal["running", "completed", "error", "cancelled"]
MAX_RUNNING = 10


class JobRefused(MassGenError):
    """No such job, or too many of them; the message is for the model."""


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """One call. `outcome` is set when it has ended; `seen` when the agent has been given it, in whatever way."""

    job_id: str
    tool_name: str
    started_at: float
    began: float
    status: JobStatus = "running"
    ended: float | None = None
    outcome: ToolOutcome | None = None
    seen: bool = False
    task: asyncio.Task[None] | None = None

    @property
    def elapsed_seconds(self) -> float:
        return (self.ended or time.monotonic()) - self.began


WaitEnd = Literal["ready", "timed_out", "runtime_injection_available", "turn_cancelled"]


class Waited(Struct, frozen=True, kw_only=True):
    """Why a wait ended: with a `job`, with `content` that arrived meanwhile, or without either."""

    end: WaitEnd
    seconds: float
    job: Job | None = None
    content: str = ""


def _nobody(_: Job) -> None:
    return None


class JobBoard:
    """Use as `async with JobBoard(...)` around a turn: at its end the jobs are cancelled and awaited (BG-018).

    `on_change` is told of each start and end, for events and views (BG-017). One event loop.
    """

    def __init__(
        self,
        runtime_input: RuntimeInput,
        *,
        on_change: Callable[[Job], None] = _nobody,
        max_running: int = MAX_RUNNING,
    ) -> None:
        self._input = runtime_input
        self._on_change = on_change
        self._max_running = max_running
        self._jobs: dict[str, Job] = {}
        self._group = asyncio.TaskGroup()
        self._news = asyncio.Event()
        self._closing = False
        runtime_input.listen(self._news.set)

    @property
    def closing(self) -> bool:
        """Whether the turn is over, which ends what still runs."""
        return self._closing

    async def __aenter__(self) -> JobBoard:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        self._news.set()
        for job in self._jobs.values():
            if job.task is not None:
                job.task.cancel()
        await self._group.__aexit__(None, None, None)

    def start(self, tool_name: str, run: Callable[[str], Awaitable[ToolOutcome]]) -> Job:
        """Start `run(job_id)` and return at once; raises `JobRefused` when too many run."""
        running = sum(job.status == "running" for job in self._jobs.values())
        if running >= self._max_running:
            raise JobRefused(f"{running} background jobs run already, the most allowed. Wait for one or cancel one.")
        job = Job(
            job_id=f"job_{secrets.token_hex(4)}", tool_name=tool_name, started_at=time.time(), began=time.monotonic()
        )
        self._jobs[job.job_id] = job
        job.task = self._group.create_task(self._carry_out(job, run), name=job.job_id)
        job.task.add_done_callback(lambda _: self._settle(job))
        self._on_change(job)
        return job

    async def _carry_out(self, job: Job, run: Callable[[str], Awaitable[ToolOutcome]]) -> None:
        try:
            job.outcome = await run(job.job_id)
            job.status = "error" if job.outcome.is_error else "completed"
        except Exception as error:
            log.warning("Background job %s (%s) failed", job.job_id, job.tool_name, exc_info=True)
            job.outcome = ToolOutcome(text=f"Error: {error}", is_error=True)
            job.status = "error"

    def _settle(self, job: Job) -> None:
        """The task is over; one that was cancelled may not even have begun."""
        if job.status == "running":
            job.status = "cancelled"
        job.ended = time.monotonic()
        self._on_change(job)
        self._news.set()

    def find(self, job_id: str) -> Job:
        """The job of this id; raises `JobRefused` with the tool to use for ids of other kinds (BG-006)."""
        job = self._jobs.get(job_id)
        if job is not None:
            return job
        shown = job_id[:80]
        if job_id.startswith("shell_"):
            raise JobRefused(f"'{shown}' is a background shell: use get_background_shell_status or _output.")
        known = ", ".join(self._jobs) or "there are none"
        raise JobRefused(
            f"No background job '{shown}' (jobs: {known}). Only a job_id is accepted; "
            "custom_tool__list_background_tools shows them, list_subagents shows subagents."
        )

    def all(self) -> tuple[Job, ...]:
        """Every job of the turn, oldest first."""
        return tuple(self._jobs.values())

    async def cancel(self, job_id: str) -> Job:
        """End a running job and wait for its end; an ended one stays as it is."""
        job = self.find(job_id)
        if job.status == "running" and job.task is not None:
            job.task.cancel()
            await asyncio.wait({job.task})
        job.seen = True
        return job

    def pending_results(self) -> tuple[Job, ...]:
        """Ended jobs that the agent has not been told of; they count as told now (BG-014)."""
        fresh = tuple(job for job in self._jobs.values() if job.status != "running" and not job.seen)
        for job in fresh:
            job.seen = True
        return fresh

    async def wait(self, timeout: float) -> Waited:
        """Wait for the next job that ends unseen, for runtime input, or for the turn's end (BG-008 to BG-011)."""
        began = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while (found := self._found(began)) is None:
                    self._news.clear()
                    await self._news.wait()
                return found
        return Waited(end="timed_out", seconds=time.monotonic() - began)

    def _found(self, began: float) -> Waited | None:
        seconds = time.monotonic() - began
        if (content := self._input.take()) is not None:
            return Waited(end="runtime_injection_available", seconds=seconds, content=content)
        for job in self._jobs.values():
            if job.status != "running" and not job.seen:
                job.seen = True
                return Waited(end="ready", seconds=seconds, job=job)
        return Waited(end="turn_cancelled", seconds=seconds) if self._closing else None
