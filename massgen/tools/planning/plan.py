"""A task plan as a value with rules: ids, dependencies, states (COORD-160 to COORD-162)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from msgspec import Struct, field
from msgspec.structs import replace

from massgen.errors import MassGenError

Status = Literal["pending", "in_progress", "completed", "verified", "blocked"]
Priority = Literal["high", "medium", "low"]
DONE: frozenset[Status] = frozenset({"completed", "verified"})
STATUSES: tuple[Status, ...] = get_args(Status)
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
MAX_DESCRIPTION = 10_000


class PlanError(MassGenError):
    """The plan cannot be changed like this; the message tells the model why."""


class Task(Struct, frozen=True, kw_only=True):
    """One task. `extra` keeps fields that the agent gave and the plan has no rule for."""

    id: str
    description: str
    depends_on: tuple[str, ...] = ()
    priority: Priority = "medium"
    status: Status = "pending"
    notes: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """The task as JSON."""
        record: dict[str, Any] = {
            "id": self.id,
            "description": self.description,
            "status": self.status,
            "priority": self.priority,
            "depends_on": list(self.depends_on),
        }
        if self.notes:
            record["notes"] = self.notes
        return {**{key: value for key, value in self.extra.items() if key not in record}, **record}


class TaskPlan:
    """The tasks of one agent, in order. Every change is whole or not at all."""

    def __init__(self, *, max_tasks: int | None = 10) -> None:
        self._max = max_tasks
        self._tasks: dict[str, Task] = {}
        self._next = 0

    def tasks(self) -> tuple[Task, ...]:
        """All tasks, in order."""
        return tuple(self._tasks.values())

    def create(self, entries: Sequence[Any]) -> tuple[Task, ...]:
        """Replace the plan; entries are texts or objects, `depends_on` holds list indexes or ids."""
        self._check_room(len(entries))
        records = [entry if isinstance(entry, Mapping) else {"description": entry} for entry in entries]
        ids = self._ids_for(records)
        tasks = {
            id_: _task(id_, record, [_reference(each, ids) for each in _references(record)])
            for id_, record in zip(ids, records, strict=True)
        }
        _check_graph(tasks)
        self._tasks = tasks
        self._next = len(tasks)
        return self.tasks()

    def add(self, description: str, depends_on: Sequence[Any], priority: str | None) -> Task:
        """Append a task."""
        self._check_room(len(self._tasks) + 1)
        while f"task_{self._next}" in self._tasks:
            self._next += 1
        id_ = f"task_{self._next}"
        ids = list(self._tasks)
        record = {"description": description, "priority": priority or "medium"}
        task = _task(id_, record, [_reference(each, ids) for each in depends_on])
        tasks = {**self._tasks, id_: task}
        _check_graph(tasks)
        self._tasks = tasks
        self._next += 1
        return task

    def set_status(self, task_id: str, status: str, notes: str) -> tuple[Task, tuple[Task, ...]]:
        """Change a state; returns the task and those that became ready by it."""
        task = self.get(task_id)
        if status not in STATUSES:
            raise PlanError(f"Unknown status '{status}'; use one of {', '.join(STATUSES)}")
        open_ = [each for each in task.depends_on if self._tasks[each].status not in DONE]
        if open_ and status in ("in_progress", "completed", "verified"):
            raise PlanError(f"{task_id} waits for {', '.join(open_)}; finish that first")
        before = {each.id for each in self.ready()}
        self._tasks[task_id] = replace(task, status=_status(status), notes=notes or task.notes)
        fresh = tuple(each for each in self.ready() if each.id not in before and each.id != task_id)
        return self._tasks[task_id], fresh

    def edit(self, task_id: str, description: str) -> Task:
        """Change a description."""
        self._tasks[task_id] = replace(self.get(task_id), description=_described(description))
        return self._tasks[task_id]

    def delete(self, task_id: str) -> None:
        """Remove a task that no other one depends on."""
        self.get(task_id)
        dependents = [task.id for task in self.tasks() if task_id in task.depends_on]
        if dependents:
            raise PlanError(f"{', '.join(dependents)} depends on {task_id}; delete that first")
        del self._tasks[task_id]

    def clear(self) -> None:
        """Forget all tasks."""
        self._tasks = {}
        self._next = 0

    def get(self, task_id: str) -> Task:
        """A task by its id."""
        task = self._tasks.get(task_id)
        if task is None:
            known = ", ".join(self._tasks) or "none; create a plan first"
            raise PlanError(f"There is no task '{task_id}'. Tasks: {known}")
        return task

    def ready(self) -> tuple[Task, ...]:
        """Tasks that can be started now."""
        return tuple(task for task in self.tasks() if task.status == "pending" and not self._waits(task))

    def blocked(self) -> tuple[Task, ...]:
        """Tasks that wait for others, or were marked as blocked."""
        return tuple(
            task
            for task in self.tasks()
            if task.status == "blocked" or (task.status == "pending" and self._waits(task))
        )

    def counts(self) -> dict[str, int]:
        """How many tasks there are in each state."""
        return {status: sum(task.status == status for task in self.tasks()) for status in STATUSES}

    @classmethod
    def restored(cls, records: Sequence[Mapping[str, Any]], *, max_tasks: int | None) -> TaskPlan:
        """A plan from what `Task.record` wrote; raises `PlanError` for records that are no plan."""
        plan = cls(max_tasks=None)
        for task, record in zip(plan.create(records), records, strict=True):
            status = record.get("status", "pending")
            if status not in STATUSES:
                raise PlanError(f"{task.id} has the unknown status '{status}'")
            notes = str(record.get("notes", ""))
            plan._tasks[task.id] = replace(task, status=_status(status), notes=notes)
        plan._max = max_tasks
        return plan

    def _waits(self, task: Task) -> bool:
        return any(self._tasks[each].status not in DONE for each in task.depends_on)

    def _check_room(self, count: int) -> None:
        if self._max is not None and count > self._max:
            raise PlanError(f"A plan holds at most {self._max} tasks; combine some of them")

    def _ids_for(self, records: Sequence[Mapping[str, Any]]) -> list[str]:
        given = [record.get("id") for record in records]
        named = {id_ for id_ in given if isinstance(id_, str) and id_}
        ids: list[str] = []
        for index, id_ in enumerate(given):
            if isinstance(id_, str) and id_:
                if id_ in ids:
                    raise PlanError(f"Two tasks have the id '{id_}'")
                ids.append(id_)
            elif f"task_{index}" in named:
                raise PlanError(f"The id 'task_{index}' belongs to another place in the list")
            else:
                ids.append(f"task_{index}")
        return ids


def _task(id_: str, record: Mapping[str, Any], depends_on: Sequence[str]) -> Task:
    priority = record.get("priority") or "medium"
    if priority not in PRIORITIES:
        raise PlanError(f"Unknown priority '{priority}'; use one of {', '.join(PRIORITIES)}")
    known = {"id", "description", "depends_on", "priority", "status", "notes"}
    return Task(
        id=id_,
        description=_described(record.get("description")),
        depends_on=tuple(dict.fromkeys(depends_on)),
        priority=next(each for each in PRIORITIES if each == priority),
        extra={key: value for key, value in record.items() if key not in known},
    )


def _described(description: Any) -> str:
    if not isinstance(description, str) or not description.strip():
        raise PlanError("Each task needs a description")
    if len(description) > MAX_DESCRIPTION:
        raise PlanError(f"A description has at most {MAX_DESCRIPTION} characters")
    return description.strip()


def _references(record: Mapping[str, Any]) -> Sequence[Any]:
    value = record.get("depends_on") or ()
    return value if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _reference(each: Any, ids: Sequence[str]) -> str:
    if isinstance(each, int) and not isinstance(each, bool) and 0 <= each < len(ids):
        return ids[each]
    if isinstance(each, str) and each in ids:
        return each
    if isinstance(each, str) and each.isdecimal() and int(each) < len(ids):
        return ids[int(each)]
    raise PlanError(f"depends_on names {each!r}, which is no task; use an index from 0, or an id")


def _status(status: str) -> Status:
    return next(each for each in STATUSES if each == status)


def _check_graph(tasks: Mapping[str, Task]) -> None:
    """Raise `PlanError` where tasks wait for each other in a circle."""
    finished: set[str] = set()
    for start in tasks:
        trail: list[str] = []
        pending: list[tuple[str, bool]] = [(start, False)]
        while pending:
            id_, leaving = pending.pop()
            if leaving:
                trail.pop()
                finished.add(id_)
            elif id_ in trail:
                raise PlanError(f"Tasks wait for each other: {' -> '.join([*trail[trail.index(id_) :], id_])}")
            elif id_ not in finished:
                trail.append(id_)
                pending.append((id_, True))
                pending += [(each, False) for each in tasks[id_].depends_on]
