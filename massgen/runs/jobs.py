"""Background jobs of one agent in a turn: its board, its tools, and results that reach it by themselves (BG-014)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from massgen.backends.protocol import ToolCall
from massgen.engine.words import RuntimeWords
from massgen.events.types import BackgroundJob
from massgen.tools.background.jobs import Job, JobBoard
from massgen.tools.background.runtime_input import RuntimeInput
from massgen.tools.background.tools import Backgroundable, background_tools, results_text
from massgen.tools.catalog import ToolCatalog
from massgen.tools.protocol import Tool, ToolContext, ToolOutcome
from massgen.workspace.sandbox.shells import ShellState

LONGEST_COMMAND = 200
RunCall = Callable[[ToolCall], Awaitable[ToolOutcome]]


def _nobody(_: BackgroundJob) -> None:
    return None


def shell_job(state: ShellState) -> BackgroundJob:
    """A background shell as displays show it: its command is its tool (TUI-019)."""
    match state.status:
        case "running":
            status = "running"
        case "failed":
            status = "error"
        case "stopped":
            status = "completed" if state.exit_code == 0 else "cancelled"
    milliseconds = 0.0 if status == "running" else round(state.duration_seconds * 1000, 3)
    tool = f"$ {' '.join(state.command.split())[:LONGEST_COMMAND]}"
    return BackgroundJob(job_id=state.shell_id, tool=tool, status=status, milliseconds=milliseconds)


class SpokenInput(RuntimeInput):
    """What people tell the agent, as its waiting for a job sees it (BG-010, BG-011)."""

    def __init__(self) -> None:
        super().__init__()
        self._words: RuntimeWords | None = None
        self._listener: Callable[[], None] | None = None

    def attach(self, words: RuntimeWords) -> None:
        """Listen to these words from now on."""
        self._words = words
        if self._listener is not None:
            words.on_put = self._listener

    def listen(self, on_put: Callable[[], None]) -> None:
        self._listener = on_put

    def take(self) -> str | None:
        texts = self._words.take() if self._words is not None else ()
        return "\n\n".join(texts) if texts else None


@dataclass(slots=True)
class AgentJobs:
    """Enter `board` for the length of the turn. `run_call` is how the running round calls a tool by name.

    `tell` is told of each beginning and end while the turn goes on (BG-017).
    """

    spoken: SpokenInput = field(default_factory=SpokenInput)
    board: JobBoard = field(init=False)
    run_call: RunCall | None = None
    tell: Callable[[BackgroundJob], object] = _nobody
    _catalog: ToolCatalog = field(default_factory=lambda: ToolCatalog([]))

    def __post_init__(self) -> None:
        self.board = JobBoard(self.spoken, on_change=self._changed)

    def _changed(self, job: Job) -> None:
        if not self.board.closing:
            milliseconds = round(job.elapsed_seconds * 1000, 3) if job.status != "running" else 0.0
            self.tell(
                BackgroundJob(job_id=job.job_id, tool=job.tool_name, status=job.status, milliseconds=milliseconds)
            )

    def with_jobs(self, tools: Sequence[Tool]) -> list[Tool]:
        """`tools`, custom ones able to run in the background, and the six tools of jobs (BG-001, BG-003)."""
        own = [Backgroundable(tool, self.board) if tool.traits.source == "custom" else tool for tool in tools]
        return [*own, *background_tools(self.board, self._find, self._call_target)]

    def serve(self, tools: Sequence[Tool]) -> None:
        """`tools` passed the agent's filter: only they can be started."""
        self._catalog = ToolCatalog(tools)

    def _find(self, name: str) -> Tool | None:
        return self._catalog.find(name)

    async def _call_target(self, name: str, arguments: Mapping[str, Any], _: ToolContext, job_id: str) -> ToolOutcome:
        """Hooks, permissions and blocks apply as to a direct call (BG-007)."""
        assert self.run_call is not None
        return await self.run_call(ToolCall(call_id=job_id, name=name, arguments=json.dumps(arguments)))

    def news(self) -> str:
        """Results of ended jobs that the agent was not told of; empty without any."""
        ended = self.board.pending_results()
        return results_text(ended) if ended else ""
