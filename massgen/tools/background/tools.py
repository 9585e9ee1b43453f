"""The six tools of background jobs (BG-001), and the wrapper that starts a custom tool in the background (BG-003)."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, assert_never

from massgen.backends.protocol import ToolSpec
from massgen.errors import MassGenError
from massgen.tools.background.jobs import Job, JobBoard, JobRefused, Waited
from massgen.tools.protocol import Tool, ToolContext, ToolOutcome, ToolTraits

PREFIX = "custom_tool__"
DEFAULT_WAIT, MAX_WAIT = 30.0, 600.0
TARGETS = frozenset({"custom", "mcp", "media"})

FindTool = Callable[[str], Tool | None]
CallTarget = Callable[[str, Mapping[str, Any], ToolContext, str], Awaitable[ToolOutcome]]
"""Call a tool by name as the runner would (checks, hooks, filters); the last argument is the job's id."""

_Action = Callable[[Mapping[str, Any], ToolContext], Awaitable[dict[str, Any]]]
_TEXT = {"type": "string"}
_JOB = {"job_id": _TEXT}
_SECONDS = {"type": "number", "exclusiveMinimum": 0}


class BackgroundTool:
    """One of the six; `action` answers with the JSON object that the model gets."""

    def __init__(
        self, name: str, description: str, properties: Mapping[str, Any], required: list[str], action: _Action
    ) -> None:
        parameters = {"type": "object", "properties": dict(properties), "required": required}
        self._spec = ToolSpec(name=PREFIX + name, description=description, parameters=parameters)
        self._action = action

    @property
    def spec(self) -> ToolSpec:
        return self._spec

    @property
    def traits(self) -> ToolTraits:
        return ToolTraits(source="background", writes=False, timeout_seconds=math.inf)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        try:
            answer = await self._action(arguments, context)
        except MassGenError as error:
            return ToolOutcome(text=json.dumps({"success": False, "error": error.message}), is_error=True)
        return ToolOutcome(text=json.dumps(answer, ensure_ascii=False))


class BackgroundActions:
    """What the six tools do. `find` knows the agent's tools, `call_target` runs one like a direct call (BG-007)."""

    def __init__(self, board: JobBoard, find: FindTool, call_target: CallTarget) -> None:
        self._board = board
        self._find = find
        self._call_target = call_target

    def tools(self) -> list[BackgroundTool]:
        start = {"tool_name": _TEXT, "arguments": {"type": "object"}}
        wait = {"timeout_seconds": {**_SECONDS, "description": f"Default {DEFAULT_WAIT:g}, at most {MAX_WAIT:g}"}}
        return [
            BackgroundTool(
                "start_background_tool",
                "Start a custom or MCP tool as a background job; its result comes with a later tool result.",
                start,
                ["tool_name"],
                self.start,
            ),
            BackgroundTool("get_background_tool_status", "State of a job.", _JOB, ["job_id"], self.status),
            BackgroundTool("get_background_tool_result", "Result of an ended job.", _JOB, ["job_id"], self.result),
            BackgroundTool("wait_for_background_tool", "Wait until the next job ends.", wait, [], self.wait),
            BackgroundTool("cancel_background_tool", "End a job.", _JOB, ["job_id"], self.cancel),
            BackgroundTool("list_background_tools", "Your jobs.", {"include_all": {"type": "boolean"}}, [], self.list),
        ]

    async def start(self, arguments: Mapping[str, Any], context: ToolContext) -> dict[str, Any]:
        name = str(arguments["tool_name"])
        target = self._find(name)
        if target is None:
            raise JobRefused(f"There is no tool '{name[:80]}'.")
        if target.traits.source not in TARGETS:
            hint = " Use start_background_shell." if target.traits.source == "command" else ""
            raise JobRefused(f"'{target.spec.name}' cannot run in the background.{hint}")
        given = dict(arguments.get("arguments") or {})

        async def run(job_id: str) -> ToolOutcome:
            return await self._call_target(target.spec.name, given, context, job_id)

        return {"success": True} | described(self._board.start(target.spec.name, run))

    async def status(self, arguments: Mapping[str, Any], _: ToolContext) -> dict[str, Any]:
        return {"success": True} | described(self._board.find(str(arguments["job_id"])))

    async def result(self, arguments: Mapping[str, Any], _: ToolContext) -> dict[str, Any]:
        job = self._board.find(str(arguments["job_id"]))
        if job.status == "running":
            note = "It is still running; ask again later or wait with custom_tool__wait_for_background_tool."
            return {"success": True, "ready": False, "note": note} | described(job)
        job.seen = True
        return {"success": True, "ready": True} | with_result(job)

    async def wait(self, arguments: Mapping[str, Any], _: ToolContext) -> dict[str, Any]:
        asked = arguments.get("timeout_seconds", arguments.get("timeout", DEFAULT_WAIT))
        waited = await self._board.wait(min(float(asked), MAX_WAIT))
        return wait_answer(waited)

    async def cancel(self, arguments: Mapping[str, Any], _: ToolContext) -> dict[str, Any]:
        return {"success": True} | described(await self._board.cancel(str(arguments["job_id"])))

    async def list(self, arguments: Mapping[str, Any], _: ToolContext) -> dict[str, Any]:
        every = bool(arguments.get("include_all"))
        jobs = [described(job) for job in self._board.all() if every or job.status == "running"]
        return {"success": True, "jobs": jobs}


