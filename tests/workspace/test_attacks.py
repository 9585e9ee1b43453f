"""Escape attempts, one class each, through every operation that takes a path."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from massgen.workspace import PathRefused, beneath
from massgen.workspace.policy import AgentPathPolicy
from tests.workspace.place import Scene, contents, context, scene, write

SECRET = "the secret\n"

Operation = Callable[[AgentPathPolicy, str], object]


def _replace(policy: AgentPathPolicy, path: str) -> object:
    return beneath.replace_file(policy, path, b"changed")


def _open_for_writing(policy: AgentPathPolicy, path: str) -> object:
    return os.close(beneath.open_file(policy, path, "write", create=True, truncate=True))


def _move_away(policy: AgentPathPolicy, path: str) -> object:
    return beneath.rename(policy, path, "loot")


def _move_over(policy: AgentPathPolicy, path: str) -> object:
    write(policy.workspace / "mine.txt", "changed")
    return beneath.rename(policy, "mine.txt", path, overwrite=True)


READS: dict[str, Operation] = {
    "read": lambda policy, path: beneath.read_bytes(policy, path),
    "inspect": lambda policy, path: beneath.entry_of(policy, path),
    "list": lambda policy, path: beneath.list_directory(policy, path),
    "walk": lambda policy, path: list(beneath.walk(policy, path)),
}
WRITES: dict[str, Operation] = {
    "replace": _replace,
    "open for writing": _open_for_writing,
    "make directory": lambda policy, path: beneath.make_directory(policy, path),
    "remove": lambda policy, path: beneath.remove(policy, path, recursive=True),
    "move away": _move_away,
    "move over": _move_over,
}
OPERATIONS = {**READS, **WRITES}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Two agents; a project that may be written in the presentation, and secrets around it."""
    home = write(tmp_path / "home/secret.txt", SECRET)
    launch = tmp_path / "launch"
    project = launch / "project"
    write(project / "src/app.py")
    write(project / "fixtures/data.json", "{}")
    write(project / ".env", SECRET)
    write(project / "sub/.env.local", SECRET)
    write(project / ".git/config", "[core]\n")
    write(project / "team.yaml", SECRET)
    write(launch / "notes.txt", SECRET)
    monkeypatch.setenv("HOME", str(home.parent))
    return asyncio.run(
        scene(launch, context(project, "write", "fixtures/"), denied=(project / "team.yaml",), links=False)
    )


@pytest.fixture(params=list(OPERATIONS))
def operation(request: pytest.FixtureRequest) -> Operation:
    return OPERATIONS[request.param]


@pytest.fixture(params=list(WRITES))
def writing(request: pytest.FixtureRequest) -> Operation:
    return WRITES[request.param]


def _outside(place: Scene) -> Path:
    return place.launch.parent / "home/secret.txt"


def _refused(place: Scene, operation: Operation, path: str) -> None:
    """The presenter, who may do most, is refused, and nothing changed anywhere."""
    policy = place.policy(presenting=True)
    kept = {directory: contents(directory) for directory in (place.launch / "project", _outside(place).parent)}
    with pytest.raises(PathRefused) as refusal:
        operation(policy, path)
    assert refusal.value.message.startswith("Cannot ")
    assert SECRET not in refusal.value.message
    assert kept == {directory: contents(directory) for directory in kept}


@pytest.mark.spec("WS-056")
def test_dots_do_not_leave_the_workspace(place: Scene, operation: Operation) -> None:
    _refused(place, operation, os.path.relpath(_outside(place), place.workspace()))


@pytest.mark.spec("WS-056")
def test_an_absolute_path_outside_is_refused(place: Scene, operation: Operation) -> None:
    _refused(place, operation, str(_outside(place)))


@pytest.mark.spec("WS-056")
def test_the_home_of_the_user_is_refused(place: Scene, operation: Operation) -> None:
    _refused(place, operation, "~/secret.txt")


def _link_operations() -> list[Operation]:
    entries = ("remove", "move away", "move over", "make directory")
    return [operation for name, operation in OPERATIONS.items() if name not in entries]


@pytest.mark.spec("WS-056")
@pytest.mark.parametrize("through", ["file", "directory", "chain"])
def test_a_link_made_before_the_call_is_refused(place: Scene, through: str) -> None:
    workspace = place.workspace()
    outside = _outside(place)
    (workspace / "file").symlink_to(outside)
    (workspace / "directory").symlink_to(outside.parent)
    (workspace / "chain").symlink_to("file")
    path = "directory/secret.txt" if through == "directory" else through
    for operation in _link_operations():
        _refused(place, operation, path)


