"""Where a plan is kept: in memory, or in the workspace as `tasks/plan.json` (COORD-163)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from massgen.tools.planning.plan import PlanError, TaskPlan
from massgen.workspace.beneath import read_bytes, replace_file
from massgen.workspace.policy import AgentPathPolicy

PLAN_FILE = "tasks/plan.json"
MAX_PLAN_BYTES = 5_000_000


class PlanStore(Protocol):
    """Gives the plan of the moment and keeps it after a change."""

    def load(self) -> TaskPlan: ...

    def save(self, plan: TaskPlan) -> None: ...


class MemoryStore:
    """A plan that lives as long as the agent's round; make a new store at a restart."""

    def __init__(self, *, max_tasks: int | None) -> None:
        self._plan = TaskPlan(max_tasks=max_tasks)

    def load(self) -> TaskPlan:
        """The plan."""
        return self._plan

    def save(self, plan: TaskPlan) -> None:
        """It is kept already."""
        self._plan = plan


class WorkspaceStore:
    """The plan as a file that snapshots carry; blocks for a few system calls."""

    def __init__(self, policy: Callable[[], AgentPathPolicy], *, max_tasks: int | None) -> None:
        self._policy = policy
        self._max = max_tasks

    def load(self) -> TaskPlan:
        """The plan of the file; an empty one where there is none. The agent may have written anything."""
        try:
            content = read_bytes(self._policy(), PLAN_FILE, limit=MAX_PLAN_BYTES)
        except FileNotFoundError:
            return TaskPlan(max_tasks=self._max)
        try:
            value: Any = json.loads(content)
            records = value["tasks"]
            if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
                raise PlanError("its tasks are no list of objects")
            return TaskPlan.restored(records, max_tasks=self._max)
        except (ValueError, KeyError, TypeError, RecursionError, PlanError) as error:
            reason = error.message if isinstance(error, PlanError) else "it is not the JSON of a plan"
            raise PlanError(f"{PLAN_FILE} cannot be read: {reason}. Repair or delete the file.") from None

    def save(self, plan: TaskPlan) -> None:
        """Write the file anew."""
        record = {"tasks": [task.record() for task in plan.tasks()], "counts": plan.counts()}
        replace_file(self._policy(), PLAN_FILE, (json.dumps(record, indent=2) + "\n").encode())
