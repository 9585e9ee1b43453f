"""Where configurations and examples are found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from massgen.config import ConfigNotFound, example_names, find_config, find_example, find_resource, load_config
from massgen.config.packaged import root_directory
from massgen.errors import ConfigError
from tests.config.places import MINIMAL


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home; the tests run in an empty directory beside it."""
    for name in ("home", "project"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "home"


def write(path: Path, identity: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(MINIMAL.replace("id: a", f"id: {identity}"))
    return path


@pytest.mark.spec("CFG-001", "CFG-002")
def test_the_projects_default_comes_before_the_users(home: Path) -> None:
    write(home / ".config" / "massgen" / "config.yaml", "user")
    assert load_config().require().agents[0].id == "user"
    write(Path(".massgen/config.yaml"), "project")
    assert load_config().require().agents[0].id == "project"


@pytest.mark.spec("CFG-001", "CFG-091")
def test_without_any_default_the_error_says_how_to_make_one(home: Path) -> None:
    with pytest.raises(ConfigNotFound, match="No config specified and no default config found"):
        load_config()


@pytest.mark.spec("CFG-003")
def test_a_value_is_a_path_with_or_without_extension_then_a_project_file_then_a_saved_name(home: Path) -> None:
    saved = write(home / ".config" / "massgen" / "agents" / "team.yaml", "saved")
    assert find_config("team") == saved
    project = write(Path(".massgen/team.yaml"), "project").absolute()
    assert find_config("team").absolute() == project
    beside = write(Path("team.yaml"), "beside").absolute()
    assert find_config("team").absolute() == beside
    exact = write(Path("team"), "exact").absolute()
    assert find_config("team").absolute() == exact
    assert find_config(str(exact)) == exact
    assert find_config("~/.config/massgen/agents/team.yaml") == saved


@pytest.mark.spec("CFG-004")
@pytest.mark.parametrize("prefix", ["@examples/", "@examples/configs/", "@massgen/configs/", "massgen/configs/"])
@pytest.mark.parametrize("extension", ["", ".yaml"])
def test_packaged_examples_are_found_in_every_spelling_from_anywhere(home: Path, prefix: str, extension: str) -> None:
    found = find_config(f"{prefix}basic/multi/three_agents_default{extension}")
    assert found == root_directory() / "basic" / "multi" / "three_agents_default.yaml"


@pytest.mark.spec("CFG-004")
def test_a_local_file_at_that_path_comes_before_the_packaged_one(home: Path) -> None:
    local = write(Path("massgen/configs/basic/multi/three_agents_default.yaml"), "local").absolute()
    assert find_config("massgen/configs/basic/multi/three_agents_default.yaml").absolute() == local


@pytest.mark.spec("CFG-005")
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("@examples/basic_multi", "basic_multi"),
        ("@examples/research_team", "research_team"),
        ("@examples/coding_team", "coding_team"),
        ("@examples/three_agents_default", "basic/multi/three_agents_default"),
        ("@examples/openai/gpt5", "providers/openai/gpt5"),
    ],
)
def test_short_names_resolve_when_they_end_exactly_one_path(name: str, path: str) -> None:
    assert find_example(name) == root_directory() / f"{path}.yaml"


@pytest.mark.spec("CFG-005")
def test_packaged_resources_can_be_context_paths() -> None:
    picture = find_resource("@examples/resources/v0.0.27-example/multimodality.jpg")
    assert picture is not None
    assert picture.read_bytes().startswith(b"\xff\xd8\xff")
    assert find_resource("@examples/resources/../basic_multi.yaml") is None


@pytest.mark.spec("CFG-008")
def test_what_cannot_be_found_names_the_value_the_places_and_the_nearest_example(home: Path) -> None:
    with pytest.raises(ConfigNotFound) as caught:
        find_config("configs/basic/multi/three_agents_defalt.yaml")
    assert caught.value.exit_code == 1
    assert "configs/basic/multi/three_agents_defalt.yaml" in caught.value.message
    assert ".massgen" in (caught.value.hint or "")
    assert "@examples/basic/multi/three_agents_default?" in (caught.value.hint or "")


