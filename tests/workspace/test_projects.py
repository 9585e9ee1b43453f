"""Isolating write modes: copies of a project for each round, and what of them reaches the user."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from massgen.errors import StorageError
from massgen.workspace import Acceptance, Applied, FileChange, PathRefused, accept_all, beneath
from tests.needs import needs
from tests.workspace.place import Scene, contents, context, git, git_project, scene, write

pytestmark = needs("git")


async def started(launch: Path, project: Path, *protected: str, mode: str = "auto") -> Scene:
    place = await scene(launch, context(project, "write", *protected), write_mode=mode)
    for agent in ("alpha", "beta"):
        await place.run.start_round(agent)
    return place


async def publish(place: Scene, agent: str = "alpha") -> None:
    await place.run.publish(agent, await place.run.freeze(agent))


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await story()

    asyncio.run(whole())


def run(command: list[str], place: Path) -> str:
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=True).stdout


def branches(checkout: Path) -> set[str]:
    return {line.strip("* ") for line in git(checkout, "branch", "--list").splitlines()}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return git_project(tmp_path / "project").resolve()


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    write(tmp_path / "plain/app.py", "import lib\n")
    write(tmp_path / "plain/lib.py", "VALUE = 1\n")
    return (tmp_path / "plain").resolve()


@pytest.mark.spec("WS-030", "WS-043")
@pytest.mark.parametrize("mode", ["auto", "worktree", "isolated"])
@pytest.mark.parametrize("kind", ["git", "plain"])
def test_every_isolating_mode_gives_a_clean_checkout(
    tmp_path: Path, project: Path, plain: Path, mode: str, kind: str
) -> None:
    source = project if kind == "git" else plain

    async def story() -> None:
        place = await started(tmp_path / "launch", source, mode=mode)
        checkout = place.checkout()
        assert (checkout / "lib.py").read_text() == "VALUE = 1\n"
        assert git(checkout, "status", "--porcelain") == ""
        history = git(checkout, "log", "--format=%s")
        borrowed = kind == "git" and mode != "isolated"
        assert ("first" in history) == borrowed

    play(story)
    assert not (plain / ".git").exists()


@pytest.mark.spec("WS-030")
def test_legacy_mode_makes_no_copies(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place = await started(tmp_path / "launch", project, mode="legacy")
        assert not (place.workspace() / ".worktree").exists()
        assert await place.run.changes("alpha") == []

    play(story)


@pytest.mark.spec("WS-044")
def test_worktree_without_git_logs_an_error_and_goes_on(
    tmp_path: Path, plain: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        place = await started(tmp_path / "launch", plain, mode="worktree")
        assert (place.checkout() / "app.py").exists()

    play(story)
    assert [record.levelno for record in caplog.records if "shadow copy" in record.message] == [logging.ERROR]


@pytest.mark.spec("WS-030")
def test_a_broken_repository_falls_back_to_a_shadow_copy(tmp_path: Path, project: Path) -> None:
    (project / ".git/HEAD").write_text("nonsense")

    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        assert place.run.projects[0].kind == "shadow"
        assert set(contents(place.checkout())) > {"app.py", "lib.py"}

    play(story)


@pytest.mark.spec("WS-031", "WS-034")
def test_each_round_starts_from_the_clean_state(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        write(place.checkout() / "lib.py", "VALUE = 2\n")
        write(place.checkout() / "new.py")
        await publish(place)
        await place.run.start_round("alpha")
        tracked = {name: (place.checkout() / name).read_bytes() for name in ("app.py", "lib.py")}
        assert tracked == {name: (project / name).read_bytes() for name in tracked}
        assert not (place.checkout() / "new.py").exists()

    play(story)


@pytest.mark.spec("WS-034")
def test_the_copy_is_what_the_user_has_uncommitted_and_untracked_included(tmp_path: Path, project: Path) -> None:
    write(project / "lib.py", "VALUE = 5\n")
    write(project / "untracked.txt")
    write(project / ".gitignore", "build/\n")
    write(project / "build/out.o")
    (project / "app.py").unlink()

    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        found = {path for path in contents(place.checkout()) if not path.startswith(".git/")}
        assert found == {"lib.py", "untracked.txt", ".gitignore"}
        assert (place.checkout() / "lib.py").read_text() == "VALUE = 5\n"
        assert git(place.checkout(), "status", "--porcelain") == ""

    play(story)


@pytest.mark.spec("WS-032")
def test_work_in_rounds_never_reaches_the_project(tmp_path: Path, project: Path) -> None:
    kept = contents(project)

    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        checkout = place.checkout()
        write(checkout / "lib.py", "VALUE = 2\n")
        git(checkout, "add", "-A")
        git(checkout, "commit", "-qm", "mine")
        git(checkout, "branch", "extra")
        await publish(place)
        for path in ("lib.py", ".git/config"):
            with pytest.raises(PathRefused):
                beneath.replace_file(place.policy(presenting=True), str(project / path), b"")
        await place.run.finish()

    play(story)
    assert contents(project) == kept


@pytest.mark.spec("WS-035", "WS-036", "WS-037")
def test_each_agent_has_one_live_branch_that_all_can_compare(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        mine, other = place.checkout("beta"), place.checkout("alpha")
        write(other / "lib.py", "VALUE = 22\n")
        await publish(place)
        (branch,) = branches(mine) - {git(mine, "branch", "--show-current").strip()}
        assert "+VALUE = 22" in git(mine, "diff", f"HEAD..{branch}")
        first = branches(mine)
        await place.run.start_round("alpha")
        second = branches(mine)
        assert len(first) == len(second) == 2
        assert branch not in second
        assert branches(place.checkout("alpha")) == second
        (renamed,) = second - first
        assert "+VALUE = 22" in git(mine, "diff", f"HEAD..{renamed}")
        for name in first | second:
            assert not {"alpha", "beta", "agent", "round"} & set(name.replace("-", " ").split())

    play(story)


@pytest.mark.spec("WS-037")
def test_a_frozen_state_is_not_shown_before_its_answer_is_accepted(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        mine = place.checkout("beta")
        write(place.checkout("alpha") / "lib.py", "VALUE = 3\n")
        await place.run.freeze("alpha")
        (branch,) = branches(mine) - {git(mine, "branch", "--show-current").strip()}
        assert git(mine, "diff", f"HEAD..{branch}") == ""

    play(story)


@pytest.mark.spec("WS-038")
def test_scratch_space_is_no_part_of_the_project_and_can_import_it(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        checkout = place.checkout()
        write(checkout / ".massgen_scratch/t.py", "import sys; sys.path.insert(0, '.'); import lib; print(lib.VALUE)")
        assert git(checkout, "status", "--porcelain") == ""
        command = [sys.executable, "-B", ".massgen_scratch/t.py"]
        assert run(command, checkout) == "1\n"
        assert await place.run.changes("alpha") == []

    play(story)


@pytest.mark.spec("WS-039")
def test_scratch_space_is_archived_and_reaches_the_others(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        write(place.checkout() / ".massgen_scratch/notes.md", "tried it\n")
        await publish(place)
        await place.run.empty("alpha")
        await place.run.start_round("alpha")
        assert (place.workspace() / ".scratch_archive/notes.md").read_text() == "tried it\n"
        assert (place.view("beta", 1) / ".scratch_archive/notes.md").read_text() == "tried it\n"
        assert os.listdir(place.checkout() / ".massgen_scratch") == []

    play(story)


@pytest.mark.spec("WS-042")
def test_the_end_of_a_run_removes_all_copies(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        await place.run.finish()
        assert not (place.workspace() / ".worktree").exists()
        assert not place.run.layout.store.exists()

    play(story)
    assert git(project, "worktree", "list").count("\n") == 1


def test_copies_are_no_part_of_snapshots(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        write(place.workspace() / "answer.txt")
        await publish(place)
        assert set(contents(place.view("beta", 1))) == {"answer.txt"}

    play(story)


def test_secrets_and_denied_files_are_neither_copied_nor_in_the_history(tmp_path: Path, project: Path) -> None:
    write(project / "team.yaml", "secret")
    write(project / ".env", "secret")
    git(project, "add", "-f", "team.yaml")
    git(project, "commit", "-qm", "team")

    async def story() -> None:
        place = await scene(tmp_path / "launch", context(project), write_mode="auto", denied=(project / "team.yaml",))
        await place.run.start_round("alpha")
        checkout = place.checkout()
        assert not {"team.yaml", ".env"} & set(os.listdir(checkout))
        assert "team" not in git(checkout, "log", "--all", "--format=%s", "--name-only")
        assert all(change.path not in ("team.yaml", ".env") for change in await place.run.changes("alpha"))

    play(story)


async def presented(
    launch: Path, project: Path, *protected: str, **files: str | None
) -> tuple[Scene, list[FileChange]]:
    """The winner's changes after its presentation; None deletes a file."""
    place = await started(launch, project, *protected)
    await publish(place)
    await place.run.restore("alpha", place.run.latest("alpha"))
    for name, text in files.items():
        path = place.checkout() / f"{name}.py"
        path.unlink() if text is None else write(path, text)
    return place, await place.run.changes("alpha")


