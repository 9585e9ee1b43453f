"""Copies of the user's project survive their process, and accepted changes reach the project once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from massgen.agents.record import INTERRUPTED
from massgen.events.codec import read_run
from massgen.events.types import ToolEnd, Warned
from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, answer_then_vote, call, say, use
from massgen.testing.policies import visible_answers
from tests.needs import needs
from tests.resume.course import config as plain_team
from tests.resume.course import whole_run
from tests.resume.team import go_on, play_until, team
from tests.runs.place import git, git_project, place_of

WRITE = "mcp__filesystem__write_file"
COPY = "your own copy of the project"


def editor(name: str):
    """Changes its copy and its workspace, one file a response; votes for agent1; adds a file when it presents.

    A call that was interrupted is made again.
    """

    def decide(request: ReceivedRequest) -> Turn:
        view = request.view
        copy, done = place_of(request, COPY), sum("Success" in result.text for result in view.results)
        if "vote" in view.tool_names and visible_answers(view):
            return use(call("vote", agent_id="agent1", reason="better"))
        if "new_answer" in view.tool_names:
            steps = (
                call(WRITE, path=f"{copy}/code.py", content=f"new = '{name}'\n"),
                call(WRITE, path="mine.txt", content=name),
                call("new_answer", content=f"changed by {name}"),
            )
            return use(steps[done])
        return say("done") if done else use(call(WRITE, path=f"{copy}/final.py", content="y = 1\n"))

    return decide


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return git_project(tmp_path / "project")


def edit_and_die(launch: Path, project: Path, server: ScriptedProvider, kind: str, count: int) -> tuple[Any, Path]:
    launch.mkdir()
    paths = [{"path": str(project), "permission": "write"}]
    config = team(server.openai_url, ["m1", "m2"], context_paths=paths, coordination={"write_mode": "auto"})
    for agent in config["agents"]:
        del agent["backend"]["enable_mcp_command_line"]
    return config, play_until(launch, config, kind, count)


def changed_by_one(result: Any, project: Path) -> None:
    assert result.exit_code == 0 and result.answer == "done", result.message
    assert (project / "code.py").read_text() == "new = 'one'\n" and (project / "final.py").read_text() == "y = 1\n"


@needs("git")
@pytest.mark.slow
@pytest.mark.spec("WS-033", "WS-042")
@pytest.mark.parametrize(("kind", "count"), [("tool_end", 3), ("changes", 1)])
def test_a_project_is_changed_as_if_nobody_had_killed_the_run(
    tmp_path: Path, project: Path, kind: str, count: int
) -> None:
    launch = tmp_path / "launch"
    scripts = {"m1": editor("one"), "m2": editor("two"), "m3": answer_then_vote("4")}
    with ScriptedProvider(scripts).in_thread() as server:
        config, log_dir = edit_and_die(launch, project, server, kind, count)
        assert (project / "code.py").read_text() == "old = 1\n" and not (project / "final.py").exists()
        other = plain_team(server, ["m3"])
        other["agents"][0]["backend"]["cwd"] = "ws"
        assert asyncio.run(whole_run(launch, other)).exit_code == 0
        result = asyncio.run(go_on(launch, config, log_dir))
    changed_by_one(result, project)
    assert git(project, "status", "--short").split() == ["M", "code.py", "??", "final.py"]
    events = list(read_run(log_dir))
    written = [event.body for event in events if isinstance(event.body, ToolEnd)]
    assert sum(not end.is_error for end in written) == 5
    assert all(INTERRUPTED in end.result for end in written if end.is_error)
    final = json.loads((log_dir / "status.json").read_text())
    assert final["is_complete"]
    assert not list(launch.glob(".massgen/workspaces/*/.worktree"))
    assert not list(launch.glob(".massgen/store/*")) and not list(launch.glob(".massgen/live/*.json"))


@needs("git")
@pytest.mark.slow
@pytest.mark.spec("WS-042")
def test_locks_of_a_git_that_died_with_its_run_stop_nobody(tmp_path: Path, project: Path) -> None:
    """As a machine that loses its power leaves them: of every branch, and of the list of packed ones."""
    launch = tmp_path / "launch"
    with ScriptedProvider({"m1": editor("one"), "m2": editor("two")}).in_thread() as server:
        config, log_dir = edit_and_die(launch, project, server, "tool_end", 3)
        branches = list(launch.glob(".massgen/store/*/projects/*/refs/heads/work-*"))
        assert len(branches) == 2
        for branch in branches:
            branch.with_name(f"{branch.name}.lock").touch()
            (branch.parents[2] / "packed-refs.lock").touch()
        changed_by_one(asyncio.run(go_on(launch, config, log_dir)), project)


@needs("git")
@pytest.mark.slow
@pytest.mark.spec("WS-042")
@pytest.mark.parametrize("note", ["projects/0.json", "branches.json"])
def test_a_note_that_a_machine_without_power_left_empty_costs_no_work(tmp_path: Path, project: Path, note: str) -> None:
    launch = tmp_path / "launch"
    with ScriptedProvider({"m1": editor("one"), "m2": editor("two")}).in_thread() as server:
        config, log_dir = edit_and_die(launch, project, server, "tool_end", 3)
        (path,) = launch.glob(f".massgen/store/*/{note}")
        path.write_bytes(b"")
        changed_by_one(asyncio.run(go_on(launch, config, log_dir)), project)


@needs("git")
@pytest.mark.slow
@pytest.mark.spec("WS-042")
def test_files_of_an_answer_that_a_machine_without_power_lost_are_told(tmp_path: Path, project: Path) -> None:
    launch = tmp_path / "launch"
    with ScriptedProvider({"m1": editor("one"), "m2": editor("two")}).in_thread() as server:
        config, log_dir = edit_and_die(launch, project, server, "new_answer", 2)
        for path in launch.glob(".massgen/store/*/files/*/*"):
            path.chmod(0o644)
            path.write_bytes(b"")
        result = asyncio.run(go_on(launch, config, log_dir))
    assert result.exit_code == 0 and result.answer == "done", result.message
    told = "agent1.1 is not as it was given: what it had changed in project is lost."
    assert told in {event.body.text for event in read_run(log_dir) if isinstance(event.body, Warned)}
    assert told in (log_dir / "massgen.log").read_text()
