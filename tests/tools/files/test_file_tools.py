from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from massgen.tools.files.toolset import COMMAND_REPLACEMENTS, file_tools
from massgen.tools.files.tracker import FileOperationTracker
from massgen.workspace.grants import Grants
from massgen.workspace.policy import AgentPathPolicy
from tests.needs import needs
from tests.tools.doubles import call, context, runner
from tests.tools.files.place import Place

CORE = ("read_file", "write_file", "create_directory", "list_directory", "delete_file", "move_file")


def names(place: Place, **options: bool) -> set[str]:
    tools = file_tools(place.policy, tracker=place.tracker, **options)
    return {tool.spec.name for tool in tools}


@pytest.mark.spec("WS-110")
def test_the_core_tools_have_names_of_mcp_servers_and_all_can_be_called(place: Place) -> None:
    servers = ("mcp__filesystem__", "mcp__workspace_tools__")
    assert {name.split("__")[2] for name in names(place)} >= set(CORE)
    assert all(name.startswith(servers) for name in names(place))
    place.done("mcp__filesystem__create_directory", path="d")
    place.done("mcp__filesystem__write_file", path="d/a.txt", content="hello")
    assert place.done("mcp__filesystem__read_file", path="d/a.txt") == "hello"
    assert place.done("mcp__filesystem__list_directory", path="d") == "a.txt (5 bytes)"
    place.done("mcp__filesystem__move_file", source="d/a.txt", destination="b.txt")
    assert place.done("mcp__workspace_tools__delete_file", path="b.txt") == "Success: File deleted"
    assert os.listdir(place.workspace) == ["d"]


@pytest.mark.spec("WS-111")
def test_contents_need_no_escaping(place: Place) -> None:
    script = 'print(\'single \\\' "double" `tick` $HOME \\\\n\')\nprint("""two\nlines""")\n'
    place.done("write_file", path="s.py", content=script)
    assert (place.workspace / "s.py").read_bytes() == script.encode()
    ran = subprocess.run([sys.executable, "-S", "s.py"], cwd=place.workspace, capture_output=True, check=True)
    assert ran.stdout.decode() == 'single \' "double" `tick` $HOME \\n\ntwo\nlines\n'


@pytest.mark.spec("WS-111")
def test_write_file_replaces_an_existing_file(place: Place) -> None:
    place.done("write_file", path="a.txt", content="a long first content")
    assert "Replaced" in place.done("write_file", path="a.txt", content="new")
    assert (place.workspace / "a.txt").read_text() == "new"


@pytest.mark.spec("WS-111")
def test_edit_file_changes_only_the_named_texts_and_shows_the_difference(place: Place) -> None:
    (place.workspace / "a.txt").write_text("one\ntwo\nthree\n")
    edits = [{"oldText": "one\n", "newText": "1\n"}, {"oldText": "three", "newText": 'say "3"\\n'}]
    text = place.done("edit_file", path="a.txt", edits=edits)
    assert (place.workspace / "a.txt").read_text() == '1\ntwo\nsay "3"\\n\n'
    assert "-one\n+1\n two" in text


@pytest.mark.parametrize(
    ("old", "words"), [("four", "not in a.txt"), ("o", "2 times"), ("", "non-empty"), ("one\ntwo\n", "do not change")]
)
def test_an_edit_that_is_not_clear_changes_nothing(place: Place, old: str, words: str) -> None:
    (place.workspace / "a.txt").write_text("one\ntwo\n")
    edits = [{"oldText": "one\ntwo\n", "newText": "one\ntwo\n"}, {"oldText": old, "newText": old}]
    assert words in place.refused("edit_file", path="a.txt", edits=edits)
    assert (place.workspace / "a.txt").read_text() == "one\ntwo\n"


def test_edits_keep_line_ends_of_windows_and_byte_order_marks(place: Place) -> None:
    (place.workspace / "a.txt").write_bytes("\ufeffone\r\ntwo\r\n".encode())
    place.done("edit_file", path="a.txt", edits=[{"oldText": "one\ntwo", "newText": "one\n2"}])
    assert (place.workspace / "a.txt").read_bytes() == "\ufeffone\r\n2\r\n".encode()


