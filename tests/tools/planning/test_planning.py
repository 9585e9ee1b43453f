from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from massgen.tools.hooks.chain import Hooks
from massgen.tools.hooks.updates import HighPriorityTaskReminderHook
from massgen.tools.planning.store import MemoryStore, PlanStore, WorkspaceStore
from massgen.tools.planning.toolset import planning_tools
from massgen.tools.protocol import ToolOutcome
from massgen.workspace.grants import Grants
from massgen.workspace.policy import AgentPathPolicy
from tests.tools.doubles import call, context, runner

DOCUMENTED = [
    "Research OAuth providers",
    {"description": "Implement OAuth flow", "depends_on": [0]},
    {"description": "Write tests", "depends_on": [1]},
]


class Planner:
    """One agent's planning tools."""

    def __init__(self, store: PlanStore) -> None:
        hooks = Hooks(after=(HighPriorityTaskReminderHook(),))
        self.runner = runner(planning_tools(store), hooks=hooks)

    def run(self, name: str, **arguments: Any) -> ToolOutcome:
        [outcome] = asyncio.run(self.runner.run_all([call(f"mcp__planning__{name}", arguments)], context))
        return outcome

    def done(self, name: str, **arguments: Any) -> dict[str, Any]:
        outcome = self.run(name, **arguments)
        assert not outcome.is_error, outcome.text
        return json.loads(outcome.text)

    def refused(self, name: str, **arguments: Any) -> str:
        outcome = self.run(name, **arguments)
        assert outcome.is_error, outcome.text
        return outcome.text

    def ids(self, name: str) -> list[str]:
        return [task["id"] for task in self.done(name)["tasks"]]


def policy(workspace: Path) -> AgentPathPolicy:
    real = workspace.resolve()
    return AgentPathPolicy(workspace=real, grants=Grants(writable=(real,)), private=(real,))


@pytest.fixture(params=["memory", "workspace"])
def planner(request: pytest.FixtureRequest, tmp_path: Path) -> Planner:
    if request.param == "memory":
        return Planner(MemoryStore(max_tasks=10))
    return Planner(WorkspaceStore(lambda: policy(tmp_path), max_tasks=10))


@pytest.mark.spec("COORD-159")
def test_there_are_nine_tools_on_the_planning_server() -> None:
    names = {tool.spec.name for tool in planning_tools(MemoryStore(max_tasks=10))}
    assert names == {
        f"mcp__planning__{name}"
        for name in (
            "create_task_plan", "add_task", "update_task_status", "get_task_plan", "get_ready_tasks",
            "get_blocked_tasks", "edit_task", "delete_task", "clear_task_plan",
        )
    }  # fmt: skip


@pytest.mark.spec("COORD-160", "COORD-161")
def test_the_documented_plan_frees_the_next_task_when_one_is_completed(planner: Planner) -> None:
    assert [task["id"] for task in planner.done("create_task_plan", tasks=DOCUMENTED)["tasks"]] == [
        "task_0",
        "task_1",
        "task_2",
    ]
    assert planner.ids("get_ready_tasks") == ["task_0"]
    assert planner.ids("get_blocked_tasks") == ["task_1", "task_2"]
    updated = planner.done("update_task_status", task_id="task_0", status="completed")
    assert updated["newly_ready"] == ["task_1"]
    assert planner.ids("get_ready_tasks") == ["task_1"]


@pytest.mark.spec("COORD-160")
@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ([{"description": "a", "depends_on": [1]}, {"description": "b", "depends_on": [0]}], "wait for each other"),
        ([{"description": "a", "depends_on": ["task_0"]}], "wait for each other"),
        ([{"description": "a", "depends_on": [7]}], "is no task"),
        ([{"description": "a", "depends_on": ["other"]}], "is no task"),
        ([{"description": " "}], "needs a description"),
        ([{"description": "a", "id": "x"}, {"description": "b", "id": "x"}], "Two tasks"),
    ],
)
def test_a_plan_that_cannot_work_is_refused_and_the_old_one_stays(
    planner: Planner, tasks: list[Any], words: str
) -> None:
    planner.done("create_task_plan", tasks=["old"])
    assert words in planner.refused("create_task_plan", tasks=tasks)
    assert [task["description"] for task in planner.done("get_task_plan")["tasks"]] == ["old"]


@pytest.mark.spec("COORD-160")
def test_a_task_others_depend_on_is_not_deleted(planner: Planner) -> None:
    planner.done("create_task_plan", tasks=DOCUMENTED)
    assert "task_1 depends on task_0" in planner.refused("delete_task", task_id="task_0")
    planner.done("delete_task", task_id="task_2")
    planner.done("delete_task", task_id="task_1")
    assert planner.ids("get_ready_tasks") == ["task_0"]


