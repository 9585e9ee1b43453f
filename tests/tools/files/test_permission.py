from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from massgen.errors import MassGenError
from massgen.filesystem_manager import FileOperationTracker, PathPermissionManager
from massgen.tools.files.command_reads import files_shown_by
from massgen.tools.files.permission import PathPermissionHook, ReadTrackingHook
from massgen.tools.files.tracker import UnreadFile
from massgen.tools.hooks.chain import Hooks
from massgen.workspace.grants import PathRefused
from massgen.workspace.policy import AgentPathPolicy
from tests.tools.doubles import call, context, echo, runner
from tests.tools.files.place import Place


async def native(place: Place, hooks: Hooks, name: str, arguments: dict[str, Any]) -> bool:
    [outcome] = await runner([echo(name)], hooks=hooks).run_all([call(name, arguments)], context)
    return not outcome.is_error


def ran(place: Place, hooks: Hooks, name: str, **arguments: Any) -> bool:
    import asyncio

    return asyncio.run(native(place, hooks, name, arguments))


@pytest.mark.spec("HOOK-012")
def test_a_broken_policy_denies_writes(place: Place) -> None:
    def broken() -> AgentPathPolicy:
        raise RuntimeError("no policy")

    place.hooks = Hooks(permission=(PathPermissionHook(policy=broken),))
    assert "Denied by hook 'PathPermissionHook'" in place.refused("write_file", path="a.txt", content="x")
    assert not (place.workspace / "a.txt").exists()


@pytest.mark.spec("WS-121", "WS-134")
@pytest.mark.parametrize(
    ("name", "argument", "where", "allowed"),
    [
        ("Read", "file_path", "outside/secret.txt", False),
        ("Read", "file_path", "reference/book.txt", True),
        ("Write", "file_path", "reference/book.txt", False),
        ("Write", "file_path", "workspace/new.txt", True),
        ("Edit", "file_path", "project/config.json", False),
        ("NotebookEdit", "notebook_path", "outside/n.ipynb", False),
        ("Grep", "path", "outside", False),
        ("Glob", "path", "workspace", True),
    ],
)
def test_native_tools_ask_the_same_policy(place: Place, name: str, argument: str, where: str, allowed: bool) -> None:
    hooks = Hooks(permission=(PathPermissionHook(policy=place.policy),))
    assert ran(place, hooks, name, **{argument: str(place.base / where)}) is allowed


def test_the_hook_lets_file_tools_work_as_without_it(place: Place) -> None:
    place.hooks = Hooks(permission=(PathPermissionHook(policy=place.policy),))
    place.done("write_file", path="a.txt", content="x")
    (place.workspace / "link").symlink_to(place.outside)
    place.done("move_file", source="a.txt", destination="b.txt")
    place.done("delete_file", path="b.txt")
    place.done("delete_file", path="link")
    place.refused("read_file", path="../outside/secret.txt")


@pytest.mark.spec("WS-135")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Read", {"file_path": "x.txt"}),
        ("Bash", {"command": "cat x.txt"}),
        ("mcp__command_line__execute_command", {"command": "ls && head -n 5 x.txt | sort"}),
        ("mcp__command_line__execute_command", {"command": "cat x.txt", "work_dir": "."}),
    ],
)
def test_reads_by_native_tools_and_plain_commands_count(place: Place, name: str, arguments: dict[str, Any]) -> None:
    (place.workspace / "x.txt").write_text("content")
    hooks = Hooks(after=(ReadTrackingHook(policy=place.policy, tracker=place.tracker),))
    place.refused("delete_file", path="x.txt")
    assert ran(place, hooks, name, **arguments)
    place.done("delete_file", path="x.txt")


@pytest.mark.spec("WS-135")
@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("cat a b", ("a", "b")),
        ("/bin/cat 'a b.txt'", ("a b.txt",)),
        ("head -n 3 a; tail -c 10 b", ("a", "b")),
        ("cat -n a", ("a",)),
        ("grep x a | cat", ()),
        ("cat a > b", ()),
        ("cat $FILE *.txt", ()),
        ("rm a", ()),
        ("cat 'unbalanced", ()),
        ("echo cat a", ()),
    ],
)
def test_files_shown_by_a_command_are_recognised_where_it_is_plain(command: str, shown: tuple[str, ...]) -> None:
    assert files_shown_by(command) == shown


@pytest.mark.spec("WS-134")
def test_the_permission_manager_records_and_validates(place: Place) -> None:
    manager = PathPermissionManager(place.policy)
    (place.workspace / "a.txt").write_text("x")
    with pytest.raises(UnreadFile, match="file has not been read"):
        manager.track_delete_operation("a.txt")
    manager.track_read_operation("a.txt")
    manager.track_delete_operation("a.txt")
    manager.track_write_operation(place.workspace / "b.txt")
    manager.track_delete_operation("b.txt")
    with pytest.raises(PathRefused):
        manager.track_read_operation(place.outside / "secret.txt")
    with pytest.raises(PathRefused, match="protected"):
        manager.track_delete_operation(place.project / "config.json")


@pytest.mark.spec("WS-132", "WS-134")
def test_the_permission_manager_validates_directories_file_by_file(place: Place) -> None:
    manager = PathPermissionManager(place.policy)
    (place.workspace / "d").mkdir()
    (place.workspace / "d/x").write_text("?")
    with pytest.raises(MassGenError, match="x"):
        manager.track_delete_operation("d")
    manager.track_read_operation("d/x")
    manager.track_delete_operation("d")


def test_the_tracker_forgets_what_was_deleted() -> None:
    tracker = FileOperationTracker()
    tracker.track_write(Path("/w/a"), created=True)
    tracker.track_delete(Path("/w/a"))
    assert not tracker.knows(Path("/w/a"))


@pytest.mark.spec("WS-096")
def test_the_hooks_refusal_reads_as_that_of_the_tool(place: Place) -> None:
    without = place.refused("write_file", path="../project/config.json", content="x")
    place.hooks = Hooks(permission=(PathPermissionHook(policy=place.policy),))
    assert place.refused("write_file", path="../project/config.json", content="x") == without