def test_a_dry_run_writes_nothing(place: Place) -> None:
    (place.workspace / "a.txt").write_text("one")
    assert "+1" in place.done("edit_file", path="a.txt", edits=[{"oldText": "one", "newText": "1"}], dryRun=True)
    assert (place.workspace / "a.txt").read_text() == "one"


@pytest.mark.spec("WS-112")
def test_relative_paths_start_at_the_workspace_and_absolute_ones_need_a_grant(place: Place) -> None:
    place.done("write_file", path="a/b.txt", content="x")
    assert (place.workspace / "a/b.txt").read_text() == "x"
    place.done("write_file", path=str(place.project / "new.txt"), content="y")
    assert (place.project / "new.txt").read_text() == "y"
    assert place.done("read_file", path=str(place.reference / "book.txt")) == "reference"
    assert "outside" in place.refused("read_file", path=str(place.outside / "secret.txt"))


@pytest.mark.spec("WS-113")
def test_copy_file_takes_files_and_directories_from_readable_places(place: Place) -> None:
    (place.reference / "sub").mkdir()
    (place.reference / "sub/run.sh").write_text("#!/bin/sh\n")
    (place.reference / "sub/run.sh").chmod(0o755)
    place.done("copy_file", source_path=str(place.reference / "book.txt"), destination_path="mine.txt")
    place.done("copy_file", source_path=str(place.reference), destination_path="all")
    assert (place.workspace / "mine.txt").read_text() == "reference"
    assert os.access(place.workspace / "all/sub/run.sh", os.X_OK)


class WithinProject(Place):
    """The workspace lies in the project's `.massgen`, as in a run."""

    @property
    def workspace(self) -> Path:
        return self.project / ".massgen/workspaces/w"

    def policy(self) -> AgentPathPolicy:
        grants = Grants(writable=(self.workspace,), readable=(self.project,), denied=(self.project / ".massgen",))
        return AgentPathPolicy(workspace=self.workspace, grants=grants, private=(self.workspace,))


@pytest.mark.spec("WS-113")
def test_the_project_around_the_workspace_can_be_copied_into_it(tmp_path: Path) -> None:
    place = WithinProject(tmp_path)
    place.workspace.mkdir(parents=True)
    place.done("copy_file", source_path=str(place.project), destination_path="copy")
    copied = sorted(str(p.relative_to(place.workspace)) for p in place.workspace.rglob("*") if p.is_file())
    assert copied == ["copy/config.json", "copy/fixtures/deep/data.txt"]
    assert "into itself" in place.refused("copy_file", source_path="copy", destination_path="copy/inner")


@pytest.mark.spec("WS-113")
def test_copy_files_batch_takes_what_fits_and_leaves_what_is_excluded(place: Place) -> None:
    for name in ("a.py", "b.txt", "sub/c.py", "sub/test_d.py"):
        (place.reference / name).parent.mkdir(exist_ok=True)
        (place.reference / name).write_text(name)
    text = place.done(
        "copy_files_batch",
        source_base_path=str(place.reference),
        destination_base_path="got",
        include_patterns=["*.py"],
        exclude_patterns=["test_*"],
    )
    got = sorted(str(p.relative_to(place.workspace / "got")) for p in place.workspace.rglob("*") if p.is_file())
    assert got == ["a.py", "sub/c.py"]
    assert "Copied 2 file(s)" in text


@pytest.mark.spec("WS-114", "WS-133")
def test_batch_deletion_decides_file_by_file(place: Place) -> None:
    for name in ("mine.tmp", "also.temp", "keep.txt"):
        place.done("write_file", path=name, content="x")
    (place.workspace / "unread.tmp").write_text("?")
    text = place.done("delete_files_batch", include_patterns=["*.tmp", "*.temp"])
    assert sorted(os.listdir(place.workspace)) == ["keep.txt", "unread.tmp"]
    assert "Deleted 2 file(s)" in text
    assert "unread.tmp: Cannot delete unread.tmp - file has not been read" in text


@pytest.mark.spec("WS-115")
def test_compare_directories_tells_what_is_where(place: Place) -> None:
    for name, text in (("a/same", "1"), ("b/same", "1"), ("a/left", "1"), ("b/right", "1"), ("a/x", "1"), ("b/x", "2")):
        place.done("write_file", path=name, content=text)
    assert place.done("compare_directories", dir1="a", dir2="b") == (
        "1 file(s) are the same.\nOnly in dir1 (1):\n- left\nOnly in dir2 (1):\n- right\nDifferent (1):\n- x"
    )


