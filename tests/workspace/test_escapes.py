"""What a hostile agent may prepare in its workspace for the moment when the program itself reads or writes there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from massgen.backends.protocol import Media
from massgen.config import BackendConfig
from massgen.errors import StorageError
from massgen.runs.workfiles import shares_views
from massgen.tools.media_files import DIRECTORY, with_media_as_files
from massgen.tools.protocol import ToolOutcome
from massgen.workspace import Store
from massgen.workspace.memory_files import make_directories
from massgen.workspace.project import ignored_names
from massgen.workspace.sandbox.protocol import SandboxKind
from tests.needs import needs
from tests.workspace.place import Scene, contents, context, git, git_project, scene, write

SECRET = "the secret\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Something of the user that no agent was given."""
    write(tmp_path / "home/project/secret.txt", SECRET)
    write(tmp_path / "home/memory/short_term/secret.md", SECRET)
    return (tmp_path / "home").resolve()


@contextmanager
def swapping(real: Path, target: Path) -> Iterator[None]:
    """Another process of the agent, which swaps a directory for a link to the outside, over and over."""
    stop = threading.Event()
    aside = real.with_name("aside")

    def swap() -> None:
        while not stop.is_set():
            for step in (
                lambda: os.rename(real, aside),
                lambda: os.symlink(target, real),
                lambda: os.unlink(real),
                lambda: os.rename(aside, real),
            ):
                with contextlib.suppress(OSError):
                    step()

    attacker = threading.Thread(target=swap)
    attacker.start()
    try:
        yield
    finally:
        stop.set()
        attacker.join()


def taken(store: Store, place: Path) -> set[str]:
    return set(store.entries(asyncio.run(store.take(place))))


@pytest.mark.spec("WS-056")
def test_a_directory_behind_a_link_is_not_frozen(tmp_path: Path, home: Path) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace/away").symlink_to(home)
    for path in ("workspace/away", "workspace/away/project"):
        with pytest.raises(StorageError, match="link"):
            taken(Store(tmp_path / "store"), tmp_path / path)


@pytest.mark.spec("WS-056")
def test_a_directory_swapped_for_a_link_is_never_frozen(tmp_path: Path, home: Path) -> None:
    store = Store(tmp_path / "store")
    write(tmp_path / "workspace/.worktree/project/mine.txt")
    seen: set[str] = set()
    with swapping(tmp_path / "workspace/.worktree", home):
        for _ in range(150):
            with contextlib.suppress(StorageError, OSError):
                seen |= taken(store, tmp_path / "workspace/.worktree/project")
    assert seen <= {"mine.txt"}


@pytest.mark.spec("WS-056")
def test_files_that_are_restored_never_land_outside(tmp_path: Path, home: Path) -> None:
    store = Store(tmp_path / "store")
    source, workspace = tmp_path / "source", tmp_path / "workspace"
    for number in range(20):
        write(source / f"d/planted{number}.txt")
    git_project(source / "d/nested")
    tree = asyncio.run(store.take(source))
    kept = contents(home)
    workspace.mkdir()
    with swapping(workspace / "d", home):
        for _ in range(25):
            with contextlib.suppress(StorageError, OSError):
                asyncio.run(store.restore(tree, workspace))
    assert contents(home) == kept


@needs("git")
@pytest.mark.spec("WS-056")
@pytest.mark.parametrize("link", [".worktree", ".worktree/project", ".worktree/project/.massgen_scratch"])
def test_a_project_copy_replaced_by_a_link_gives_nothing_away(tmp_path: Path, home: Path, link: str) -> None:
    project = git_project(tmp_path / "project").resolve()
    target = home if link == ".worktree" else home / "project"

    async def story() -> Scene:
        place = await scene(tmp_path / "launch", context(project), write_mode="auto")
        for agent in ("alpha", "beta"):
            await place.run.start_round(agent)
        path = place.workspace() / link
        shutil.rmtree(path)
        path.symlink_to(target)
        with contextlib.suppress(StorageError):
            await place.run.publish("alpha", await place.run.freeze("alpha"))
        await place.run.start_round("alpha")
        return place

    place = asyncio.run(story())
    shown = [*contents(place.view("beta", 1)), git(place.checkout("beta"), "log", "--all", "--stat")]
    assert not any("secret" in text for text in shown)
    assert (place.checkout() / "lib.py").read_text() == "VALUE = 1\n"
    assert set(contents(home)) == {"project/secret.txt", "memory/short_term/secret.md"}


@needs("git")
def test_a_pipe_in_the_place_of_an_ignore_file_does_not_hold_up_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project = git_project(tmp_path / "project").resolve()

    async def story() -> frozenset[str]:
        place = await scene(tmp_path / "launch", context(project), write_mode="auto")
        await place.run.start_round("alpha")
        os.mkfifo(place.checkout() / ".gitignore")
        return await ignored_names(place.run.projects[0], place.checkout(), seconds=0.5)

    assert asyncio.run(story()) == frozenset()
    assert "ignore files" in caplog.text


@pytest.mark.spec("MEM-090")
def test_memory_directories_are_not_made_behind_a_link(tmp_path: Path, home: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "memory").symlink_to(home)
    make_directories(workspace)
    assert sorted(os.listdir(home)) == ["memory", "project"]


@pytest.mark.spec("TOOL-004")
@pytest.mark.parametrize("plant", ["directory", "file"])
def test_media_of_a_result_are_not_written_through_a_link(tmp_path: Path, home: Path, plant: str) -> None:
    workspace = (tmp_path / "workspace").resolve()
    workspace.mkdir()
    outcome = ToolOutcome(text="", media=(Media(media_type="image/png", data=b"picture"),))

    def refuse(media_type: str) -> bool:
        return media_type != "image/png"

    first = asyncio.run(with_media_as_files(outcome, workspace, refuse))
    (saved,) = (workspace / DIRECTORY).iterdir()
    assert saved.name in first.text
    if plant == "file":
        saved.unlink()
        saved.symlink_to(home / "project/secret.txt")
    else:
        shutil.rmtree(workspace / DIRECTORY)
        (workspace / DIRECTORY).symlink_to(home / "project")
    again = asyncio.run(with_media_as_files(outcome, workspace, refuse))
    assert "could not be saved" in again.text
    assert contents(home)["project/secret.txt"] == SECRET.encode()
    assert len(contents(home)) == 2


@needs("git")
@pytest.mark.parametrize(("mode", "told"), [("legacy", True), ("auto", False)])
def test_a_repository_that_commands_planted_in_the_project_is_told(tmp_path: Path, mode: str, told: bool) -> None:
    project = git_project(tmp_path / "project").resolve()

    async def story() -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        place = await scene(tmp_path / "launch", context(project), write_mode=mode)
        before = await place.run.planted()
        git_project(project / "sub")
        return before, await place.run.planted()

    assert asyncio.run(story()) == ((), (project / "sub/.git",) if told else ())


@pytest.mark.parametrize(
    ("keys", "kind", "shared"),
    [
        ({}, "none", True),
        ({"enable_mcp_command_line": True}, "none", False),
        ({"enable_mcp_command_line": True}, "landlock", True),
        ({"enable_mcp_command_line": True, "command_line_execution_mode": "docker"}, "none", True),
    ],
)
def test_views_share_no_files_with_commands_that_no_sandbox_holds(
    keys: dict[str, Any], kind: SandboxKind, shared: bool
) -> None:
    assert shares_views([BackendConfig(type="openai", model="m", **keys)], lambda: kind) == shared
