"""Reading `custom_tools`."""

from __future__ import annotations

from pathlib import Path

import pytest

from massgen.tools.custom.settings import parse_custom_tools

SAMPLE = Path(__file__).parent / "sample.py"


@pytest.mark.spec("TOOL-021", "TOOL-024", "TOOL-023")
def test_names_and_functions_are_texts_or_lists_in_pairs() -> None:
    one = parse_custom_tools([{"name": "adder", "path": str(SAMPLE), "function": "plain"}], bases=[])
    many = parse_custom_tools([{"name": ["adder"], "path": str(SAMPLE), "func": ["plain"]}], bases=[])
    assert one == many
    assert one.tools[0].full_name == "custom_tool__adder"
    unnamed = parse_custom_tools([{"path": str(SAMPLE), "func": ["plain", "chart"]}], bases=[])
    assert [tool.name for tool in unnamed.tools] == ["plain", "chart"]


@pytest.mark.spec("TOOL-021")
@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": ["a", "b"], "function": ["plain"]}, "2 names for 1 functions"),
        ({"name": "a"}, "'function' is missing"),
        ({"name": "a b", "function": "plain"}, "not a possible name"),
        ({"function": ["plain", "chart"], "description": ["one"]}, "does not match"),
        ({"function": "plain", "preset_args": "x"}, "must be a mapping"),
        ("text", "must be a mapping"),
    ],
)
def test_entries_that_cannot_work_are_errors(entry: object, words: str) -> None:
    raw = {"path": str(SAMPLE), **entry} if isinstance(entry, dict) else entry
    parsed = parse_custom_tools([raw], bases=[])
    assert not parsed.tools
    assert words in parsed.errors[0]


def test_two_tools_of_one_name_are_an_error() -> None:
    entry = {"path": str(SAMPLE), "function": "plain"}
    assert "two custom tools" in parse_custom_tools([entry, entry], bases=[]).errors[0]


@pytest.mark.spec("TOOL-022")
def test_a_path_is_looked_for_in_three_places(tmp_path: Path) -> None:
    launch, config = tmp_path / "launch", tmp_path / "config"
    for directory in (launch, config):
        directory.mkdir()
    (config / "mine.py").write_text("async def f(): ...")
    entry = {"path": "mine.py", "function": "f"}
    assert parse_custom_tools([entry], bases=[launch, config]).tools[0].place == str(config / "mine.py")
    (launch / "mine.py").write_text("async def f(): ...")
    assert parse_custom_tools([entry], bases=[launch, config]).tools[0].place == str(launch / "mine.py")
    packaged = {"path": "massgen/tool/_basic/_two_num_tool.py", "function": "two_num_tool"}
    assert parse_custom_tools([packaged], bases=[launch]).tools[0].place.endswith("_two_num_tool.py")


def test_a_directory_is_searched_for_the_function(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("async def f(): ...")
    (tmp_path / "b.py").write_text("async def g(): ...")
    entry = {"path": tmp_path.name, "function": "g"}
    assert parse_custom_tools([entry], bases=[tmp_path.parent]).tools[0].place == str(tmp_path / "b.py")


@pytest.mark.spec("TOOL-034", "IOP-017")
def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    (error,) = parse_custom_tools([{"path": "no/such.py", "function": "f"}], bases=[tmp_path]).errors
    assert "no/such.py" in error
    assert "'f'" in error
    assert "Correct 'path'" in error


@pytest.mark.spec("TOOL-028")
def test_default_params_is_not_silently_ignored() -> None:
    entry = {"path": str(SAMPLE), "function": "plain", "default_params": {"limit": 1}}
    assert "preset_args" in parse_custom_tools([entry], bases=[]).warnings[0]