@pytest.mark.spec("WS-115")
def test_compare_files_gives_a_unified_diff(place: Place) -> None:
    place.done("write_file", path="a", content="one\ntwo\n")
    place.done("write_file", path="b", content="one\n2\n")
    assert place.done("compare_files", file1="a", file2="b") == "--- a\n+++ b\n@@ -1,2 +1,2 @@\n one\n-two\n+2"
    assert place.done("compare_files", file1="a", file2="a") == "The files are the same."


@pytest.mark.spec("WS-118", "WS-119")
def test_with_commands_only_the_writing_tools_are_left(place: Place) -> None:
    left = {name.split("__")[2] for name in names(place, exclude_file_operations=True)}
    assert left == {"write_file", "edit_file", "create_directory", "move_file"}
    assert {name.split("__")[2] for name in names(place)} >= {"read_file", "grep_search", "copy_file", "compare_files"}


@pytest.mark.spec("WS-120")
def test_the_prompt_names_commands_for_the_tools_left_out() -> None:
    for command in ("cat", "head", "tail", "ls", "find", "grep", "rg", "cp", "rm", "diff"):
        assert f"`{command}`" in COMMAND_REPLACEMENTS


@pytest.mark.spec("WS-122")
@pytest.mark.parametrize(
    ("tool", "path", "words"),
    [
        ("read_file", "nothing.txt", "does not exist"),
        ("read_file", ".", "is a directory"),
        ("list_directory", "a.txt", "is a file and not a directory"),
        ("delete_file", "nothing.txt", "does not exist"),
        ("delete_file", "full", "not empty"),
    ],
)
def test_what_the_system_refuses_is_worded_for_the_model(place: Place, tool: str, path: str, words: str) -> None:
    place.done("write_file", path="a.txt", content="")
    place.done("write_file", path="full/x", content="")
    text = place.refused(tool, path=path)
    assert text.startswith("Error: ")
    assert words in text


@pytest.mark.spec("WS-111")
@pytest.mark.parametrize(("source", "destination", "words"), [
    ("full", "full/below/it", "Cannot move full into itself; name a destination outside of it"),
    ("full", "full", "full is there already; nothing was moved"),
    ("a.txt", "full", "Cannot move a.txt to full - it is a directory; name all of it: full/a.txt"),
    ("a.txt", "full/x", "full/x: it exists already; delete it first, or name another destination"),
    ("a.txt", "full/x/y", "full/x: it, or a part of its path, is a file and not a directory"),
    ("a.txt", "", "the path is empty; name a file or directory"),
    ("a.txt", "n" * 300, "it is too long; use a shorter name"),
])  # fmt: skip
def test_a_move_that_cannot_be_made_says_what_to_do_next_and_moves_nothing(
    place: Place, source: str, destination: str, words: str
) -> None:
    place.done("write_file", path="a.txt", content="")
    place.done("write_file", path="full/x", content="")
    before = sorted(place.workspace.rglob("*"))
    assert words in place.refused("move_file", source=source, destination=destination)
    assert sorted(place.workspace.rglob("*")) == before


@pytest.mark.spec("WS-113")
def test_nothing_is_copied_onto_itself(place: Place) -> None:
    place.done("write_file", path="d/a.txt", content="")
    for source, destination in (("d/a.txt", "d/a.txt"), ("d/a.txt", "d")):
        text = place.refused("copy_file", source_path=source, destination_path=destination)
        assert "Cannot copy d/a.txt onto itself; name another destination" in text
    assert "onto itself" in place.refused("copy_files_batch", source_base_path="d", destination_base_path="d")


@pytest.mark.spec("WS-113", "WS-122")
def test_a_batch_words_what_the_system_refuses_for_the_model(place: Place) -> None:
    place.done("write_file", path="d/a.txt", content="")
    place.done("write_file", path="file", content="")
    text = place.refused("copy_files_batch", source_base_path="d", destination_base_path="file")
    assert "- a.txt: it, or a part of its path, is a file and not a directory" in text


