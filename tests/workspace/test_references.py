"""`@path` references in prompts."""

from __future__ import annotations

from pathlib import Path

import pytest

from massgen.errors import WorkspaceError
from massgen.workspace import (
    ContextPath,
    RequestedPath,
    check_context_paths,
    merge_context_paths,
    parse_prompt_for_context,
)
from massgen.workspace.references import complete_reference, references_notice
from tests.workspace.place import write


@pytest.fixture
def launch(tmp_path: Path) -> Path:
    for name in ("src/main.py", "src/other.py", "src/third.py", "docs/spec.md", "a b.txt", "odd."):
        write(tmp_path / name)
    return tmp_path.resolve()


def found(launch: Path, prompt: str) -> list[tuple[str, str]]:
    parsed = parse_prompt_for_context(prompt, launch_directory=launch)
    return [(Path(item["path"]).relative_to(launch).as_posix(), item["permission"]) for item in parsed.context_paths]


@pytest.mark.spec("WS-070")
@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Review @src/main.py", [("src/main.py", "read")]),
        ("Fix @src/main.py:w now", [("src/main.py", "write")]),
        ("See @src/ please", [("src", "read")]),
        ("Improve @src/:w", [("src", "write")]),
        ("Write \\@src/main.py", []),
    ],
)
def test_the_five_forms_are_recognised(launch: Path, prompt: str, expected: list[tuple[str, str]]) -> None:
    assert found(launch, prompt) == expected


@pytest.mark.spec("WS-079")
def test_the_documented_example_is_cleaned(launch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(launch)
    parsed = parse_prompt_for_context("Review @src/main.py")
    assert parsed.cleaned_prompt == "Review"
    assert parsed.context_paths == [{"path": str(launch / "src/main.py"), "permission": "read"}]


@pytest.mark.parametrize(
    ("prompt", "cleaned"),
    [
        ("Use @docs/spec.md to update @src/main.py:w please", "Use to update please"),
        ("\\@name stays, me@example.com too", "@name stays, me@example.com too"),
        ("keep\n    indented\n  @src/ code", "keep\n    indented\n code"),
        ("@src/main.py", ""),
    ],
)
def test_references_leave_the_prompt(launch: Path, prompt: str, cleaned: str) -> None:
    assert parse_prompt_for_context(prompt, launch_directory=launch).cleaned_prompt == cleaned


@pytest.mark.spec("WS-071")
def test_a_reference_that_does_not_exist_is_named(launch: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"nope\.py") as error:
        parse_prompt_for_context("Review @nope.py!", launch_directory=launch)
    assert error.value.exit_code == 1


@pytest.mark.spec("WS-072")
def test_dot_and_home_are_resolved(launch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(launch / "docs"))
    assert found(launch, "@. and @~/spec.md") == [(".", "read"), ("docs/spec.md", "read")]
    assert found(launch, "@.:w") == [(".", "write")]


def test_three_files_of_a_directory_suggest_the_directory(launch: Path) -> None:
    parsed = parse_prompt_for_context("@src/main.py @src/other.py @src/third.py", launch_directory=launch)
    assert len(parsed.suggestions) == 1
    assert f"@{launch / 'src'}/" in parsed.suggestions[0]
    assert not parse_prompt_for_context("@src/main.py @src/other.py", launch_directory=launch).suggestions


@pytest.mark.spec("WS-074")
def test_each_reference_has_its_own_permission(launch: Path) -> None:
    prompt = "Use @docs/spec.md as reference to update @src/main.py:w."
    assert found(launch, prompt) == [("docs/spec.md", "read"), ("src/main.py", "write")]


@pytest.mark.spec("WS-080")
@pytest.mark.parametrize("prompt", ["mail me@example.com", "a@src/main.py", "\\@src/main.py", "@ alone", "x = y@z"])
def test_an_at_sign_inside_a_word_is_no_reference(launch: Path, prompt: str) -> None:
    assert found(launch, prompt) == []


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("(@src/main.py)", "src/main.py"),
        ("Is it @src/main.py?", "src/main.py"),
        ("Look at @odd.", "odd."),
        ('Read @"a b.txt" now', "a b.txt"),
        ("'@src/main.py'", "src/main.py"),
    ],
)
def test_punctuation_and_quotes_around_a_path_are_no_part_of_it(launch: Path, prompt: str, expected: str) -> None:
    assert found(launch, prompt) == [(expected, "read")]


def test_a_quoted_path_may_be_writable(launch: Path) -> None:
    assert found(launch, 'Change @"a b.txt":w.') == [("a b.txt", "write")]


@pytest.mark.spec("WS-077")
def test_references_of_later_turns_only_raise_permissions(launch: Path) -> None:
    effective: tuple[ContextPath, ...] = ()
    permissions: list[str] = []
    for prompt in ("@src/main.py", "@src/main.py:w", "@src/main.py"):
        requested = parse_prompt_for_context(prompt, launch_directory=launch).requested
        effective = merge_context_paths(effective, check_context_paths(requested, launch_directory=launch).paths)
        permissions.append(effective[0].permission)
    assert permissions == ["read", "write", "write"]


def test_paths_are_completed(launch: Path) -> None:
    assert complete_reference("src/ma", launch) == ["src/main.py"]
    assert complete_reference("s", launch) == ["src/"]
    assert complete_reference("nowhere/x", launch) == []


def test_the_notice_reads_as_documented(launch: Path) -> None:
    paths = check_context_paths([RequestedPath(path=str(launch / "src/main.py"))], launch_directory=launch).paths
    assert references_notice(paths) == (
        f"📂 Context paths from prompt:\n   📖 {launch}/src/main.py (read)\n"
        "🔄 Updating agents with new context paths..."
    )