@pytest.mark.spec("WS-056")
def test_removing_a_link_removes_only_the_link(place: Scene) -> None:
    link = place.workspace() / "link"
    link.symlink_to(_outside(place).parent)
    beneath.remove(place.policy(), "link", recursive=True)
    assert not os.path.lexists(link)
    assert _outside(place).read_text() == SECRET


@pytest.mark.spec("WS-056")
def test_a_tree_is_removed_without_following_links_in_it(place: Scene) -> None:
    (place.workspace() / "tree").mkdir()
    (place.workspace() / "tree/link").symlink_to(_outside(place).parent)
    beneath.remove(place.policy(), "tree", recursive=True)
    assert _outside(place).read_text() == SECRET


@pytest.mark.spec("WS-056")
def test_a_directory_swapped_for_a_link_during_calls_never_leads_outside(place: Scene) -> None:
    workspace = place.workspace()
    policy = place.policy()
    write(workspace / "real/secret.txt", "mine\n")
    stop = threading.Event()

    def swap() -> None:
        real, aside = workspace / "real", workspace / "aside"
        while not stop.is_set():
            for step in (
                lambda: os.rename(real, aside),
                lambda: os.symlink(_outside(place).parent, real),
                lambda: os.unlink(real),
                lambda: shutil.rmtree(real),
                lambda: os.rename(aside, real),
            ):
                with contextlib.suppress(OSError):
                    step()

    attacker = threading.Thread(target=swap)
    attacker.start()
    seen: set[bytes] = set()
    try:
        for _ in range(300):
            for operation in ("read", "replace", "open for writing"):
                try:
                    result = OPERATIONS[operation](policy, "real/secret.txt")
                except (PathRefused, OSError):
                    continue
                if isinstance(result, bytes):
                    seen.add(result)
    finally:
        stop.set()
        attacker.join()
    assert SECRET.encode() not in seen
    assert _outside(place).read_text() == SECRET


@pytest.mark.spec("WS-056")
@pytest.mark.parametrize("name", ["read", "replace", "open for writing"])
def test_a_hard_link_to_a_file_outside_is_refused(place: Scene, name: str) -> None:
    os.link(_outside(place), place.workspace() / "linked")
    _refused(place, OPERATIONS[name], "linked")


@pytest.mark.spec("WS-095")
def test_a_hard_link_to_a_protected_file_is_refused(place: Scene) -> None:
    os.link(place.launch / "project/fixtures/data.json", place.launch / "project/src/same.json")
    _refused(place, _replace, str(place.launch / "project/src/same.json"))


@pytest.mark.spec("WS-005")
def test_hard_links_within_the_workspace_are_fine(place: Scene) -> None:
    write(place.workspace() / "one", "1")
    os.link(place.workspace() / "one", place.workspace() / "two")
    assert beneath.read_bytes(place.policy(), "two") == b"1"


@pytest.mark.spec("WS-056")
@pytest.mark.parametrize("door", ["/proc/self/root", "/proc/self/cwd/../../..", "/proc/thread-self/root"])
def test_the_process_directory_is_no_way_out(place: Scene, operation: Operation, door: str) -> None:
    if not os.path.exists("/proc/self/root"):
        pytest.skip("no /proc here")
    _refused(place, operation, f"{door}{_outside(place)}")


@pytest.mark.parametrize("name", [".ENV", ".Env", "．env", ".e\u200bnv", ".env.", ".env "])
def test_other_spellings_of_a_secret_name_are_refused(place: Scene, operation: Operation, name: str) -> None:
    _refused(place, operation, str(place.launch / "project" / name))


@pytest.mark.parametrize("name", [".GIT/config", ".g\u200dit/hooks/post-commit", "src/.Git/config"])
def test_other_spellings_of_git_are_not_written(place: Scene, writing: Operation, name: str) -> None:
    _refused(place, writing, str(place.launch / "project" / name))


@pytest.mark.parametrize("path", ["a\0b", "a\nb", "a\rb", "\x1b[2J", "a\x7fb", "", "\udcff\ud800"])
def test_names_with_control_characters_are_refused(place: Scene, operation: Operation, path: str) -> None:
    _refused(place, operation, path)


@pytest.mark.parametrize("path", ["a" * 256, "d/" * 2100 + "f"])
def test_very_long_paths_are_refused(place: Scene, operation: Operation, path: str) -> None:
    _refused(place, operation, path)


