"""Accepted changes reach the project all or not at all, whenever the program dies."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from massgen.workspace import AgentPathPolicy, Grants, PathRefused, accept_all
from massgen.workspace.applying import CutOff, Step, apply_steps, finish_applying
from tests.needs import needs
from tests.workspace.place import contents, context, git_project, scene, write

OLD = {
    "kept.txt": b"kept\n",
    "changed.txt": b"old\n",
    "gone.txt": b"gone\n",
    "was_file": b"file\n",
    "was_dir/a": b"a\n",
}
NEW = {
    "kept.txt": b"kept\n",
    "changed.txt": b"new\n",
    "fresh/deep/new.txt": b"new\n",
    "was_file/now": b"directory\n",
    "was_dir": b"now a file\n",
}
CHANGES = {"os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "os.chmod"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = (tmp_path / "project").resolve()
    for name, content in OLD.items():
        write(root / name, content.decode())
    (root / "changed.txt").chmod(0o754)
    return root


def policy_of(root: Path) -> AgentPathPolicy:
    return AgentPathPolicy(workspace=root, grants=Grants(writable=(root,)))


def steps(root: Path) -> list[Step]:
    found = [Step(target=root / name, content=None) for name in OLD if name not in NEW]
    return found + [
        Step(target=root / name, content=lambda content=content: content)
        for name, content in NEW.items()
        if OLD.get(name) != content
    ]


def applying(root: Path, state: Path) -> Callable[[], None]:
    return lambda: apply_steps(policy_of(root), steps(root), state=state, patch="the.patch")


def killed_at(number: int, work: Callable[[], None]) -> bool:
    """Do `work` in a child that kills itself before its change `number` on disk; False if it ended before."""
    child = os.fork()
    if child == 0:
        seen = 0

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal seen
            if event in CHANGES or (event == "open" and int(str(arguments[2])) & os.O_CREAT):
                seen += 1
                if seen == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.spec("WS-033")
def test_a_kill_at_any_operation_leaves_all_or_nothing_after_the_next_start(tmp_path: Path, project: Path) -> None:
    outcomes: list[str] = []
    for number in range(1, 10_000):
        root, state = tmp_path / f"copy{number}", tmp_path / f"state{number}"
        shutil.copytree(project, root)
        if not killed_at(number, applying(root, state)):
            assert contents(root) == NEW
            break
        told = finish_applying(state)
        finished = contents(root) == NEW
        assert finished or contents(root) == OLD
        assert [one.outcome for one in told] in ([], ["finished" if finished else "undone"])
        assert [one.left for one in told] in ([], [()])
        assert (root / "changed.txt").stat().st_mode & 0o777 == 0o754
        assert finished or not (root / "fresh").exists()
        assert finish_applying(state) == ()
        outcomes += [one.outcome for one in told] or ["nothing to do"]
    assert outcomes.count("undone") > 5
    assert outcomes.count("finished") > 5


def cut_off(root: Path, state: Path) -> None:
    """An apply that is committed and of which nothing has been carried out."""
    for number in range(1, 10_000):
        killed_at(number, applying(root, state))
        if any(path.read_bytes().endswith(b"committed\n") for path in (state / "applying").glob("*.journal")):
            return
        finish_applying(state)


@pytest.mark.spec("WS-033")
def test_what_the_user_changed_after_the_kill_is_left_alone_and_told(tmp_path: Path, project: Path) -> None:
    cut_off(project, tmp_path / "state")
    write(project / "changed.txt", "the user's\n")
    (told,) = finish_applying(tmp_path / "state")
    assert (told.outcome, told.left) == ("finished", (project / "changed.txt",))
    assert contents(project) == {**NEW, "changed.txt": b"the user's\n"}
    assert str(project / "changed.txt") in told.sentence()
    assert "the.patch" in told.sentence()


def test_a_journal_that_came_with_a_project_is_not_followed(tmp_path: Path, project: Path) -> None:
    cut_off(project, tmp_path / "state")
    (journal,) = (tmp_path / "state/applying").glob("*.journal")
    content = journal.read_bytes()
    before = contents(project)
    write(tmp_path / "other/applying/foreign.journal", content.decode())
    assert finish_applying(tmp_path / "other") == ()
    assert contents(project) == before


def test_a_live_apply_is_not_touched(tmp_path: Path, project: Path) -> None:
    found: list[tuple[CutOff, ...]] = []

    def content() -> bytes:
        found.append(finish_applying(tmp_path / "state"))
        return b"new\n"

    apply_steps(policy_of(project), [Step(target=project / "changed.txt", content=content)], state=tmp_path / "state")
    assert set(found) == {()}
    assert (project / "changed.txt").read_bytes() == b"new\n"
    assert list((tmp_path / "state/applying").iterdir()) == []


def test_a_full_disk_while_staging_leaves_no_trace(tmp_path: Path, project: Path) -> None:
    calls: list[int] = []

    def content() -> bytes:
        calls.append(1)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return b"new\n"

    todo = [*steps(project), Step(target=project / "more/last.txt", content=content)]
    with pytest.raises(OSError, match="No space"):
        apply_steps(policy_of(project), todo, state=tmp_path / "state")
    assert contents(project) == OLD
    assert not (project / "more").exists()


def test_a_step_that_fails_takes_back_those_before_it(tmp_path: Path, project: Path) -> None:
    calls: list[int] = []

    def content() -> bytes:
        calls.append(1)
        if len(calls) == 2:
            write(project / "zoo/by_the_user")
        return b"new\n"

    todo = [*steps(project), Step(target=project / "zoo", content=content)]
    with pytest.raises(OSError):
        apply_steps(policy_of(project), todo, state=tmp_path / "state")
    assert contents(project) == {**OLD, "zoo/by_the_user": b"text\n"}
    assert (project / "changed.txt").stat().st_mode & 0o777 == 0o754


@pytest.mark.parametrize("name", [".git/hooks/pre-commit", ".env", "../outside.txt"])
def test_a_step_that_the_policy_refuses_writes_nothing(tmp_path: Path, project: Path, name: str) -> None:
    todo = [*steps(project), Step(target=Path(os.path.normpath(project / name)), content=lambda: b"x")]
    with pytest.raises(PathRefused):
        apply_steps(policy_of(project), todo, state=tmp_path / "state")
    assert contents(project) == OLD


def test_a_backup_that_shares_files_by_hard_links_keeps_the_old_contents(tmp_path: Path, project: Path) -> None:
    os.link(project / "changed.txt", tmp_path / "backup.txt")
    apply_steps(policy_of(project), steps(project), state=tmp_path / "state")
    assert contents(project) == NEW
    assert (tmp_path / "backup.txt").read_bytes() == b"old\n"


@needs("git")
def test_the_next_run_finishes_and_tells(tmp_path: Path) -> None:
    project = git_project(tmp_path / "launch/project").resolve()

    async def first() -> None:
        place = await scene(tmp_path / "launch", context(project), write_mode="auto")
        await place.run.start_round("alpha")
        write(place.checkout() / "lib.py", "VALUE = 2\n")
        changes = await place.run.changes("alpha")
        await place.run.apply("alpha", accept_all(changes), patch="the.patch")
        assert [change.path for change in await place.run.changes("alpha")] == []

    for number in range(1, 10_000):
        killed_at(
            number,
            lambda: apply_steps(
                policy_of(project),
                [Step(target=project / "lib.py", content=lambda: b"VALUE = 2\n")],
                state=tmp_path / "launch/.massgen",
            ),
        )
        if list((tmp_path / "launch/.massgen/applying").glob("*.journal")):
            break

    async def second() -> tuple[CutOff, ...]:
        return (await scene(tmp_path / "launch", context(project), write_mode="auto")).run.cut_off

    (told,) = asyncio.run(second())
    assert told.outcome == "undone"
    assert (project / "lib.py").read_text() == "VALUE = 1\n"
    asyncio.run(first())
    assert (project / "lib.py").read_text() == "VALUE = 2\n"