@pytest.mark.spec("CFG-008")
@pytest.mark.parametrize("value", ["@examples/three_agent", "three_agents"])
def test_the_beginning_of_a_name_leads_to_the_example(home: Path, value: str) -> None:
    with pytest.raises(ConfigNotFound) as caught:
        find_config(value)
    assert "@examples/basic/multi/three_agents_default?" in (caught.value.hint or "")


@pytest.mark.spec("CFG-008")
def test_a_directory_is_told_from_a_file_that_is_missing(home: Path) -> None:
    Path("team").mkdir()
    with pytest.raises(ConfigNotFound) as caught:
        find_config("team")
    assert f"{Path('team').absolute()} (a directory)" in (caught.value.hint or "")


@pytest.mark.spec("CFG-008")
@pytest.mark.parametrize("value", ["nope", "@examples/nope", "/nowhere/x.yaml", "a\0b", "x" * 5000, "~nobody/x", "."])
def test_any_value_that_names_nothing_is_an_ordinary_error(home: Path, value: str) -> None:
    with pytest.raises(ConfigError):
        load_config(value)


def test_an_unreadable_file_is_an_ordinary_error(home: Path) -> None:
    Path("loop.yaml").symlink_to("loop.yaml")
    with pytest.raises(ConfigError):
        load_config("loop.yaml")


def test_it_works_without_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("USERPROFILE", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError):
        load_config()
    assert load_config("@examples/basic_multi").require()


DOCUMENTED = (Path(__file__).parent / "documented_examples.txt").read_text().split()


@pytest.mark.spec("CFG-006", "MEM-013", "COORD-091")
def test_every_documented_example_is_shipped() -> None:
    assert set(DOCUMENTED) - set(example_names()) == set()
    assert any(name.startswith("examples/filesystem_first_") for name in example_names())


@pytest.mark.spec("CFG-018")
def test_the_two_examples_of_the_start_page_are_as_documented() -> None:
    single = load_config("@examples/basic/single/single_gpt5nano").require()
    (agent,) = single.agents
    assert (agent.id, agent.backend.type, agent.backend.model) == ("gpt-5-nano", "openai", "gpt-5-nano")
    assert (agent.backend.enable_web_search, agent.backend.enable_code_interpreter) == (True, True)
    team = load_config("@examples/basic/multi/three_agents_default").require()
    assert [(each.id, each.backend.type, each.backend.model) for each in team.agents] == [
        ("gemini2.5flash", "gemini", "gemini-2.5-flash"),
        ("gpt5nano", "openai", "gpt-5-nano"),
        ("grok3mini", "grok", "grok-3-mini"),
    ]
    assert all(each.backend.enable_web_search for each in team.agents)
    assert [each.backend.enable_code_interpreter for each in team.agents] == [False, True, False]
    for found in (single, team):
        assert (found.ui.display_type, found.ui.logging_enabled) == ("rich_terminal", True)


@pytest.mark.spec("CFG-007")
def test_other_shipped_examples_are_named_by_agents_features_and_description() -> None:
    agents = r"(single-[a-z0-9]+|[a-z0-9]+-[a-z0-9]+|three-mixed|team-[a-z]+)"
    features = r"(basic|mcp(-[a-z]+)?|websearch|codeexec|filesystem)"
    pattern = re.compile(rf"{agents}_{features}_(showcase|test|research|dev|collab)")
    own_rules = ("demo/", "examples/filesystem_first_")
    new = {name for name in example_names() if not name.startswith(own_rules)} - set(DOCUMENTED)
    assert new
    assert [name for name in new if not pattern.fullmatch(name.rpartition("/")[2])] == []