@pytest.mark.spec("WS-033")
def test_only_the_approved_file_changes_in_the_project(tmp_path: Path, project: Path) -> None:
    kept = contents(project)

    async def story() -> None:
        place, changes = await presented(tmp_path / "launch", project, app="new app\n", lib="new lib\n")
        assert [(change.path, change.kind) for change in changes] == [("app.py", "modified"), ("lib.py", "modified")]
        applied = await place.run.apply("alpha", [Acceptance(change=changes[1])])
        assert applied == Applied(applied=(project / "lib.py",))

    play(story)
    assert contents(project) == {**kept, "lib.py": b"new lib\n"}


@pytest.mark.spec("WS-033")
def test_without_a_person_everything_is_applied_with_modes_and_deletions(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place, _ = await presented(tmp_path / "launch", project, app=None, lib="VALUE = 9\n", tool="#!/bin/sh\n")
        (place.checkout() / "tool.py").chmod(0o755)
        changes = await place.run.changes("alpha")
        await place.run.apply("alpha", accept_all(changes))

    play(story)
    assert git(project, "status", "--porcelain").split("\n") == [" D app.py", " M lib.py", "?? tool.py", ""]
    assert os.access(project / "tool.py", os.X_OK)


@pytest.mark.spec("WS-024")
def test_the_presentation_starts_from_the_winners_last_branch(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        write(place.checkout() / "lib.py", "VALUE = 7\n")
        await publish(place)
        frozen = place.run.latest("alpha")
        await place.run.empty("alpha")
        await place.run.start_round("alpha")
        await place.run.restore("alpha", frozen)
        assert (place.checkout() / "lib.py").read_text() == "VALUE = 7\n"
        assert git(place.checkout(), "status", "--porcelain") == ""
        assert [change.path for change in await place.run.changes("alpha")] == ["lib.py"]

    play(story)


@pytest.mark.spec("WS-104")
def test_a_protected_file_cannot_be_approved(tmp_path: Path, project: Path) -> None:
    kept = (project / "lib.py").read_bytes()

    async def story() -> None:
        place, changes = await presented(tmp_path / "launch", project, "lib.py", lib="changed\n", app="fine\n")
        refused = {change.path: change.refused for change in changes}
        assert refused == {"app.py": None, "lib.py": f"Cannot modify {project}/lib.py - path is protected"}
        applied = await place.run.apply("alpha", [Acceptance(change=change) for change in changes])
        assert applied.applied == (project / "app.py",)
        assert [path for path, _ in applied.refused] == [project / "lib.py"]

    play(story)
    assert (project / "lib.py").read_bytes() == kept


def test_a_file_that_the_user_changed_meanwhile_is_a_conflict(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place, changes = await presented(tmp_path / "launch", project, lib="agent\n", new="agent\n")
        write(project / "lib.py", "user\n")
        write(project / "new.py", "user\n")
        applied = await place.run.apply("alpha", [Acceptance(change=change) for change in changes])
        assert set(applied.conflicts) == {project / "lib.py", project / "new.py"}
        assert all(change.conflict for change in await place.run.changes("alpha"))
        await place.run.apply("alpha", [Acceptance(change=changes[0], overwrite=True)])

    play(story)
    assert (project / "lib.py").read_text() == "agent\n"
    assert (project / "new.py").read_text() == "user\n"


@pytest.mark.spec("WS-033")
def test_parts_of_a_file_can_be_accepted(tmp_path: Path, project: Path) -> None:
    write(project / "lib.py", "".join(f"line {number}\n" for number in range(10)))

    async def story() -> None:
        lines = (project / "lib.py").read_text().replace("line 1\n", "first\n").replace("line 8\n", "last\n")
        place, changes = await presented(tmp_path / "launch", project, lib=lines)
        hunks = place.run.review("alpha").hunks(changes[0])
        assert [hunk.splitlines()[1:] for hunk in hunks] == [["-line 1", "+first"], ["-line 8", "+last"]]
        await place.run.apply("alpha", [Acceptance(change=changes[0], hunks=frozenset({1}))])

    play(story)
    text = (project / "lib.py").read_text()
    assert "line 1\n" in text
    assert "last\n" in text


def test_the_patch_can_be_applied_by_git(tmp_path: Path, project: Path) -> None:
    odd = os.fsdecode(b'caf\xe9 "\n+++ b/lib.py')

    async def story() -> None:
        place, _ = await presented(tmp_path / "launch", project, lib="VALUE = 4\n", new="no newline")
        write(place.checkout() / odd, "odd\n")
        changes = await place.run.changes("alpha")
        write(tmp_path / "changes.patch", place.run.review("alpha").patch(changes))

    play(story)
    git(project, "apply", str(tmp_path / "changes.patch"))
    assert (project / "lib.py").read_text() == "VALUE = 4\n"
    assert (project / "new.py").read_text() == "no newline"
    assert (project / odd).read_text() == "odd\n"


def test_a_failure_while_applying_takes_everything_back(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place, changes = await presented(tmp_path / "launch", project, app="new\n", zoo="new\n")
        (project / "zoo.py").mkdir()
        write(project / "zoo.py/inside")
        with pytest.raises(StorageError, match="nothing was changed"):
            await place.run.apply("alpha", [Acceptance(change=change, overwrite=True) for change in changes])

    play(story)
    assert (project / "app.py").read_text() == "import lib\n"


def test_a_link_that_an_agent_made_is_not_applied(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place, _ = await presented(tmp_path / "launch", project)
        (place.checkout() / "link.py").symlink_to("lib.py")
        (place.checkout() / "away.py").symlink_to("/etc/passwd")
        changes = await place.run.changes("alpha")
        assert [(change.path, change.refused) for change in changes] == [
            ("away.py", "a link that leads out of the project, to /etc/passwd"),
            ("link.py", "links are not applied"),
        ]

    play(story)


def test_git_settings_of_an_agent_are_never_run(tmp_path: Path, project: Path) -> None:
    """Hooks, monitors, filters and attributes that an agent puts into its checkout."""

    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        checkout = place.checkout()
        trap = write(tmp_path / "trap.sh", f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
        trap.chmod(0o755)
        for key in ("core.fsmonitor", "filter.x.clean", "filter.x.smudge", "diff.external", "core.sshCommand"):
            git(checkout, "config", key, str(trap))
        for hook in ("reference-transaction", "post-commit", "post-checkout", "pre-commit"):
            write(checkout / f".git/hooks/{hook}", trap.read_text()).chmod(0o755)
        write(checkout / ".gitattributes", "* filter=x\n")
        write(checkout / "lib.py", "VALUE = 2\n")
        await publish(place)
        await place.run.start_round("beta")
        await publish(place, "beta")
        await place.run.start_round("alpha")
        await place.run.changes("alpha")
        await place.run.finish()

    play(story)
    assert not (tmp_path / "sprung").exists()


def test_a_checkout_that_its_agent_ruined_does_not_break_the_run(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        checkout = place.checkout()
        shutil.rmtree(checkout / ".git")
        (checkout / ".git").symlink_to(project / ".git")
        await publish(place, "beta")
        await place.run.start_round("beta")
        await publish(place)
        shutil.rmtree(place.workspace() / ".worktree")
        (place.workspace() / ".worktree").symlink_to(project)
        (place.workspace() / ".scratch_archive").symlink_to(project)
        await publish(place)
        await place.run.start_round("alpha")
        assert (place.checkout() / "lib.py").read_text() == "VALUE = 1\n"

    kept = contents(project)
    play(story)
    assert contents(project) == kept


def test_a_single_file_that_may_be_written_is_a_project_of_one_file(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place = await scene(tmp_path / "launch", context(project / "lib.py"), write_mode="auto")
        await place.run.start_round("alpha")
        checkout = place.checkout()
        assert [name for name in os.listdir(checkout) if not name.startswith(".")] == ["lib.py"]
        write(checkout / "lib.py", "VALUE = 2\n")
        write(checkout / "other.py")
        changes = await place.run.changes("alpha")
        assert [(change.path, change.refused is None) for change in changes] == [("lib.py", True), ("other.py", False)]

    play(story)


def test_submodules_and_nested_repositories_are_left_out(tmp_path: Path, project: Path) -> None:
    git_project(project / "nested")
    git(project, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(project / "nested"), "sub")

    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        assert not {"nested", "sub"} & set(os.listdir(place.checkout()))
        assert await place.run.changes("alpha") == []

    play(story)


def test_files_with_filters_are_copied_as_they_are_on_disk(tmp_path: Path, project: Path) -> None:
    write(project / ".gitattributes", "*.bin filter=lfs\n*.txt text eol=crlf\n")
    git(project, "config", "filter.lfs.clean", "echo pointer")
    write(project / "data.bin", "real content\n")
    (project / "dos.txt").write_bytes(b"a\r\nb\r\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "filtered")

    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        assert (place.checkout() / "data.bin").read_text() == "real content\n"
        assert (place.checkout() / "dos.txt").read_bytes() == b"a\r\nb\r\n"
        assert git(place.checkout(), "status", "--porcelain") == ""
        assert await place.run.changes("alpha") == []

    play(story)


def test_direct_writes_are_held_back_until_they_are_applied(tmp_path: Path, plain: Path) -> None:
    kept = contents(plain)

    async def story() -> None:
        place = await scene(tmp_path / "launch", context(plain), hold_writes=True)
        await place.run.start_round("alpha")
        assert not (place.workspace() / ".worktree").exists()
        await publish(place)
        await place.run.restore("alpha", place.run.latest("alpha"))
        with pytest.raises(PathRefused):
            beneath.replace_file(place.policy(presenting=True), str(plain / "lib.py"), b"")
        write(place.checkout() / "lib.py", "VALUE = 6\n")
        changes = await place.run.changes("alpha")
        assert contents(plain) == kept
        await place.run.apply("alpha", accept_all(changes))

    play(story)
    assert contents(plain) == {**kept, "lib.py": b"VALUE = 6\n"}


@pytest.mark.spec("WS-033")
def test_a_file_and_a_directory_may_change_places(tmp_path: Path, project: Path) -> None:
    write(project / "pkg/inner.py")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "package")

    async def story() -> None:
        place, _ = await presented(tmp_path / "launch", project, lib=None)
        write(place.checkout() / "lib.py/now.py", "inside\n")
        shutil.rmtree(place.checkout() / "pkg")
        write(place.checkout() / "pkg", "a file\n")
        changes = await place.run.changes("alpha")
        assert not any(change.conflict for change in changes)
        await place.run.apply("alpha", accept_all(changes))
        assert await place.run.changes("alpha") == []

    play(story)
    assert (project / "lib.py/now.py").read_text() == "inside\n"
    assert (project / "pkg").read_text() == "a file\n"


def test_a_directory_that_still_holds_files_of_the_user_is_a_conflict(tmp_path: Path, project: Path) -> None:
    write(project / "pkg/inner.py")
    write(project / ".gitignore", "*.o\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "package")
    write(project / "pkg/built.o", "ignored\n")

    async def story() -> None:
        place, _ = await presented(tmp_path / "launch", project, app="new\n")
        shutil.rmtree(place.checkout() / "pkg")
        write(place.checkout() / "pkg", "a file\n")
        changes = await place.run.changes("alpha")
        assert [change.path for change in changes if change.conflict] == ["pkg"]
        await place.run.apply("alpha", [Acceptance(change=change) for change in changes])

    play(story)
    assert (project / "pkg/built.o").read_text() == "ignored\n"
    assert (project / "app.py").read_text() == "new\n"


def test_a_huge_file_of_the_project_is_not_copied_and_the_user_is_told(
    tmp_path: Path, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (project / "disk.img").open("wb") as file:
        file.truncate(2 << 30)

    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        assert "disk.img" not in os.listdir(place.checkout())
        assert await place.run.changes("alpha") == []

    play(story)
    assert "disk.img (larger than 100 MB)" in caplog.text


def test_names_that_are_no_utf8_and_names_that_differ_only_in_case_reach_the_project(
    tmp_path: Path, project: Path
) -> None:
    raw = os.fsdecode(b"caf\xe9.txt")
    write(project / raw, "old\n")
    write(project / "Readme", "upper\n")

    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        assert git(place.checkout(), "status", "--porcelain") == ""
        write(place.checkout() / raw, "new\n")
        (place.checkout() / "Readme").rename(place.checkout() / "README")
        await place.run.apply("alpha", accept_all(await place.run.changes("alpha")))

    play(story)
    assert (project / raw).read_text() == "new\n"
    assert {"README", "Readme"} & set(os.listdir(project)) == {"README"}


def test_pipes_sockets_loops_and_read_only_directories_do_not_stop_a_run(tmp_path: Path, project: Path) -> None:
    os.mkfifo(project / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(project / "socket"))
    (project / "loop").symlink_to("loop")
    (project / "round").symlink_to(".")
    write(project / "locked/file.txt", "old\n")
    (project / "locked").chmod(0o555)

    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        found = set(os.listdir(place.checkout()))
        assert found == {".git", ".massgen_scratch", "app.py", "lib.py", "locked"}
        write(place.checkout() / "locked/file.txt", "new\n")
        changes = await place.run.changes("alpha")
        assert [change.path for change in changes] == ["locked/file.txt"]
        await place.run.finish()

    play(story)
    (project / "locked").chmod(0o755)


def test_files_outside_of_a_sparse_checkout_are_neither_copied_nor_deleted(tmp_path: Path, project: Path) -> None:
    write(project / "other/far.py")
    write(project / "near/here.py")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "two")
    git(project, "sparse-checkout", "set", "near")

    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        assert not (place.checkout() / "other").exists()
        assert git(place.checkout(), "status", "--porcelain") == ""
        write(place.checkout() / "near/here.py", "new\n")
        await place.run.apply("alpha", accept_all(await place.run.changes("alpha")))

    play(story)
    assert git(project, "status", "--porcelain").strip() == "M near/here.py"