@pytest.mark.parametrize("name", [".git", ".git/config", ".git/hooks/pre-commit", ".git/info/attributes"])
def test_git_files_of_the_project_are_never_written(place: Scene, writing: Operation, name: str) -> None:
    _refused(place, writing, str(place.launch / "project" / name))


def test_git_files_of_the_project_may_be_read(place: Scene) -> None:
    assert beneath.read_bytes(place.policy(), str(place.launch / "project/.git/config")) == b"[core]\n"


@pytest.mark.parametrize("name", ["fixtures", "fixtures/data.json", "fixtures/new.json", "fixtures/deep/new.json"])
@pytest.mark.spec("WS-095", "WS-097", "WS-098")
def test_protected_files_are_not_reached_by_any_write(place: Scene, writing: Operation, name: str) -> None:
    _refused(place, writing, str(place.launch / "project" / name))


@pytest.mark.spec("WS-098")
@pytest.mark.parametrize("name", ["remove", "move away", "move over"])
def test_the_directory_that_holds_protected_files_stays(place: Scene, name: str) -> None:
    _refused(place, WRITES[name], str(place.launch / "project"))


@pytest.mark.spec("WS-096")
def test_the_refusal_of_a_protected_file_names_it(place: Scene) -> None:
    path = place.launch / "project/fixtures/data.json"
    with pytest.raises(PathRefused) as refusal:
        _replace(place.policy(presenting=True), str(path))
    assert f"Error: {refusal.value.message}" == f"Error: Cannot modify {path} - path is protected"


@pytest.mark.parametrize("name", [".env", "sub/.env.local", "team.yaml"])
def test_secret_files_of_the_project_are_not_read(place: Scene, operation: Operation, name: str) -> None:
    _refused(place, operation, str(place.launch / "project" / name))


def test_listings_and_walks_leave_secrets_out(place: Scene) -> None:
    policy = place.policy()
    project = place.launch / "project"
    assert [entry.name for entry in beneath.list_directory(policy, str(project))] == [".git", "fixtures", "src", "sub"]
    walked = {entry.name for entry in beneath.walk(policy, str(project))}
    assert walked.isdisjoint({".env", ".env.local", "team.yaml"})


@pytest.mark.spec("WS-098")
def test_a_directory_that_holds_a_secret_is_neither_moved_nor_removed(place: Scene) -> None:
    for name in ("remove", "move away"):
        _refused(place, WRITES[name], str(place.launch / "project/sub"))


def test_a_repository_is_not_planted_in_the_project(place: Scene) -> None:
    write(place.workspace() / "nested/.git/hooks/post-checkout", "#!/bin/sh\n")
    with pytest.raises(PathRefused):
        beneath.rename(place.policy(presenting=True), "nested", str(place.launch / "project/nested"))


@pytest.mark.spec("WS-005")
def test_another_agents_workspace_is_refused(place: Scene, operation: Operation) -> None:
    write(place.workspace("beta") / "plan.txt", SECRET)
    _refused(place, operation, str(place.workspace("beta") / "plan.txt"))


@pytest.mark.parametrize("path", [".massgen", ".massgen/massgen_logs/x.log", ".massgen/snapshots/beta", "notes.txt"])
def test_state_of_the_program_and_files_beside_the_project_are_refused(
    place: Scene, operation: Operation, path: str
) -> None:
    write(place.launch / ".massgen/massgen_logs/x.log", SECRET)
    _refused(place, operation, str(place.launch / path))


def test_pipes_and_devices_are_not_opened(place: Scene) -> None:
    os.mkfifo(place.workspace() / "pipe")
    for operation in (READS["read"], _replace, _open_for_writing):
        _refused(place, operation, "pipe")


def test_the_workspace_itself_is_not_removed_or_moved(place: Scene) -> None:
    for name in ("remove", "move away"):
        _refused(place, WRITES[name], ".")


@pytest.mark.spec("WS-023")
def test_the_view_of_other_agents_is_not_written(place: Scene, writing: Operation) -> None:
    write(place.workspace("beta") / "x.py", "beta\n")

    async def answer() -> None:
        await place.run.publish("beta", await place.run.freeze("beta"))

    asyncio.run(answer())
    path = place.view("alpha", 2) / "x.py"
    assert path.read_text() == "beta\n"
    _refused(place, writing, str(path))
    assert path.read_text() == "beta\n"
