"""The nine planning tools (COORD-159)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from massgen.backends.protocol import ToolSpec
from massgen.errors import MassGenError
from massgen.tools.planning.plan import PRIORITIES, STATUSES, Task, TaskPlan
from massgen.tools.planning.store import PlanStore
from massgen.tools.protocol import Tool, ToolContext, ToolOutcome, ToolTraits

SERVER = "planning"
Change = Callable[[TaskPlan, Mapping[str, Any]], dict[str, Any]]


class _Kind(Struct, frozen=True, kw_only=True):
    name: str
    description: str
    run: Change
    properties: Mapping[str, Any]
    required: tuple[str, ...] = ()
    writes: bool = True


class PlanningTool(Struct, frozen=True, kw_only=True):
    """Implements `Tool`: loads the plan, applies one operation, keeps the plan, answers with JSON."""

    kind: _Kind
    store: PlanStore

    @property
    def spec(self) -> ToolSpec:
        """The tool under its MCP name."""
        return ToolSpec(
            name=f"mcp__{SERVER}__{self.kind.name}",
            description=self.kind.description,
            parameters={
                "type": "object",
                "properties": dict(self.kind.properties),
                "required": list(self.kind.required),
            },
        )

    @property
    def traits(self) -> ToolTraits:
        """Plans change in call order."""
        return ToolTraits(source="planning", server=SERVER, writes=False, parallel=False)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Apply the operation."""
        work = asyncio.get_running_loop().run_in_executor(None, self._run, arguments)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            raise

    def _run(self, arguments: Mapping[str, Any]) -> ToolOutcome:
        try:
            plan = self.store.load()
            result = self.kind.run(plan, arguments)
            if self.kind.writes:
                self.store.save(plan)
        except MassGenError as error:
            return ToolOutcome(text=f"Error: {error.message}", is_error=True)
        except OSError as error:
            return ToolOutcome(text=f"Error: the plan could not be kept: {error.strerror}", is_error=True)
        return ToolOutcome(text=json.dumps(result, ensure_ascii=False))


def planning_tools(store: PlanStore) -> list[Tool]:
    """The tools of one agent over its own plan; nobody else sees it."""
    return [PlanningTool(kind=kind, store=store) for kind in _KINDS]


def _records(tasks: tuple[Task, ...]) -> list[dict[str, Any]]:
    return [task.record() for task in tasks]


def _create(plan: TaskPlan, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"tasks": _records(plan.create(arguments["tasks"]))}


def _add(plan: TaskPlan, arguments: Mapping[str, Any]) -> dict[str, Any]:
    task = plan.add(arguments["description"], arguments.get("depends_on") or (), arguments.get("priority"))
    return {"task": task.record()}


def _update(plan: TaskPlan, arguments: Mapping[str, Any]) -> dict[str, Any]:
    task, fresh = plan.set_status(arguments["task_id"], arguments["status"], arguments.get("notes") or "")
    return {"task": task.record(), "newly_ready": [each.id for each in fresh]}


def _show(plan: TaskPlan, _: Mapping[str, Any]) -> dict[str, Any]:
    return {"tasks": _records(plan.tasks()), "counts": plan.counts(), "total": len(plan.tasks())}


def _ready(plan: TaskPlan, _: Mapping[str, Any]) -> dict[str, Any]:
    return {"tasks": _records(plan.ready())}


def _blocked(plan: TaskPlan, _: Mapping[str, Any]) -> dict[str, Any]:
    waits = {task.id: task for task in plan.tasks()}
    return {
        "tasks": [
            {
                **task.record(),
                "waits_for": [i for i in task.depends_on if waits[i].status not in ("completed", "verified")],
            }
            for task in plan.blocked()
        ]
    }


def _edit(plan: TaskPlan, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"task": plan.edit(arguments["task_id"], arguments["description"]).record()}


def _delete(plan: TaskPlan, arguments: Mapping[str, Any]) -> dict[str, Any]:
    plan.delete(arguments["task_id"])
    return {"deleted": arguments["task_id"]}


def _clear(plan: TaskPlan, _: Mapping[str, Any]) -> dict[str, Any]:
    plan.clear()
    return {"cleared": True}


_TEXT = {"type": "string"}
_ID = {"type": "string", "description": "such as task_0"}
_DEPENDS = {
    "type": "array",
    "items": {"type": ["integer", "string"]},
    "description": "indexes from 0, or ids",
}
_PRIORITY = {"type": "string", "enum": list(PRIORITIES)}
_ENTRY = {
    "anyOf": [
        _TEXT,
        {
            "type": "object",
            "properties": {"description": _TEXT, "depends_on": _DEPENDS, "priority": _PRIORITY},
            "required": ["description"],
        },
    ]
}

_KINDS = (
    _Kind(
        name="create_task_plan",
        description="Make a task plan, replacing the old one.",
        run=_create,
        properties={"tasks": {"type": "array", "items": _ENTRY, "minItems": 1}},
        required=("tasks",),
    ),
    _Kind(
        name="add_task",
        description="Add a task to the plan.",
        run=_add,
        properties={"description": _TEXT, "depends_on": _DEPENDS, "priority": _PRIORITY},
        required=("description",),
    ),
    _Kind(
        name="update_task_status",
        description="Set the status of a task; finished tasks free those that wait for them.",
        run=_update,
        properties={"task_id": _ID, "status": {"type": "string", "enum": list(STATUSES)}, "notes": _TEXT},
        required=("task_id", "status"),
    ),
    _Kind(
        name="get_task_plan",
        description="The whole plan with counts per status.",
        run=_show,
        properties={},
        writes=False,
    ),
    _Kind(
        name="get_ready_tasks",
        description="Tasks that can be started now.",
        run=_ready,
        properties={},
        writes=False,
    ),
    _Kind(
        name="get_blocked_tasks",
        description="Tasks that wait, and for what.",
        run=_blocked,
        properties={},
        writes=False,
    ),
    _Kind(
        name="edit_task",
        description="Change a task's description.",
        run=_edit,
        properties={"task_id": _ID, "description": _TEXT},
        required=("task_id", "description"),
    ),
    _Kind(
        name="delete_task",
        description="Remove a task that no other depends on.",
        run=_delete,
        properties={"task_id": _ID},
        required=("task_id",),
    ),
    _Kind(name="clear_task_plan", description="Remove all tasks.", run=_clear, properties={}),
)
