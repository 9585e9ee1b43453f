"""Context paths as they are given, and as they are after checking."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from massgen.errors import EXIT_CONFIG, WorkspaceError
from massgen.workspace import (
    ContextPath,
    PathRefused,
    RequestedPath,
    beneath,
    check_context_paths,
    launch_directory_request,
    merge_context_paths,
)
from massgen.workspace.launch_offer import added_text, offer_answer, offer_text
from tests.workspace.place import context, scene, write


def checked(launch: Path, *wishes: RequestedPath, strict: bool = True) -> tuple[ContextPath, ...]:
    return check_context_paths(wishes, launch_directory=launch, missing_protected_is_error=strict).paths


@pytest.mark.spec("WS-055")
def test_a_path_that_does_not_exist_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError) as error:
        checked(tmp_path, RequestedPath(path="/no/such/place"))
    assert error.value.message == "Context path '/no/such/place' does not exist"
    assert error.value.exit_code == EXIT_CONFIG


@pytest.mark.spec("WS-055")
def test_a_relative_path_that_is_nowhere_must_be_absolute(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="Context path must be absolute, got 'nowhere'"):
        checked(tmp_path, RequestedPath(path="nowhere"))


@pytest.mark.spec("WS-055")
def test_a_file_written_as_a_directory_is_refused(tmp_path: Path) -> None:
    path = f"{write(tmp_path / 'file.txt')}/"
    with pytest.raises(WorkspaceError, match=r"file\.txt/' (is not a directory|does not exist)"):
        checked(tmp_path, RequestedPath(path=path))


def test_a_relative_path_means_the_launch_directory_then_the_configuration(tmp_path: Path) -> None:
    write(tmp_path / "config/only_there/x")
    found = check_context_paths(
        [RequestedPath(path="only_there")],
        launch_directory=tmp_path / "launch",
        config_directory=tmp_path / "config",
    )
    assert found.paths[0].path == (tmp_path / "config/only_there").resolve()
    assert "relative" in found.hints[0]


@pytest.mark.spec("WS-061")
def test_home_and_variables_are_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "x/file")
    for spelling in ("~/x", "${HOME}/x", "$HOME/x"):
        assert checked(tmp_path, RequestedPath(path=spelling))[0].path == (tmp_path / "x").resolve()


@pytest.mark.spec("WS-057")
@pytest.mark.parametrize(
    ("mode", "permission"), [("ro", "read"), ("read", "read"), ("rw", "write"), ("write", "write")]
)
def test_the_flag_adds_the_launch_directory(tmp_path: Path, mode: str, permission: str) -> None:
    paths = checked(tmp_path, launch_directory_request(mode, tmp_path))
    assert [(item.path, item.permission) for item in paths] == [(tmp_path.resolve(), permission)]


@pytest.mark.spec("WS-058")
def test_the_higher_permission_wins_and_protections_stay(tmp_path: Path) -> None:
    write(tmp_path / "p/keep.txt")
    configured = checked(tmp_path, RequestedPath(path=str(tmp_path / "p"), protected_paths=("keep.txt",)))
    prompted = checked(tmp_path, RequestedPath(path=str(tmp_path / "p"), permission="write"))
    for order in ((configured, prompted), (prompted, configured)):
        merged = merge_context_paths(*order)
        assert [(item.permission, item.protected) for item in merged] == [
            ("write", ((tmp_path / "p/keep.txt").resolve(),))
        ]


@pytest.mark.spec("WS-099")
def test_a_protected_path_that_is_missing_is_told(tmp_path: Path) -> None:
    wish = RequestedPath(path=str(tmp_path), permission="write", protected_paths=("file.txt",))
    message = f"Protected path 'file.txt' not found in context path '{tmp_path.resolve()}'"
    with pytest.raises(WorkspaceError) as error:
        checked(tmp_path, wish)
    assert error.value.message == message
    found = check_context_paths([wish], launch_directory=tmp_path, missing_protected_is_error=False)
    assert found.hints == (message,)


@pytest.mark.spec("WS-099")
def test_with_skipped_validation_a_missing_name_is_protected_against_creation(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    wish = RequestedPath(path=str(project), permission="write", protected_paths=("file.txt",))
    paths = checked(tmp_path, wish, strict=False)
    place = asyncio.run(scene(tmp_path / "launch", *paths))
    with pytest.raises(PathRefused):
        beneath.replace_file(place.policy(presenting=True), str(project / "file.txt"), b"")


@pytest.mark.spec("WS-101")
def test_an_absolute_protected_path_is_explained(tmp_path: Path) -> None:
    file = write(tmp_path / "config.json")
    with pytest.raises(WorkspaceError, match="not found in context path") as error:
        checked(tmp_path, RequestedPath(path=str(tmp_path), permission="write", protected_paths=(str(file),)))
    assert "relative" in (error.value.hint or "")


def test_a_protected_path_may_not_point_outside(tmp_path: Path) -> None:
    write(tmp_path / "other.txt")
    (tmp_path / "p").mkdir()
    with pytest.raises(WorkspaceError, match="not found"):
        checked(
            tmp_path, RequestedPath(path=str(tmp_path / "p"), permission="write", protected_paths=("../other.txt",))
        )


@pytest.mark.spec("WS-102")
def test_protection_on_a_read_path_is_accepted(tmp_path: Path) -> None:
    write(tmp_path / "p/keep.txt")
    place = asyncio.run(scene(tmp_path / "launch", context(tmp_path / "p", "read", "keep.txt")))
    assert beneath.read_bytes(place.policy(), str(tmp_path / "p/keep.txt")) == b"text\n"


@pytest.mark.spec("WS-103")
@pytest.mark.parametrize(
    ("pattern", "covered", "free"),
    [
        ("*.json", ["a.json", "new.json"], ["sub/a.json", "a.txt"]),
        ("**/*.lock", ["x.lock", "sub/deep/new.lock"], ["sub/a.json"]),
        ("sub/*", ["sub/a.json", "sub/new/inner.txt"], ["a.json"]),
    ],
)
def test_a_pattern_protects_what_matches_now_and_later(
    tmp_path: Path, pattern: str, covered: list[str], free: list[str]
) -> None:
    project = tmp_path / "project"
    for name in ("a.json", "sub/a.json", "x.lock"):
        write(project / name)
    place = asyncio.run(scene(tmp_path / "launch", context(project, "write", pattern)))
    policy = place.policy(presenting=True)
    for name in covered:
        with pytest.raises(PathRefused, match="path is protected"):
            beneath.replace_file(policy, str(project / name), b"new")
    for name in free:
        beneath.replace_file(policy, str(project / name), b"new")


@pytest.mark.spec("WS-103")
def test_an_entry_that_exists_literally_is_no_pattern(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(project / "[a].txt")
    write(project / "a.txt")
    found = context(project, "write", "[a].txt")
    assert found.patterns == ()
    assert found.protected == ((project / "[a].txt").resolve(),)


@pytest.mark.spec("WS-095")
def test_a_protected_link_protects_its_target_too(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(project / "real.json")
    (project / "config.json").symlink_to("real.json")
    place = asyncio.run(scene(tmp_path / "launch", context(project, "write", "config.json")))
    for name in ("config.json", "real.json"):
        with pytest.raises(PathRefused, match="path is protected"):
            beneath.replace_file(place.policy(presenting=True), str(project / name), b"new")
        with pytest.raises(PathRefused, match="path is protected"):
            beneath.remove(place.policy(presenting=True), str(project / name))


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("", "yes"), ("Y\n", "yes"), ("p", "protected"), ("No", "no"), ("c", "custom"), ("what", None)],
)
def test_the_offer_understands_its_answers(typed: str, answer: str | None) -> None:
    assert offer_answer(typed) == answer


def test_the_offer_reads_as_documented(tmp_path: Path) -> None:
    assert "[Y]es (default) / [P]rotected / [N]o / [C]ustom path:" in offer_text(tmp_path)
    assert added_text(Path("/p"), "write", ["config.json", "tests/fixtures/"]) == (
        "✓ Added /p (write)\n  🔒 config.json\n  🔒 tests/fixtures/"
    )


def test_an_unreadable_kind_of_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError):
        checked(tmp_path, RequestedPath(path="a\0b"))
    os.symlink("loop", tmp_path / "loop")
    with pytest.raises(WorkspaceError, match="does not exist"):
        checked(tmp_path, RequestedPath(path=str(tmp_path / "loop")))
