"""What agents see of each other's files, and what they may do in which phase."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from massgen.workspace import AgentPathPolicy, PathRefused, beneath
from tests.workspace.place import Scene, contents, context, scene, write


async def answer(place: Scene, agent: str, **files: str) -> None:
    for name, text in files.items():
        write(place.workspace(agent) / f"{name}.py", text)
    await place.run.publish(agent, await place.run.freeze(agent))


@pytest.mark.spec("WS-020", "WS-021")
def test_an_answer_is_kept_as_snapshot_and_shown_to_every_agent(tmp_path: Path) -> None:
    async def run() -> Scene:
        place = await scene(tmp_path)
        await answer(place, "alpha", x="one\n")
        return place

    place = asyncio.run(run())
    expected = {"x.py": b"one\n"}
    assert contents(tmp_path / ".massgen/snapshots/alpha") == expected
    assert contents(tmp_path / ".massgen/temp_workspaces/beta/agent1") == expected
    assert contents(tmp_path / ".massgen/temp_workspaces/alpha/agent1") == expected
    assert beneath.read_bytes(place.policy("beta"), str(place.view("beta", 1) / "x.py")) == b"one\n"


@pytest.mark.spec("COORD-040", "WS-025", "WS-018")
def test_a_later_answer_replaces_the_view_and_the_steps_keep_both(tmp_path: Path) -> None:
    async def run() -> None:
        place = await scene(tmp_path)
        await answer(place, "alpha", x="one\n")
        await place.run.write_step(place.run.latest("alpha"), tmp_path / "step1/workspace")
        write(place.workspace() / "x.py", "edited\n")
        assert contents(place.view("beta", 1)) == {"x.py": b"one\n"}
        await answer(place, "alpha", x="two\n")
        await place.run.write_step(place.run.latest("alpha"), tmp_path / "step2/workspace")
        assert contents(place.view("beta", 1)) == {"x.py": b"two\n"}
        await place.run.finish()

    asyncio.run(run())
    assert (tmp_path / "step1/workspace/x.py").read_text() == "one\n"
    assert (tmp_path / "step2/workspace/x.py").read_text() == "two\n"


@pytest.mark.spec("WS-028")
def test_an_empty_workspace_does_not_replace_a_filled_snapshot(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> Scene:
        place = await scene(tmp_path)
        await answer(place, "alpha", x="one\n")
        await place.run.empty("alpha")
        with caplog.at_level(logging.WARNING):
            await answer(place, "alpha")
        return place

    place = asyncio.run(run())
    assert contents(tmp_path / ".massgen/snapshots/alpha") == {"x.py": b"one\n"}
    assert f"[FilesystemManager.save_snapshot] Source path {place.workspace()} is empty, skipping" in caplog.text


@pytest.mark.spec("COORD-042", "WS-012")
def test_emptying_keeps_framework_directories_and_archives_memory(tmp_path: Path) -> None:
    async def run() -> Scene:
        place = await scene(tmp_path)
        for name in (
            "servers/a.py",
            "custom_tools/b.py",
            ".mcp/c",
            "subagents/d",
            "work.txt",
            "memory/short_term/m.md",
        ):
            write(place.workspace() / name)
        write(place.workspace() / ".scratch_archive/e.py")
        await place.run.empty("alpha", memory_archive=tmp_path / "archive/alpha_answer_0")
        return place

    place = asyncio.run(run())
    assert set(os.listdir(place.workspace())) == {"servers", "custom_tools", ".mcp", "subagents", ".scratch_archive"}
    assert contents(tmp_path / "archive/alpha_answer_0") == {"short_term/m.md": b"text\n"}


@pytest.mark.spec("WS-024")
def test_the_presenter_starts_from_its_answer(tmp_path: Path) -> None:
    async def run() -> Scene:
        place = await scene(tmp_path)
        await answer(place, "alpha", x="one\n")
        frozen = place.run.latest("alpha")
        await place.run.empty("alpha")
        write(place.workspace() / "later.txt")
        await place.run.restore("alpha", frozen)
        return place

    place = asyncio.run(run())
    assert contents(place.workspace()) == {"x.py": b"one\n"}
    write(place.workspace() / "x.py", "writable\n")


@pytest.mark.spec("WS-012", "SESS-042")
def test_the_next_turn_starts_with_a_copy_of_the_winners_files(tmp_path: Path) -> None:
    async def run() -> Scene:
        place = await scene(tmp_path)
        await answer(place, "alpha", x="one\n")
        await place.run.write_step(place.run.latest("alpha"), tmp_path / "final/workspace")
        await place.run.seed(tmp_path / "final/workspace")
        return place

    place = asyncio.run(run())
    for agent in ("alpha", "beta"):
        assert contents(place.workspace(agent)) == {"x.py": b"one\n"}
        beneath.replace_file(place.policy(agent), "x.py", b"mine\n")


@pytest.mark.spec("WS-026")
def test_results_of_earlier_turns_are_readable_by_all(tmp_path: Path) -> None:
    async def run() -> Scene:
        place = await scene(tmp_path)
        await answer(place, "alpha", x="one\n")
        frozen = place.run.latest("alpha")
        assert frozen is not None
        await place.run.publish_turn(1, 1, frozen)
        return place

    place = asyncio.run(run())
    path = tmp_path / ".massgen/temp_workspaces/turn_1/agent1/x.py"
    assert beneath.read_bytes(place.policy("beta"), str(path)) == b"one\n"
    with pytest.raises(PathRefused):
        beneath.replace_file(place.policy("beta", presenting=True), str(path), b"")


OPERATIONS: dict[str, Callable[[AgentPathPolicy, Path], object]] = {
    "read": lambda policy, project: beneath.read_bytes(policy, str(project / "file.txt")),
    "create": lambda policy, project: beneath.replace_file(policy, str(project / "new.txt"), b"new"),
    "modify": lambda policy, project: beneath.replace_file(policy, str(project / "file.txt"), b"new"),
    "delete": lambda policy, project: beneath.remove(policy, str(project / "file.txt")),
}


@pytest.mark.spec("WS-051", "WS-052", "WS-053")
@pytest.mark.parametrize("presenting", [False, True], ids=["coordination", "presentation"])
@pytest.mark.parametrize("permission", ["read", "write"])
@pytest.mark.parametrize("operation", list(OPERATIONS))
def test_writing_needs_the_presentation_and_the_permission(
    tmp_path: Path, operation: str, permission: str, presenting: bool
) -> None:
    project = tmp_path / "project"
    write(project / "file.txt")
    policy = asyncio.run(scene(tmp_path / "launch", context(project, permission))).policy(presenting=presenting)
    before = contents(project)
    if operation == "read" or (presenting and permission == "write"):
        OPERATIONS[operation](policy, project)
        assert operation == "read" or contents(project) != before
    else:
        with pytest.raises(PathRefused):
            OPERATIONS[operation](policy, project)
        assert contents(project) == before


@pytest.mark.spec("WS-051")
def test_in_the_evaluation_after_the_presentation_nothing_is_written(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(project / "file.txt")
    place = asyncio.run(scene(tmp_path / "launch", context(project)))
    policy = place.run.for_agent("alpha", "post_evaluation")
    assert policy is not None
    with pytest.raises(PathRefused):
        beneath.replace_file(policy, str(project / "file.txt"), b"")


@pytest.mark.spec("WS-054")
def test_a_context_file_opens_only_itself(tmp_path: Path) -> None:
    write(tmp_path / "p/config.yaml")
    write(tmp_path / "p/other.yaml")
    place = asyncio.run(scene(tmp_path / "launch", context(tmp_path / "p/config.yaml", "read")))
    assert beneath.read_bytes(place.policy(), str(tmp_path / "p/config.yaml")) == b"text\n"
    for path in ("p/other.yaml", "p"):
        with pytest.raises(PathRefused):
            place.policy().resolve(str(tmp_path / path), "read")


@pytest.mark.spec("WS-062")
def test_the_deepest_context_path_decides_and_protections_add_up(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name in ("docs/a.md", "src/keep.py", "src/free.py", "src/inner/own.py"):
        write(project / name)
    contexts = (
        context(project, "write", "src/keep.py"),
        context(project / "docs", "read"),
        context(project / "src", "write", "inner/"),
    )
    policy = asyncio.run(scene(tmp_path / "launch", *contexts)).policy(presenting=True)
    beneath.replace_file(policy, str(project / "src/free.py"), b"new")
    for name in ("docs/a.md", "src/keep.py", "src/inner/own.py", "src/inner/new.py"):
        with pytest.raises(PathRefused):
            beneath.replace_file(policy, str(project / name), b"new")


@pytest.mark.spec("WS-100")
def test_a_protected_file_is_read_but_not_deleted(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(project / "keep.txt")
    write(project / "free.txt")
    policy = asyncio.run(scene(tmp_path / "launch", context(project, "write", "keep.txt"))).policy(presenting=True)
    assert beneath.read_bytes(policy, str(project / "keep.txt")) == b"text\n"
    with pytest.raises(PathRefused):
        beneath.remove(policy, str(project / "keep.txt"))
    beneath.remove(policy, str(project / "free.txt"))


@pytest.mark.spec("WS-005")
def test_an_agent_does_as_it_likes_in_its_own_workspace(tmp_path: Path) -> None:
    place = asyncio.run(scene(tmp_path))
    policy = place.policy()
    beneath.replace_file(policy, "deep/.env", b"1")
    beneath.rename(policy, "deep", "moved")
    assert beneath.read_bytes(policy, str(place.workspace() / "moved/.env")) == b"1"
    beneath.remove(policy, "moved", recursive=True)
    assert os.listdir(place.workspace()) == []


def test_a_secret_that_the_user_grants_by_name_is_readable(tmp_path: Path) -> None:
    write(tmp_path / "p/.env", "K=1")
    contexts = (context(tmp_path / "p", "read"), context(tmp_path / "p/.env", "read"))
    place = asyncio.run(scene(tmp_path / "launch", *contexts))
    assert beneath.read_bytes(place.policy(), str(tmp_path / "p/.env")) == b"K=1"


@pytest.mark.spec("WS-058")
def test_context_paths_of_a_later_turn_count_from_then_on(tmp_path: Path) -> None:
    write(tmp_path / "p/a.txt")

    async def run() -> bytes:
        place = await scene(tmp_path / "launch")
        with pytest.raises(PathRefused):
            place.policy().resolve(str(tmp_path / "p/a.txt"), "read")
        await place.run.add_context_paths([context(tmp_path / "p", "read")])
        return beneath.read_bytes(place.policy(), str(tmp_path / "p/a.txt"))

    assert asyncio.run(run()) == b"text\n"


@pytest.mark.spec("WS-027")
def test_the_places_of_an_agent_are_listed_with_what_it_may_do(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(project / "x")
    place = asyncio.run(scene(tmp_path / "launch", context(project)))
    notes = [(note.purpose, note.path, note.access) for note in place.run.path_notes("beta", "coordination")]
    assert notes == [
        ("workspace", place.workspace("beta"), "write"),
        ("others", place.run.view_path("beta"), "read"),
        ("context", project.resolve(), "read"),
    ]
    assert place.run.path_notes("beta", "presentation")[-1].access == "write"


@pytest.mark.spec("WS-064")
def test_permission_checks_are_in_the_debug_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = asyncio.run(scene(tmp_path))
    with caplog.at_level(logging.DEBUG, logger="massgen.workspace"), pytest.raises(PathRefused):
        place.policy().resolve("/etc/passwd", "read")
    assert "read /etc/passwd: refused" in caplog.text


@pytest.mark.spec("HOOK-027", "WS-022")
def test_paths_in_answers_lead_to_the_readers_view_and_carry_no_other_id(tmp_path: Path) -> None:
    async def run() -> tuple[Scene, str]:
        place = await scene(tmp_path)
        await answer(place, "alpha", output="made\n")
        workspace = place.workspace()
        text = (
            f"See {workspace}/output.py, .massgen/workspaces/{workspace.name}/output.py; "
            f"compare {place.view('alpha', 1)}/output.py and .massgen/snapshots/alpha/output.py ({workspace})."
        )
        return place, place.run.rewrite_paths(text, "beta")

    place, text = asyncio.run(run())
    view = place.view("beta", 1)
    assert text == (f"See {view}/output.py, {view}/output.py; compare {view}/output.py and {view}/output.py ({view}).")
    assert "alpha" not in text
    assert (view / "output.py").read_text() == "made\n"


def test_only_whole_paths_are_rewritten(tmp_path: Path) -> None:
    place = asyncio.run(scene(tmp_path))
    longer = f"{place.workspace()}0/x and x{place.workspace()} and {place.workspace()}-old"
    assert place.run.rewrite_paths(longer, "beta") == longer


@pytest.mark.spec("WS-022", "WS-040")
def test_nothing_that_a_reader_finds_names_the_author(tmp_path: Path) -> None:
    async def run() -> Scene:
        place = await scene(tmp_path)
        os.symlink(place.workspace() / "x.py", place.workspace() / "link.py")
        await answer(place, "alpha", x="one\n")
        return place

    place = asyncio.run(run())
    view = place.run.view_path("beta")
    assert view is not None
    names = " ".join(f"{path} {os.readlink(path) if path.is_symlink() else ''}" for path in view.rglob("*"))
    assert "alpha" not in names
    assert place.workspace().name not in names


def test_eight_readers_share_one_copy_of_every_answer(tmp_path: Path) -> None:
    from massgen.workspace import AgentPlace, RunWorkspaces
    from tests.workspace.place import settings

    async def run() -> None:
        agents = [AgentPlace(agent_id=f"a{number}", number=number) for number in range(1, 9)]
        files = await RunWorkspaces.prepare(settings(tmp_path), agents)
        for agent in agents:
            workspace = files.workspace(agent.agent_id)
            assert workspace is not None
            for number in range(20):
                write(workspace / f"{number}.txt", f"{number} " * 20_000)
            await files.publish(agent.agent_id, await files.freeze(agent.agent_id))

    asyncio.run(run())
    inodes = {(found.st_dev, found.st_ino): found.st_blocks for path in tmp_path.rglob("*") if (found := path.lstat())}
    one_copy = sum(len(f"{number} " * 20_000) for number in range(20)) / 512
    live = 8
    assert sum(inodes.values()) <= (live + 2.2) * one_copy
