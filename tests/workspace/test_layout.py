"""Where things lie, and what two runs in one directory do not share."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from massgen.errors import StorageError, WorkspaceError
from massgen.workspace import AgentPlace, RunWorkspaces
from massgen.workspace.layout import storage_path
from tests.needs import needs
from tests.workspace.place import contents, git, git_project, scene, settings, write

PAIR = [AgentPlace(agent_id="alpha", number=1, cwd="workspace"), AgentPlace(agent_id="beta", number=2, cwd="workspace")]


@pytest.mark.spec("WS-002", "WS-004", "AUTO-061")
def test_each_agent_has_a_workspace_with_a_random_suffix(tmp_path: Path) -> None:
    run = asyncio.run(RunWorkspaces.prepare(settings(tmp_path), PAIR))
    names = [str(run.workspace(agent.agent_id)) for agent in PAIR]
    assert len(set(names)) == 2
    for name in names:
        assert re.fullmatch(rf"{re.escape(str(tmp_path.resolve()))}/\.massgen/workspaces/workspace_[0-9a-f]{{8}}", name)


@pytest.mark.spec("WS-004")
def test_a_name_that_one_agent_uses_leads_to_the_newest_run(tmp_path: Path) -> None:
    agent = AgentPlace(agent_id="alpha", number=1, cwd="solo")

    async def runs() -> list[Path | None]:
        found = []
        for _ in range(2):
            run = await RunWorkspaces.prepare(settings(tmp_path), [agent])
            found.append(run.workspace("alpha"))
            await run.finish()
        return found

    newest = asyncio.run(runs())[-1]
    assert (tmp_path / ".massgen/workspaces/solo").resolve() == newest


@pytest.mark.spec("WS-006", "WS-007")
@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("snapshots", ".massgen/snapshots"),
        ("temp", ".massgen/temp"),
        (".massgen/snapshots", ".massgen/snapshots"),
        ("./snaps/", ".massgen/snaps"),
        ("a/b", ".massgen/a/b"),
    ],
)
def test_storage_names_lie_below_the_state_directory(tmp_path: Path, value: str, place: str) -> None:
    assert storage_path(value, tmp_path) == tmp_path / place


@pytest.mark.spec("WS-007")
def test_an_absolute_storage_path_is_used_as_given(tmp_path: Path) -> None:
    assert storage_path("/data/snaps", tmp_path) == Path("/data/snaps")


@pytest.mark.parametrize("value", ["..", "../out", "", ".", ".massgen"])
def test_a_storage_name_that_leaves_the_state_directory_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(WorkspaceError):
        storage_path(value, tmp_path)


def test_a_workspace_name_that_leaves_the_workspaces_is_refused(tmp_path: Path) -> None:
    agent = AgentPlace(agent_id="alpha", number=1, cwd="../../escape")
    with pytest.raises(WorkspaceError):
        asyncio.run(RunWorkspaces.prepare(settings(tmp_path), [agent]))
    assert not list(tmp_path.parent.glob("escape*"))


def test_a_run_without_files_creates_nothing(tmp_path: Path) -> None:
    async def whole_run() -> None:
        run = await RunWorkspaces.prepare(settings(tmp_path), [AgentPlace(agent_id="a", number=1, files=False)])
        assert not run.has_files
        await run.start_round("a")
        frozen = await run.freeze("a")
        await run.publish("a", frozen)
        await run.empty("a")
        assert run.rewrite_paths("text", "a") == "text"
        assert run.for_agent("a", "coordination") is None
        await run.finish()

    asyncio.run(whole_run())
    assert os.listdir(tmp_path) == []


@pytest.mark.spec("AUTO-060", "AUTO-063")
def test_a_second_live_run_has_snapshots_and_views_of_its_own(tmp_path: Path) -> None:
    async def both() -> tuple[RunWorkspaces, RunWorkspaces]:
        first = await RunWorkspaces.prepare(settings(tmp_path), PAIR)
        second = await RunWorkspaces.prepare(settings(tmp_path), PAIR)
        for run, text in ((first, "one"), (second, "two")):
            workspace = run.workspace("alpha")
            assert workspace is not None
            write(workspace / "x.txt", text)
            await run.publish("alpha", await run.freeze("alpha"))
        return first, second

    first, second = asyncio.run(both())
    assert second.layout.snapshots.name == f"snapshots_{second.settings.instance}"
    assert second.layout.temp.name == f"temp_workspaces_{second.settings.instance}"
    assert (first.layout.snapshots / "alpha/x.txt").read_text() == "one"
    assert (second.layout.snapshots / "alpha/x.txt").read_text() == "two"


@pytest.mark.spec("AUTO-063")
def test_the_plain_names_are_free_again_after_a_run(tmp_path: Path) -> None:
    async def one_after_the_other() -> str:
        first = await RunWorkspaces.prepare(settings(tmp_path), PAIR)
        await first.finish()
        second = await RunWorkspaces.prepare(settings(tmp_path), PAIR)
        return second.layout.snapshots.name

    assert asyncio.run(one_after_the_other()) == "snapshots"


@pytest.mark.spec("WS-012")
def test_a_run_does_not_see_what_an_earlier_run_showed(tmp_path: Path) -> None:
    async def twice() -> Path:
        first = await scene(tmp_path)
        write(first.workspace() / "old.txt")
        await first.run.publish("alpha", await first.run.freeze("alpha"))
        await first.run.finish()
        second = await scene(tmp_path)
        assert os.listdir(second.workspace()) == []
        return second.view("beta", 1)

    assert not asyncio.run(twice()).exists()


async def _answer(launch: Path) -> None:
    place = await scene(launch)
    write(place.workspace() / "x.txt")
    await place.run.publish("alpha", await place.run.freeze("alpha"))
    await place.run.finish()


@pytest.mark.spec("WS-011")
def test_the_state_directory_can_be_deleted_between_runs(tmp_path: Path) -> None:
    asyncio.run(_answer(tmp_path))
    subprocess.run(["rm", "-rf", str(tmp_path / ".massgen")], check=True)
    asyncio.run(_answer(tmp_path))
    assert (tmp_path / ".massgen/snapshots/alpha/x.txt").exists()


@pytest.mark.spec("WS-001")
def test_everything_lies_below_the_state_directory(tmp_path: Path) -> None:
    asyncio.run(_answer(tmp_path))
    assert os.listdir(tmp_path) == [".massgen"]
    assert {"workspaces", "snapshots", "temp_workspaces"} <= set(os.listdir(tmp_path / ".massgen"))


def test_a_place_where_nothing_can_be_written_is_told_before_agents_start() -> None:
    if not os.path.isdir("/proc"):
        pytest.skip("no /proc here")
    with pytest.raises(StorageError, match="Could not store or read"):
        asyncio.run(RunWorkspaces.prepare(settings(Path("/proc")), PAIR))


def test_ids_that_are_no_file_names_get_one(tmp_path: Path) -> None:
    agents = [AgentPlace(agent_id=name, number=number) for number, name in enumerate(("../x", "a/b", "a_b"), start=1)]
    run = asyncio.run(RunWorkspaces.prepare(settings(tmp_path), agents))
    views = {run.view_path(agent.agent_id) for agent in agents}
    assert len(views) == 3
    assert all(view is not None and view.parent == run.layout.temp for view in views)


KILLED = """
import asyncio, os, sys
from pathlib import Path
from tests.workspace.place import context, scene, write

