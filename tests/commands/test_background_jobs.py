"""Tool calls in the background of a turn, through the runner that ordinary calls go through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from massgen.backends.protocol import ToolCall
from massgen.tools.background.jobs import Job, JobBoard
from massgen.tools.background.runtime_input import RuntimeInput
from massgen.tools.background.tools import Backgroundable, background_tools, results_text
from massgen.tools.hooks.chain import Hooks
from massgen.tools.hooks.protocol import HookEvent, HookResult
from massgen.tools.protocol import Tool, ToolContext, ToolOutcome, ToolTraits
from massgen.tools.runner import ToolRunner
from tests.commands.place import make_agent
from tests.tools.doubles import PlainTool, Recorder, call, context, echo


@dataclass
class Desk:
    """An agent in the middle of a turn: a runner with slow tools, a board, a way to call."""

    board: JobBoard
    runner: ToolRunner
    runtime_input: RuntimeInput
    gate: asyncio.Event
    recorder: Recorder
    changes: list[tuple[str, str]]
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ended: list[str] = field(default_factory=list)

    async def ask(self, name: str, **arguments: Any) -> dict[str, Any]:
        return json.loads((await self.call(f"custom_tool__{name}", **arguments)).text)

    async def call(self, name: str, **arguments: Any) -> ToolOutcome:
        return (await self.runner.run_all([call(name, arguments)], context))[0]

    async def start(self, tool: str = "custom_tool__slow", **arguments: Any) -> str:
        answer = await self.ask("start_background_tool", tool_name=tool, arguments=arguments)
        return answer["job_id"]


def at_desk(use: Callable[[Desk], Awaitable[None]], *, root: Path | None = None, hooks: Hooks | None = None) -> Desk:
    """Run `use` within a turn and return what is left of it."""

    async def run() -> Desk:
        gate, recorder, runtime_input = asyncio.Event(), Recorder(), RuntimeInput()
        changes: list[tuple[str, str]] = []
        desks: list[Desk] = []

        async def slow(arguments: Mapping[str, Any], _: ToolContext) -> ToolOutcome:
            desks[0].begun.set()
            try:
                await gate.wait()
            finally:
                desks[0].ended.append("slow")
            if arguments.get("fail"):
                return ToolOutcome(text="it failed", is_error=True)
            return ToolOutcome(text=f"done {json.dumps(dict(arguments))}")

        def note(job: Job) -> None:
            changes.append((job.tool_name, job.status))

        async with JobBoard(runtime_input, on_change=note) as board:
            tools: list[Tool] = [
                Backgroundable(PlainTool("custom_tool__slow", slow), board),
                Backgroundable(echo("custom_tool__own", schema=_WITH_OWN), board),
                Backgroundable(echo("custom_tool__strict", schema=_STRICT), board),
                PlainTool("mcp__server__slow", slow, traits=ToolTraits(source="mcp", server="server")),
            ]
            if root is not None:
                tools += make_agent(root).tools.values()

            def find(name: str) -> Tool | None:
                return next((tool for tool in tools if tool.spec.name == name), None)

            async def call_target(
                name: str, arguments: Mapping[str, Any], about: ToolContext, job_id: str
            ) -> ToolOutcome:
                asked = ToolCall(call_id=job_id, name=name, arguments=json.dumps(dict(arguments)))
                return (await desks[0].runner.run_all([asked], lambda _: about))[0]

            offered = [*tools, *background_tools(board, find, call_target)]
            runner = ToolRunner(offered, hooks=hooks or Hooks(), observer=recorder)
            desks.append(Desk(board, runner, runtime_input, gate, recorder, changes))
            await use(desks[0])
        return desks[0]

    return asyncio.run(run())


_WITH_OWN = {"type": "object", "properties": {"mode": {"type": "string"}, "background": {"type": "boolean"}}}
_STRICT = {"type": "object", "properties": {"x": {"type": "integer"}}, "additionalProperties": False}


@pytest.mark.spec("BG-001")
def test_six_tools_are_offered() -> None:
    async def use(desk: Desk) -> None:
        names = {spec.name for spec in desk.runner.specs() if "background" in spec.name}
        assert names == {
            "custom_tool__start_background_tool",
            "custom_tool__get_background_tool_status",
            "custom_tool__get_background_tool_result",
            "custom_tool__wait_for_background_tool",
            "custom_tool__cancel_background_tool",
            "custom_tool__list_background_tools",
        }

    at_desk(use)


@pytest.mark.spec("BG-002", "BG-004")
@pytest.mark.parametrize("tool", ["custom_tool__slow", "mcp__server__slow"])
def test_a_job_starts_at_once_and_its_result_is_there_when_it_has_ended(tool: str) -> None:
    async def use(desk: Desk) -> None:
        started = await desk.ask("start_background_tool", tool_name=tool, arguments={"a": 1})
        assert started["success"] is True
        assert (started["status"], started["tool_name"]) == ("running", tool)
        assert started.keys() == {"success", "job_id", "tool_name", "status", "started_at", "elapsed_seconds"}
        job = started["job_id"]
        assert (await desk.ask("get_background_tool_status", job_id=job))["status"] == "running"
        early = await desk.ask("get_background_tool_result", job_id=job)
        assert (early["ready"], early["status"]) == (False, "running")
        desk.gate.set()
        await desk.ask("wait_for_background_tool")
        late = await desk.ask("get_background_tool_result", job_id=job)
        assert (late["status"], late["result"], late["error"]) == ("completed", 'done {"a": 1}', None)

    at_desk(use)


@pytest.mark.spec("BG-003")
@pytest.mark.parametrize("asked", [{"background": True}, {"mode": "background"}])
def test_a_mark_among_the_arguments_starts_a_job_and_does_not_reach_the_tool(asked: dict[str, Any]) -> None:
    async def use(desk: Desk) -> None:
        started = json.loads((await desk.call("custom_tool__slow", a=1, **asked)).text)
        assert started["status"] == "running"
        desk.gate.set()
        done = await desk.ask("wait_for_background_tool")
        assert done["result"] == 'done {"a": 1}'

    at_desk(use)


@pytest.mark.spec("BG-003")
def test_a_tool_without_room_for_other_arguments_takes_the_mark_too() -> None:
    async def use(desk: Desk) -> None:
        started = json.loads((await desk.call("custom_tool__strict", x=1, background=True)).text)
        assert started["tool_name"] == "custom_tool__strict"
        assert (await desk.ask("wait_for_background_tool"))["result"] == '{"x": 1}'

    at_desk(use)


@pytest.mark.spec("BG-003")
def test_a_parameter_of_the_tool_itself_keeps_its_meaning() -> None:
    async def use(desk: Desk) -> None:
        outcome = await desk.call("custom_tool__own", mode="background", background=True)
        assert json.loads(outcome.text) == {"mode": "background", "background": True}

    at_desk(use)


@pytest.mark.spec("BG-005")
def test_a_cancelled_job_ends_and_is_listed_only_on_request() -> None:
    async def use(desk: Desk) -> None:
        job, other = await desk.start(), await desk.start()
        await desk.begun.wait()
        assert (await desk.ask("cancel_background_tool", job_id=job))["status"] == "cancelled"
        assert desk.ended == ["slow"]
        running = (await desk.ask("list_background_tools"))["jobs"]
        assert [item["job_id"] for item in running] == [other]
        every = (await desk.ask("list_background_tools", include_all=True))["jobs"]
        assert [item["status"] for item in every] == ["cancelled", "running"]

    at_desk(use)


@pytest.mark.spec("BG-006", "BG-019")
@pytest.mark.parametrize(
    ("job_id", "advice"), [("subagent_1", "list_subagents"), ("shell_1234", "get_background_shell_status")]
)
def test_ids_of_other_kinds_are_refused_with_the_tool_to_use(job_id: str, advice: str) -> None:
    async def use(desk: Desk) -> None:
        for tool in ("get_background_tool_status", "get_background_tool_result", "cancel_background_tool"):
            answer = await desk.ask(tool, job_id=job_id)
            assert answer["success"] is False
            assert advice in answer["error"]
        wrong_key = await desk.call("custom_tool__get_background_tool_status", subagent_id="x")
        assert wrong_key.is_error
        assert "job_id" in wrong_key.text

    at_desk(use)


@dataclass
class Block:
    """A permission hook that refuses one tool, as planning mode does."""

    name: str = "block"
    matcher: str = "*"
    timeout_seconds: float = 5.0
    fail_closed: bool = True

    async def run(self, event: HookEvent) -> HookResult:
        return HookResult.deny("blocked while planning") if event.tool_name.endswith("slow") else HookResult.allow()


@pytest.mark.spec("BG-007")
def test_what_refuses_a_direct_call_refuses_the_background_call() -> None:
    async def use(desk: Desk) -> None:
        await desk.start()
        done = await desk.ask("wait_for_background_tool")
        assert done["status"] == "error"
        assert "blocked while planning" in done["error"]
        assert desk.ended == []

    at_desk(use, hooks=Hooks(permission=[Block()]))


@pytest.mark.spec("BG-007")
def test_commands_workflow_and_unknown_tools_do_not_run_as_jobs(tmp_path: Path) -> None:
    async def use(desk: Desk) -> None:
        command = "mcp__command_line__execute_command"
        answer = await desk.ask("start_background_tool", tool_name=command, arguments={"command": "true"})
        assert "start_background_shell" in answer["error"]
        for name in ("vote", "nothing", "custom_tool__start_background_tool"):
            assert (await desk.ask("start_background_tool", tool_name=name))["success"] is False

    at_desk(use, root=tmp_path)


@pytest.mark.spec("BG-008", "BG-009")
def test_each_job_is_reported_by_one_wait_and_then_a_wait_times_out() -> None:
    async def use(desk: Desk) -> None:
        jobs = {await desk.start(), await desk.start("custom_tool__slow", fail=True)}
        desk.gate.set()
        first, second = await desk.ask("wait_for_background_tool"), await desk.ask("wait_for_background_tool")
        assert {first["job_id"], second["job_id"]} == jobs
        assert {first["status"], second["status"]} == {"completed", "error"}
        third = await desk.ask("wait_for_background_tool", timeout_seconds=0.05)
        assert third.pop("waited_seconds") >= 0.05
        assert third == {"success": True, "ready": False, "timed_out": True}

    at_desk(use)


@pytest.mark.spec("BG-010", "BG-013")
def test_input_that_arrives_ends_a_wait_and_disturbs_no_job() -> None:
    async def use(desk: Desk) -> None:
        await desk.start()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(desk.ask("wait_for_background_tool"))
            for _ in range(50):
                await asyncio.sleep(0)
            desk.runtime_input.put("please hurry")
        answer = waiting.result()
        assert answer.pop("waited_seconds") >= 0
        assert answer == {
            "success": True,
            "ready": False,
            "interrupted": True,
            "interrupt_reason": "runtime_injection_available",
            "injected_content": "please hurry",
        }
        desk.gate.set()
        assert (await desk.ask("wait_for_background_tool"))["status"] == "completed"

    at_desk(use)


@pytest.mark.spec("BG-011")
def test_input_queued_before_a_wait_ends_it_at_once_and_is_delivered_once() -> None:
    async def use(desk: Desk) -> None:
        desk.runtime_input.put("one")
        desk.runtime_input.put("two")
        assert (await desk.ask("wait_for_background_tool"))["injected_content"] == "one\n\ntwo"
        assert (await desk.ask("wait_for_background_tool", timeout_seconds=0.01))["timed_out"] is True

    at_desk(use)


@pytest.mark.spec("BG-014")
def test_a_result_is_delivered_in_one_way_only() -> None:
    async def use(desk: Desk) -> None:
        polled, pushed = await desk.start(), await desk.start()
        desk.gate.set()
        await asyncio.wait([job.task for job in desk.board.all() if job.task])
        await desk.ask("get_background_tool_result", job_id=polled)
        fresh = desk.board.pending_results()
        assert [job.job_id for job in fresh] == [pushed]
        assert f"Background job {pushed} (custom_tool__slow) completed:\ndone" in results_text(fresh)
        assert desk.board.pending_results() == ()
        assert (await desk.ask("wait_for_background_tool", timeout_seconds=0.01))["timed_out"] is True

    at_desk(use)


@pytest.mark.spec("BG-017")
def test_starts_and_ends_are_told() -> None:
    async def use(desk: Desk) -> None:
        await desk.start()
        desk.gate.set()
        await desk.ask("wait_for_background_tool")

    assert at_desk(use).changes == [("custom_tool__slow", "running"), ("custom_tool__slow", "completed")]


@pytest.mark.spec("BG-018")
def test_jobs_end_with_the_turn() -> None:
    async def use(desk: Desk) -> None:
        await desk.start()
        await desk.begun.wait()

    desk = at_desk(use)
    assert desk.ended == ["slow"]
    assert [job.status for job in desk.board.all()] == ["cancelled"]


@pytest.mark.spec("BG-010", "BG-018")
def test_a_wait_ends_when_the_turn_is_cancelled() -> None:
    async def run() -> str:
        async with asyncio.TaskGroup() as group:
            async with JobBoard(RuntimeInput()) as board:
                waiting = group.create_task(board.wait(60))
                await asyncio.sleep(0)
            return (await waiting).end

    assert asyncio.run(run()) == "turn_cancelled"


@pytest.mark.spec("BG-002")
def test_the_eleventh_running_job_is_refused() -> None:
    async def use(desk: Desk) -> None:
        for _ in range(10):
            await desk.start()
        answer = await desk.ask("start_background_tool", tool_name="custom_tool__slow")
        assert answer["success"] is False
        assert "10 background jobs run already" in answer["error"]

    at_desk(use)
