"""Attempts to leave the granted places, each class through every tool that takes a path."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tools.files.place import Place

SECRET = "TOP SECRET"

# (tool, argument that is attacked, its other arguments); `ok.txt` and `ok/` exist in the workspace
READERS: list[tuple[str, str, dict[str, Any]]] = [
    ("read_file", "path", {}),
    ("read_text_file", "path", {}),
    ("get_file_info", "path", {}),
    ("grep_search", "path", {"pattern": "."}),
    ("find_and_read_text", "path", {"pattern": "."}),
    ("compare_files", "file1", {"file2": "ok.txt"}),
    ("compare_files", "file2", {"file1": "ok.txt"}),
    ("copy_file", "source_path", {"destination_path": "stolen"}),
]
WRITERS: list[tuple[str, str, dict[str, Any]]] = [
    ("write_file", "path", {"content": "pwned"}),
    ("edit_file", "path", {"edits": [{"oldText": SECRET, "newText": "pwned"}]}),
    ("create_directory", "path", {}),
    ("move_file", "source", {"destination": "moved"}),
    ("move_file", "destination", {"source": "ok.txt"}),
    ("copy_file", "destination_path", {"source_path": "ok.txt"}),
    ("delete_file", "path", {"recursive": True}),
]
DIRECTORY_TOOLS: list[tuple[str, str, dict[str, Any]]] = [
    ("list_directory", "path", {}),
    ("directory_tree", "path", {}),
    ("copy_files_batch", "source_base_path", {"destination_base_path": "stolen"}),
    ("copy_files_batch", "destination_base_path", {"source_base_path": "ok"}),
    ("delete_files_batch", "base_path", {"include_patterns": ["*"]}),
    ("compare_directories", "dir1", {"dir2": "ok"}),
    ("compare_directories", "dir2", {"dir1": "ok"}),
]
ALL = [*READERS, *WRITERS, *DIRECTORY_TOOLS]


def link(place: Place) -> str:
    (place.workspace / "link").symlink_to(place.outside)
    return "link/secret.txt"


def link_to_file(place: Place) -> str:
    (place.workspace / "file_link").symlink_to(place.outside / "secret.txt")
    return "file_link"


def hard_link(place: Place) -> str:
    os.link(place.outside / "secret.txt", place.workspace / "hard.txt")
    return "hard.txt"


def home(place: Place) -> str:
    (Path(os.environ["HOME"]) / "secret.txt").write_text(SECRET)
    return "~/secret.txt"


CLASSES: dict[str, Callable[[Place], str]] = {
    "parent": lambda place: "../outside/secret.txt",
    "hidden parent": lambda place: "ok/../../outside/secret.txt",
    "absolute": lambda place: str(place.outside / "secret.txt"),
    "home": home,
    "other user's home": lambda place: "~root/secret.txt",
    "symlink directory": link,
    "proc root": lambda place: f"/proc/self/root{place.outside}/secret.txt",
    "proc cwd": lambda place: "/proc/self/cwd/secret.txt",
    "device": lambda place: "/dev/stdin",
    "NUL": lambda place: "ok.txt\0/../../outside/secret.txt",
    "newline": lambda place: "ok.txt\n../outside/secret.txt",
    "long name": lambda place: "a" * 300,
    "long path": lambda place: "a/" * 3_000 + "b",
    "empty": lambda place: "",
}


EMPTY_IS_WORKSPACE = ("list_directory", "directory_tree", "grep_search", "find_and_read_text")
EMPTY_IS_BASE = ("base_path", "destination_base_path")
CASES = [
    (tool, argument, others, kind)
    for tool, argument, others in ALL
    for kind in CLASSES
    if kind != "empty" or (tool not in EMPTY_IS_WORKSPACE and argument not in EMPTY_IS_BASE)
]


def prepared(place: Place) -> Place:
    (place.workspace / "ok").mkdir()
    (place.workspace / "ok/inner.txt").write_text("inner")
    (place.workspace / "ok.txt").write_text("fine")
    place.tracker.track_read(place.workspace / "ok.txt")
    place.tracker.track_read(place.outside / "secret.txt")
    return place


def untouched(place: Place) -> None:
    assert (place.outside / "secret.txt").read_text() == SECRET
    assert sorted(os.listdir(place.outside)) == ["secret.txt"]
    found = [path for path in place.workspace.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in found if path.stat().st_nlink == 1 and SECRET in path.read_text()]


class TestEscapes:
    @pytest.mark.spec("WS-053", "WS-122")
    @pytest.mark.parametrize(
        ("tool", "argument", "others", "kind"), CASES, ids=[f"{c[0]}.{c[1]}-{c[3]}" for c in CASES]
    )
    def test_a_path_that_leaves_is_refused_with_a_message(
        self, place: Place, tool: str, argument: str, others: dict[str, Any], kind: str
    ) -> None:
        prepared(place)
        path = CLASSES[kind](place)
        text = place.refused(tool, **{argument: path}, **others)
        assert text.startswith("Error: ")
        assert SECRET not in text
        untouched(place)

    @pytest.mark.parametrize("make", [link_to_file, hard_link])
    @pytest.mark.parametrize(
        ("tool", "argument", "others"),
        [*READERS, *WRITERS[:2], *WRITERS[5:6]],
        ids=[f"{t[0]}.{t[1]}" for t in [*READERS, *WRITERS[:2], *WRITERS[5:6]]],
    )
    def test_a_link_to_a_file_outside_opens_nothing(
        self,
        place: Place,
        tool: str,
        argument: str,
        others: dict[str, Any],
        make: Callable[[Place], str],
    ) -> None:
        prepared(place)
        path = make(place)
        outcome = place.run(tool, **{argument: path}, **others)
        assert SECRET not in outcome.text
        assert tool == "get_file_info" or outcome.is_error
        untouched(place)

    def test_deleting_a_link_deletes_the_link_only(self, place: Place) -> None:
        place.done("delete_file", path=link_to_file(prepared(place)))
        untouched(place)

    @pytest.mark.parametrize(
        ("tool", "arguments"),
        [
            ("grep_search", {"pattern": "SECRET"}),
            ("directory_tree", {}),
            ("copy_files_batch", {"source_base_path": ".", "destination_base_path": "copy"}),
            ("copy_file", {"source_path": ".", "destination_path": "../project/copy"}),
            ("compare_directories", {"dir1": ".", "dir2": "ok"}),
        ],
    )
    def test_links_found_in_a_tree_are_not_followed(self, place: Place, tool: str, arguments: dict[str, Any]) -> None:
        prepared(place)
        link(place)
        link_to_file(place)
        assert "secret.txt" not in place.run(tool, **arguments).text
        untouched(place)


READ_ONLY = [*WRITERS, DIRECTORY_TOOLS[3], DIRECTORY_TOOLS[4]]


@pytest.mark.spec("WS-053")
@pytest.mark.parametrize(("tool", "argument", "others"), READ_ONLY, ids=[f"{t[0]}.{t[1]}" for t in READ_ONLY])
def test_a_tree_that_can_only_be_read_is_not_changed(
    place: Place, tool: str, argument: str, others: dict[str, Any]
) -> None:
    prepared(place)
    book = place.reference / "book.txt"
    place.tracker.track_read(book)
    path = place.reference if argument.endswith("base_path") else book
    if tool == "create_directory":
        path = place.reference / "new"
    place.refused(tool, **{argument: str(path)}, **others)
    assert book.read_text() == "reference"
    assert os.listdir(place.reference) == ["book.txt"]


PROTECTED: list[tuple[str, dict[str, Any]]] = [
    ("write_file", {"path": "../project/config.json", "content": "x"}),
    ("write_file", {"path": "../project/fixtures/new.txt", "content": "x"}),
    ("edit_file", {"path": "../project/config.json", "edits": [{"oldText": "kept", "newText": "x"}]}),
    ("delete_file", {"path": "../project/config.json"}),
    ("delete_file", {"path": "../project/fixtures", "recursive": True}),
    ("delete_file", {"path": "../project/fixtures/deep/data.txt"}),
    ("delete_files_batch", {"base_path": "../project", "include_patterns": ["*"]}),
    ("create_directory", {"path": "../project/fixtures/more"}),
    ("move_file", {"source": "../project/config.json", "destination": "c.json"}),
    ("move_file", {"source": "../project/fixtures", "destination": "../project/other"}),
    ("move_file", {"source": "ok.txt", "destination": "../project/fixtures/ok.txt"}),
    ("copy_file", {"source_path": "ok.txt", "destination_path": "../project/config.json"}),
    ("copy_file", {"source_path": "ok", "destination_path": "../project/fixtures"}),
    ("copy_files_batch", {"source_base_path": "ok", "destination_base_path": "../project/fixtures"}),
]


@pytest.mark.spec("WS-095", "WS-097", "WS-098", "WS-100")
@pytest.mark.parametrize(("tool", "arguments"), PROTECTED)
def test_protected_paths_stay_as_they_are(place: Place, tool: str, arguments: dict[str, Any]) -> None:
    prepared(place)
    for file in place.project.rglob("*"):
        place.tracker.track_read(file)
    place.refused(tool, **arguments)
    assert (place.project / "config.json").read_text() == "kept"
    assert (place.project / "fixtures/deep/data.txt").read_text() == "kept"
    assert sorted(os.listdir(place.project / "fixtures")) == ["deep"]


@pytest.mark.spec("WS-096")
def test_the_refusal_of_a_protected_path_names_it(place: Place) -> None:
    text = place.refused("write_file", path="../project/config.json", content="x")
    assert text == f"Error: Cannot modify {place.project}/config.json - path is protected"


@pytest.mark.spec("WS-098")
def test_the_directory_above_a_protected_path_is_not_deleted_or_moved(place: Place) -> None:
    (place.project / "sub").mkdir()
    for file in place.project.rglob("*"):
        place.tracker.track_read(file)
    place.refused("delete_file", path="../project", recursive=True)
    place.refused("move_file", source="../project", destination="stolen")
    assert (place.project / "config.json").exists()