@pytest.mark.spec("WS-122")
def test_what_is_missing_in_a_path_is_named_from_the_workspace_on(place: Place) -> None:
    place.done("create_directory", path="here")
    assert "read_file here/not: it does not exist" in place.refused("read_file", path="here/not/below/a.txt")


@pytest.mark.spec("WS-123")
def test_a_very_large_file_comes_in_parts_that_add_up(place: Place) -> None:
    lines = [f"line {number} " + "x" * 90 + "\n" for number in range(1, 5_001)]
    (place.workspace / "big.txt").write_text("".join(lines))
    offset, got = 1, ""
    while True:
        text = place.done("read_file", path="big.txt", offset=offset)
        body, found, notice = text.rpartition("\n[lines ")
        if not found:
            got += text
            break
        got += body + "\n"
        assert len(text) < 110_000
        offset = int(notice.rpartition("offset ")[2].rstrip("]"))
    assert got == "".join(lines)


@pytest.mark.spec("WS-123")
def test_one_endless_line_is_cut_with_a_notice(place: Place) -> None:
    with (place.workspace / "one.txt").open("wb") as stream:
        stream.write(b"x" * 50_000_000)
    text = place.done("read_file", path="one.txt")
    assert len(text) < 30_000
    assert "49980000 more bytes of this line" in text


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"offset": 2, "limit": 2}, "2\n3\n[lines 2-3; read on with offset 4]"),
        ({"offset": -2}, "4\n5\n"),
        ({"tail": 1}, "5\n"),
        ({"head": 1}, "1\n[lines 1-1; read on with offset 2]"),
        ({"offset": 9}, "[the file has fewer than 9 lines]"),
    ],
)
def test_parts_of_a_file_can_be_asked_for(place: Place, options: dict[str, int], expected: str) -> None:
    (place.workspace / "a.txt").write_text("1\n2\n3\n4\n5\n")
    assert place.done("read_file", path="a.txt", **options) == expected


def test_an_empty_file_reads_as_such(place: Place) -> None:
    place.done("write_file", path="empty", content="")
    assert place.done("read_file", path="empty") == "[the file is empty]"


@pytest.mark.parametrize("content", [b"text\0more", b"\x89PNG\0\0"])
def test_a_file_without_a_telling_name_that_is_no_text_is_refused(place: Place, content: bytes) -> None:
    (place.workspace / "blob").write_bytes(content)
    assert "not a text file" in place.refused("read_file", path="blob")


def test_utf16_text_is_read(place: Place) -> None:
    (place.workspace / "w.txt").write_bytes("grüße\n".encode("utf-16"))
    assert place.done("read_file", path="w.txt") == "grüße\n"


def test_the_tree_shows_all_but_does_not_open_dependencies(place: Place) -> None:
    for name in ("a/b/c.txt", "node_modules/pkg/index.js"):
        place.done("write_file", path=name, content="x")
    assert place.done("directory_tree") == "a/\n  b/\n    c.txt\nnode_modules/ [not opened]"


def test_names_with_control_characters_are_shown_escaped(place: Place) -> None:
    (place.workspace / "evil\n[31m").write_text("x")
    assert place.done("list_directory") == "'evil\\n[31m' (1 bytes)"


