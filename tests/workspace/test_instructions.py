"""Which `CLAUDE.md` or `AGENTS.md` a prompt carries."""

from __future__ import annotations

from pathlib import Path

import pytest

from massgen.workspace import find_instructions, instructions_text
from tests.workspace.place import write


def names(root: Path, *contexts: Path, launch: Path | None = None) -> list[str]:
    found = find_instructions(contexts, launch_directory=launch or root)
    return [item.path.relative_to(root.resolve()).as_posix() for item in found]


@pytest.mark.spec("WS-085", "WS-086")
def test_the_nearest_file_wins_over_the_root(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path / "AGENTS.md")
    write(tmp_path / "src/CLAUDE.md")
    (tmp_path / "src/api").mkdir()
    assert names(tmp_path, tmp_path / "src/api") == ["src/CLAUDE.md"]
    assert names(tmp_path, tmp_path) == ["AGENTS.md"]


@pytest.mark.spec("WS-086")
def test_claude_wins_over_agents_in_one_directory(tmp_path: Path) -> None:
    write(tmp_path / "AGENTS.md")
    write(tmp_path / "CLAUDE.md")
    assert names(tmp_path, tmp_path) == ["CLAUDE.md"]


@pytest.mark.spec("WS-087")
@pytest.mark.parametrize("root_by", ["git", "launch", "path"])
def test_the_search_does_not_leave_the_root(tmp_path: Path, root_by: str) -> None:
    write(tmp_path / "CLAUDE.md")
    inner = tmp_path / "project/src"
    inner.mkdir(parents=True)
    if root_by == "git":
        (tmp_path / "project/.git").mkdir()
    launch = tmp_path / ("project" if root_by == "launch" else "elsewhere")
    assert names(tmp_path, inner, launch=launch) == []


@pytest.mark.spec("WS-087")
def test_a_link_does_not_lead_out_of_the_root(tmp_path: Path) -> None:
    write(tmp_path / "outside.md", "secret")
    (tmp_path / "project").mkdir()
    (tmp_path / "project/CLAUDE.md").symlink_to("../outside.md")
    assert names(tmp_path, tmp_path / "project", launch=tmp_path / "project") == []


@pytest.mark.spec("WS-090")
def test_one_file_reached_twice_is_included_once(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    file = write(tmp_path / "CLAUDE.md", "only once")
    (tmp_path / "src").mkdir()
    found = find_instructions([file, tmp_path / "src", tmp_path], launch_directory=tmp_path)
    assert instructions_text(found).count("only once") == 1


@pytest.mark.spec("WS-088")
def test_the_text_is_framed_as_background(tmp_path: Path) -> None:
    write(tmp_path / "AGENTS.md", "Use tabs.")
    text = instructions_text(find_instructions([tmp_path], launch_directory=tmp_path))
    assert "may not apply" in text.splitlines()[0]
    assert "Use tabs." in text
    assert instructions_text(()) == ""


@pytest.mark.spec("WS-089")
def test_later_edits_do_not_reach_what_was_read(tmp_path: Path) -> None:
    file = write(tmp_path / "AGENTS.md", "before")
    found = find_instructions([tmp_path], launch_directory=tmp_path)
    file.write_text("after")
    assert "before" in instructions_text(found)


def test_a_huge_file_is_cut(tmp_path: Path) -> None:
    write(tmp_path / "AGENTS.md", "x" * 100_000)
    assert len(instructions_text(find_instructions([tmp_path], launch_directory=tmp_path))) < 40_000