@pytest.mark.spec("COORD-160")
def test_tasks_are_added_edited_and_cleared(planner: Planner) -> None:
    planner.done("create_task_plan", tasks=["one"])
    added = planner.done("add_task", description="two", depends_on=["task_0"], priority="high")["task"]
    assert (added["id"], added["depends_on"], added["priority"]) == ("task_1", ["task_0"], "high")
    assert planner.done("edit_task", task_id="task_1", description="2")["task"]["description"] == "2"
    planner.done("clear_task_plan")
    assert planner.done("get_task_plan")["total"] == 0


@pytest.mark.spec("COORD-161")
def test_the_plan_counts_its_tasks_by_status(planner: Planner) -> None:
    planner.done("create_task_plan", tasks=["a", "b", "c", "d", "e"])
    for number, status in enumerate(("in_progress", "completed", "verified", "blocked")):
        planner.done("update_task_status", task_id=f"task_{number}", status=status, notes="n")
    counts = planner.done("get_task_plan")["counts"]
    assert counts == {"pending": 1, "in_progress": 1, "completed": 1, "verified": 1, "blocked": 1}


@pytest.mark.spec("COORD-161", "HOOK-022")
def test_a_completed_high_priority_task_is_told_and_reminded_of(planner: Planner) -> None:
    planner.done("create_task_plan", tasks=[{"description": "a", "priority": "high"}])
    outcome = planner.run("update_task_status", task_id="task_0", status="completed")
    task = json.loads(outcome.text)["task"]
    assert (task["priority"], task["status"]) == ("high", "completed")
    assert outcome.injections[0].strategy == "user_message"


@pytest.mark.spec("COORD-161")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"task_id": "task_9", "status": "completed"}, "no task 'task_9'"),
        ({"task_id": "task_0", "status": "finished"}, "finished"),
        ({"task_id": "task_1", "status": "completed"}, "waits for task_0"),
    ],
)
def test_a_status_that_cannot_be_is_refused(planner: Planner, arguments: dict[str, Any], words: str) -> None:
    planner.done("create_task_plan", tasks=DOCUMENTED)
    assert words in planner.refused("update_task_status", **arguments)


@pytest.mark.spec("COORD-162")
def test_the_eleventh_task_is_refused(planner: Planner) -> None:
    assert "at most 10" in planner.refused("create_task_plan", tasks=[str(n) for n in range(11)])
    planner.done("create_task_plan", tasks=[str(n) for n in range(10)])
    assert "at most 10" in planner.refused("add_task", description="one more")


@pytest.mark.spec("COORD-162")
def test_plan_modes_have_no_cap() -> None:
    planner = Planner(MemoryStore(max_tasks=None))
    assert len(planner.done("create_task_plan", tasks=[str(n) for n in range(250)])["tasks"]) == 250


@pytest.mark.spec("COORD-163")
def test_in_the_file_mode_the_plan_lies_in_the_workspace(tmp_path: Path) -> None:
    Planner(WorkspaceStore(lambda: policy(tmp_path), max_tasks=10)).done("create_task_plan", tasks=DOCUMENTED)
    record = json.loads((tmp_path / "tasks/plan.json").read_text())
    assert record["tasks"][0]["description"] == "Research OAuth providers"
    again = Planner(WorkspaceStore(lambda: policy(tmp_path), max_tasks=10))
    assert again.ids("get_blocked_tasks") == ["task_1", "task_2"]


@pytest.mark.spec("COORD-163")
def test_plans_of_two_agents_are_apart() -> None:
    one, other = Planner(MemoryStore(max_tasks=10)), Planner(MemoryStore(max_tasks=10))
    one.done("create_task_plan", tasks=DOCUMENTED)
    assert other.done("get_task_plan")["total"] == 0


@pytest.mark.parametrize("content", ["no json", "[]", '{"tasks": 3}', '{"tasks": [{"id": "a"}]}', "[" * 100_000])
def test_a_plan_file_of_another_shape_is_an_error_and_stays(tmp_path: Path, content: str) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks/plan.json").write_text(content)
    planner = Planner(WorkspaceStore(lambda: policy(tmp_path), max_tasks=10))
    assert "tasks/plan.json cannot be read" in planner.refused("get_task_plan")
    assert "tasks/plan.json cannot be read" in planner.refused("add_task", description="x")
    assert (tmp_path / "tasks/plan.json").read_text() == content


def test_a_plan_file_that_is_a_link_out_is_refused(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    (workspace / "tasks").mkdir(parents=True)
    (tmp_path / "outside.json").write_text('{"tasks": []}')
    (workspace / "tasks/plan.json").symlink_to(tmp_path / "outside.json")
    Planner(WorkspaceStore(lambda: policy(workspace), max_tasks=10)).refused("create_task_plan", tasks=["a"])
    assert (tmp_path / "outside.json").read_text() == '{"tasks": []}'