@pytest.mark.spec("WS-122", "WS-113", "WS-115")
def test_a_directory_that_cannot_be_opened_does_not_spoil_the_rest_of_a_tree(place: Place) -> None:
    for name in ("one/odd\nname/in.txt", "one/plain.txt", "two/plain.txt"):
        (place.workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (place.workspace / name).write_text("words")
    assert place.done("directory_tree", path="one") == "'odd\\nname'/ [cannot be opened]\nplain.txt"
    assert "plain.txt:1: words" in place.done("grep_search", pattern="words", path="one")
    copied = place.done("copy_file", source_path="one", destination_path="copy")
    assert "- plain.txt\nNot done (1):\n- 'odd\\nname'/: it cannot be opened" in copied
    assert "Copied 1 file(s)" in place.done("copy_files_batch", source_base_path="one", destination_base_path="batch")
    compared = place.done("compare_directories", dir1="one", dir2="two")
    assert compared.startswith("1 file(s) are the same.")
    assert "Not compared, because they cannot be read (1):\n- 'odd\\nname/'" in compared
    deleted = place.done("delete_files_batch", base_path="copy", include_patterns=["*.txt"])
    assert "Deleted 1 file(s)" in deleted


@pytest.mark.spec("WS-132")
def test_an_unread_file_below_a_name_of_two_lines_keeps_its_directory(place: Place) -> None:
    place.done("write_file", path="d/mine.txt", content="x")
    (place.workspace / "d/odd\nname").mkdir()
    (place.workspace / "d/odd\nname/unread.txt").write_text("?")
    assert "have not been read" in place.refused("delete_file", path="d", recursive=True)
    assert (place.workspace / "d/odd\nname/unread.txt").exists()


@pytest.fixture(params=["with ripgrep", "without ripgrep"])
def searcher(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    from massgen.tools.files import search

    if request.param == "without ripgrep":
        monkeypatch.setenv("PATH", "")
    elif not needs("rg").args[0]:
        pass
    else:
        pytest.skip("needs rg")
    search.ripgrep.cache_clear()
    request.addfinalizer(search.ripgrep.cache_clear)


@pytest.mark.usefixtures("searcher")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pattern": "needle"}, "a.py:2: needle here\nsub/b.txt:1: a needle"),
        ({"pattern": "^needle"}, "a.py:2: needle here"),
        ({"pattern": "NEEDLE", "ignore_case": True}, "a.py:2: needle here\nsub/b.txt:1: a needle"),
        ({"pattern": "needle", "include": "*.py"}, "a.py:2: needle here"),
        ({"pattern": "needle", "include": "*.{py,txt}"}, "a.py:2: needle here\nsub/b.txt:1: a needle"),
        ({"pattern": "needle", "include": "sub/**/*.{t{x,s}t,md}"}, "sub/b.txt:1: a needle"),
        ({"pattern": "needle", "path": "sub"}, "sub/b.txt:1: a needle"),
        ({"pattern": "needle", "path": "a.py"}, "a.py:2: needle here"),
        ({"pattern": "need(?=le h)"}, "a.py:2: needle here"),
        ({"pattern": "absent"}, "No matches."),
    ],
)
def test_search_gives_file_line_and_text(place: Place, options: dict[str, object], expected: str) -> None:
    (place.workspace / "sub").mkdir()
    (place.workspace / "a.py").write_text("first\nneedle here\n")
    (place.workspace / "sub/b.txt").write_text("a needle")
    (place.workspace / "sub/image.png").write_text("needle")
    (place.workspace / "blob").write_bytes(b"needle\0")
    assert place.done("grep_search", **options) == expected


@pytest.mark.usefixtures("searcher")
@pytest.mark.parametrize("pattern", ["(", "a\nb", ""])
def test_a_bad_pattern_is_an_error(place: Place, pattern: str) -> None:
    place.done("write_file", path="a", content="x")
    assert place.refused("grep_search", pattern=pattern).startswith("Error: ")


def test_a_search_names_at_most_a_page_of_matches(place: Place) -> None:
    place.done("write_file", path="a", content="x\n" * 1_000)
    text = place.done("grep_search", pattern="x")
    assert text.count("\n") == 200
    assert "more than 200 matches" in text


@pytest.mark.spec("WS-130")
def test_an_unread_file_is_not_deleted_and_a_read_one_is(place: Place) -> None:
    (place.workspace / "config.json").write_text("{}")
    assert place.refused("delete_file", path="config.json") == (
        "Error: Cannot delete config.json - file has not been read"
    )
    place.done("read_file", path="config.json")
    assert place.done("delete_file", path="config.json") == "Success: File deleted"


@pytest.mark.spec("WS-131")
def test_a_file_the_agent_made_is_deleted_without_reading(place: Place) -> None:
    place.done("write_file", path="new.txt", content="x")
    place.done("move_file", source="new.txt", destination="sub/newer.txt")
    place.done("delete_file", path="sub/newer.txt")