class Backgroundable:
    """A custom tool whose calls may carry `background: true` or `mode: "background"` (BG-003).

    Where the tool has a parameter of that name, the tool's own meaning wins (S-30).
    """

    def __init__(self, tool: Tool, board: JobBoard) -> None:
        self._tool = tool
        self._board = board
        self._own = frozenset(tool.spec.parameters.get("properties", {}))

    @property
    def spec(self) -> ToolSpec:
        spec = self._tool.spec
        if spec.parameters.get("additionalProperties") is not False or "background" in self._own:
            return spec
        properties = {**spec.parameters.get("properties", {}), "background": {"type": "boolean"}}
        parameters = {**spec.parameters, "properties": properties}
        return ToolSpec(name=spec.name, description=spec.description, parameters=parameters)

    @property
    def traits(self) -> ToolTraits:
        return self._tool.traits

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        marks = {"background", "mode"} - self._own
        rest = {key: value for key, value in arguments.items() if key not in marks}
        asked = ("background" in marks and arguments.get("background") is True) or (
            "mode" in marks and arguments.get("mode") == "background"
        )
        if not asked:
            return await self._tool.call(rest if "background" in arguments else arguments, context)
        try:
            job = self._board.start(self.spec.name, lambda _: self._tool.call(rest, context))
        except JobRefused as error:
            return ToolOutcome(text=json.dumps({"success": False, "error": error.message}), is_error=True)
        return ToolOutcome(text=json.dumps({"success": True} | described(job)))


def background_tools(board: JobBoard, find: FindTool, call_target: CallTarget) -> list[Tool]:
    """The six tools, for an agent that has custom or MCP tools (BG-001)."""
    return [*BackgroundActions(board, find, call_target).tools()]


def described(job: Job) -> dict[str, Any]:
    """A job as its start and status answer."""
    return {
        "job_id": job.job_id,
        "tool_name": job.tool_name,
        "status": job.status,
        "started_at": datetime.fromtimestamp(job.started_at, UTC).isoformat(timespec="seconds"),
        "elapsed_seconds": round(job.elapsed_seconds, 3),
    }


def with_result(job: Job) -> dict[str, Any]:
    """A job that has ended, with its whole output."""
    outcome = job.outcome
    failed = job.status == "error"
    return described(job) | {
        "result": outcome.text if outcome is not None and not failed else None,
        "error": outcome.text if outcome is not None and failed else None,
    }


def wait_answer(waited: Waited) -> dict[str, Any]:
    """The answer of a wait in its four forms (BG-008 to BG-010)."""
    seconds = {"waited_seconds": round(waited.seconds, 3)}
    match waited.end:
        case "ready":
            return {"success": True, "ready": True} | (with_result(waited.job) if waited.job else {}) | seconds
        case "runtime_injection_available":
            reason = {"interrupt_reason": waited.end, "injected_content": waited.content}
            return {"success": True, "ready": False, "interrupted": True} | reason | seconds
        case "turn_cancelled":
            return {"success": True, "ready": False, "interrupted": True, "interrupt_reason": waited.end} | seconds
        case "timed_out":
            return {"success": True, "ready": False, "timed_out": True} | seconds
        case other:
            assert_never(other)


def results_text(jobs: tuple[Job, ...]) -> str:
    """Ended jobs as one text to be put before the agent at a safe point (BG-014)."""
    return "\n".join(
        f"Background job {job.job_id} ({job.tool_name}) {job.status}:\n{job.outcome.text if job.outcome else ''}"
        for job in jobs
    )
