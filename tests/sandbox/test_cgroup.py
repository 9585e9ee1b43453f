"""Which control group limits the commands of a sandbox, and where there is none."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from massgen.workspace.sandbox import cgroup
from massgen.workspace.sandbox.choice import limits_kept_by
from massgen.workspace.sandbox.container.engine import Engine
from massgen.workspace.sandbox.protocol import Limits
from tests.needs import needs
from tests.sandbox.place import Project, run_one, said

LIMITS = Limits(memory=1 << 30, processes=99)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A version 2 hierarchy as a desktop session has it: a scope in a slice that hands on its controllers."""
    scope = tmp_path / "user.slice/app.slice/terminal.scope"
    scope.mkdir(parents=True)
    for place in (tmp_path, *scope.parents[:2], scope):
        (place / "cgroup.procs").write_text("")
        (place / "cgroup.subtree_control").write_text("")
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    (tmp_path / "user.slice/app.slice/cgroup.subtree_control").write_text("cpu memory pids\n")
    (tmp_path / "own").write_text("0::/user.slice/app.slice/terminal.scope\n")
    return tmp_path


def made(tree: Path) -> cgroup.ControlGroup | None:
    return cgroup.make(LIMITS, root=tree, own=tree / "own")


def test_a_delegated_group_of_version_2_gets_the_limits_beside_our_own(tree: Path) -> None:
    group = made(tree)
    assert group is not None
    (directory,) = group.directories
    assert directory.parent == tree / "user.slice/app.slice"
    assert (directory / "memory.max").read_text() == str(1 << 30)
    assert (directory / "pids.max").read_text() == "99"


def test_a_hierarchy_without_the_controllers_gives_no_group(tree: Path) -> None:
    (tree / "user.slice/app.slice/cgroup.subtree_control").write_text("cpu\n")
    assert made(tree) is None


def test_a_group_whose_processes_belong_to_somebody_else_is_not_taken(tree: Path) -> None:
    """Such as a login over the network: the kernel would not let a process in."""
    (tree / "user.slice/app.slice/cgroup.procs").unlink()
    assert made(tree) is None
    assert [path.name for path in (tree / "user.slice/app.slice").iterdir() if path.is_dir()] == ["terminal.scope"]


def test_a_process_outside_of_the_group_is_told(tree: Path) -> None:
    group = made(tree)
    assert group is not None
    assert not group.holds(os.getpid())
    (group.directories[0] / "cgroup.procs").write_text(f"1\n{os.getpid()}\n")
    assert group.holds(os.getpid())


def test_somebody_keeps_the_limits_on_this_system() -> None:
    assert limits_kept_by(Limits()) in ("control groups", "watching")


@needs("bwrap")
def test_without_a_control_group_one_process_is_still_bounded(project: Project) -> None:
    """A sandbox inside of another one makes no control group."""
    script = (
        "import asyncio; from pathlib import Path\n"
        "from massgen.workspace.grants import Grants\n"
        "from massgen.workspace.sandbox.choice import *\n"
        "from massgen.workspace.sandbox.protocol import Limits\n"
        "async def main():\n"
        "    here = Path.cwd()\n"
        "    s = choose_sandbox(LocalSettings(limits=Limits(memory=300 << 20)), Grants(writable=(here,)),\n"
        "                       private=here / 'p', workspace=here, warn=print)\n"
        "    r = await s.run('python3 -c \"bytearray(900 << 20)\"', timeout=120)\n"
        "    print(limits_kept_by(Limits()), r.exit_code, b'MemoryError' in r.stderr)\n"
        "    await s.close()\n"
        "asyncio.run(main())\n"
    )
    (project.workspace / "nested.py").write_text(script)
    result = run_one(project.sandbox("bubblewrap+landlock"), f"{sys.executable} nested.py", timeout=240)
    assert said(result) == "watching 1 True\n"


@pytest.mark.parametrize(
    ("name", "says", "missing"),
    [
        ("podman", "[cpu]", ("memory", "processes")),
        ("podman", "[cpuset cpu memory pids]", ()),
        ("docker", "false true false", ("memory", "processes")),
        ("docker", "true true true", ()),
    ],
)
def test_limits_that_an_engine_does_not_keep_are_named(
    tmp_path: Path, name: str, says: str, missing: tuple[str, ...]
) -> None:
    program = tmp_path / name
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    assert asyncio.run(Engine(program=str(program)).unenforced()) == missing