async def main():
    place = await scene(Path(sys.argv[1]), context(Path(sys.argv[2])), write_mode="auto")
    for agent in ("alpha", "beta"):
        await place.run.start_round(agent)
    print("ready", flush=True)
    for _ in range(200):
        write(place.checkout() / "lib.py", os.urandom(8).hex())
        await place.run.publish("alpha", await place.run.freeze("alpha"))
        print("answered", flush=True)
        await place.run.start_round("alpha")

asyncio.run(main())
"""


def state_of(project: Path) -> list[str]:
    return [
        git(project, *line.split()) for line in ("branch --list", "worktree list", "stash list", "reflog", "status")
    ]


@needs("git")
@pytest.mark.spec("WS-042")
@pytest.mark.parametrize("inside", [True, False], ids=["in the project", "elsewhere"])
@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_a_killed_run_leaves_the_project_alone_and_the_next_start_cleans_up(
    tmp_path: Path, inside: bool, rounds: int
) -> None:
    project = git_project(tmp_path / "project")
    write(project / ".gitignore", ".massgen/\n")
    launch = project if inside else tmp_path / "launch"
    kept, state = contents(project), state_of(project)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(launch), str(project)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(rounds + 1)]
    assert lines == ["ready\n", *["answered\n"] * rounds]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    left = {path: value for path, value in contents(project).items() if not path.startswith(".massgen/")}
    assert left == kept
    assert state_of(project) == state

    place = asyncio.run(scene(launch))
    assert list(launch.glob(".massgen/workspaces/*/.worktree")) == []
    assert [path.name for path in (launch / ".massgen/store").glob("*")] == []
    assert place.run.layout.snapshots.name == "snapshots"


def test_a_resumed_run_keeps_its_workspaces_and_finds_its_answers(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, sys; from pathlib import Path\n"
        "from massgen.workspace import AgentPlace, RunWorkspaces\n"
        "from tests.workspace.place import settings, write\n"
        "async def main():\n"
        "    run = await RunWorkspaces.prepare(settings(Path(sys.argv[1]), instance='0a1b2c3d'),\n"
        "        [AgentPlace(agent_id='alpha', number=1)])\n"
        "    workspace = run.workspace('alpha')\n"
        "    write(workspace / 'answer.txt', 'kept\\n')\n"
        "    frozen = await run.freeze('alpha')\n"
        "    await run.write_step(frozen, Path(sys.argv[1], 'log/workspace'))\n"
        "    write(workspace / 'in_flight.txt')\n"
        "    print(workspace, frozen.tree.id, flush=True)\n"
        "    os._exit(9)\n"
        "asyncio.run(main())"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    workspace, tree = done.stdout.split()

    async def resumed() -> None:
        told: list[str] = []
        step = tmp_path / "log/workspace"
        agent = AgentPlace(agent_id="alpha", number=1, existing=Path(workspace))
        run = await RunWorkspaces.prepare(settings(tmp_path, instance="0a1b2c3d"), [agent])
        assert run.workspace("alpha") == Path(workspace)
        assert (Path(workspace) / "in_flight.txt").exists()
        for known in (tree, None):
            recalled = await run.recall("alpha", known, step, told.append)
            assert recalled is not None
            assert recalled.tree.id == tree and not told
        await run.restore("alpha", run.latest("alpha"))
        assert contents(Path(workspace)) == {"answer.txt": b"kept\n"}
        for path in tmp_path.glob(".massgen/store/*/files/*/*"):
            path.chmod(0o644)
            path.write_bytes(b"")
        assert await run.recall("alpha", tree, step, told.append) is not None
        assert told == [f"its files are not whole: see {step}"]

    asyncio.run(resumed())