@pytest.mark.spec("WS-132")
def test_a_directory_with_unread_files_is_not_deleted(place: Place) -> None:
    place.done("write_file", path="d/mine.txt", content="x")
    for number in range(8):
        (place.workspace / f"d/other{number}").write_text("?")
    text = place.refused("delete_file", path="d", recursive=True)
    assert "other0" in text
    assert "and 3 more" in text
    assert "mine.txt" not in text
    assert len(os.listdir(place.workspace / "d")) == 9


@pytest.mark.spec("WS-132")
def test_a_directory_of_known_files_is_deleted(place: Place) -> None:
    place.done("write_file", path="d/e/mine.txt", content="x")
    (place.workspace / "d/other").write_text("?")
    place.done("read_file", path="d/other")
    place.done("delete_file", path="d", recursive=True)
    assert not (place.workspace / "d").exists()


@pytest.mark.spec("WS-135")
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("compare_files", {"file1": "x", "file2": "x"}),
        ("read_text_file", {"path": "x"}),
        ("grep_search", {"pattern": "cont"}),
    ],
)
def test_reads_through_every_tool_count(place: Place, tool: str, arguments: dict[str, object]) -> None:
    (place.workspace / "x").write_text("content")
    place.done(tool, **arguments)
    place.done("delete_file", path="x")


@pytest.mark.spec("WS-136")
def test_what_one_agent_read_another_may_not_delete(place: Place, tmp_path: Path) -> None:
    other = Place(tmp_path, tracker=FileOperationTracker())
    (place.workspace / "x").write_text("content")
    place.done("read_file", path="x")
    other.refused("delete_file", path="x")
    place.done("delete_file", path="x")


ENDINGS = {
    "image": "jpg jpeg png gif bmp svg webp tiff",
    "video": "mp4 avi mov mkv flv wmv webm mpg",
    "audio": "mp3 wav ogg flac aac m4a wma",
    "archive": "zip tar gz 7z rar",
    "document": "pdf docx xlsx pptx",
    "executable": "exe bin dll so dylib pyc",
}


@pytest.mark.spec("WS-140")
@pytest.mark.parametrize(("group", "ending"), [(g, e) for g, all_ in ENDINGS.items() for e in all_.split()])
def test_text_tools_refuse_other_kinds_of_files(place: Place, group: str, ending: str) -> None:
    for name in (f"file.{ending}", f"FILE.{ending.upper()}"):
        (place.workspace / name).write_text("text inside")
        for tool, more in (("read_file", {}), ("grep", {"pattern": "x"}), ("find_and_read_text", {"pattern": "x"})):
            assert f"Cannot read {group} file '{name}'" in place.refused(tool, path=name, **more)


@pytest.mark.spec("WS-141")
def test_the_refusals_name_file_tool_and_way_out(place: Place) -> None:
    for name in ("screenshot.png", "demo.mp4"):
        (place.workspace / name).write_text("")
    assert place.refused("read_file", path="screenshot.png") == (
        "Error: Cannot read image file 'screenshot.png' with text-based tool 'read_file'."
        " Please use 'understand_image' tool for image files."
    )
    assert place.refused("grep", path="demo.mp4", pattern="x") == (
        "Error: Cannot read video file 'demo.mp4' with text-based tool 'grep'."
        " Please use 'understand_video' tool for video files."
    )


@pytest.mark.spec("WS-140")
def test_an_svg_file_the_agent_wrote_can_be_read(place: Place) -> None:
    place.done("write_file", path="own.svg", content="<svg/>")
    assert place.done("read_file", path="own.svg") == "<svg/>"


def test_schemas_are_valid_and_short(place: Place) -> None:
    specs = [tool.spec for tool in file_tools(place.policy, tracker=place.tracker)]
    size = sum(len(json.dumps([spec.name, spec.description, dict(spec.parameters)])) for spec in specs)
    assert size < 6_000


def test_a_search_that_would_never_end_stops_when_the_call_is_cancelled(
    place: Place, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    from massgen.tools.files import search

    monkeypatch.setenv("PATH", "")
    search.ripgrep.cache_clear()
    request.addfinalizer(search.ripgrep.cache_clear)
    (place.workspace / "a.txt").write_text("a" * 60 + "!")
    tools = runner(file_tools(place.policy, tracker=place.tracker))

    async def main() -> None:
        async with asyncio.timeout(0.5):
            await tools.run_all([call("grep_search", {"pattern": "^(a+)+$"})], context)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
