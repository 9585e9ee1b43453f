"""`--quickstart`, `--init`, `--select` and the first start, at a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from massgen.config.loading import load_text
from massgen.testing import ScriptedProvider, answer_then_vote
from tests.wizard.terminal import Terminal, massgen_at_terminal

pytestmark = pytest.mark.slow

KEY = "sk-planted-wizard-0123456789"
KEYS = {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY, "GEMINI_API_KEY": KEY}
PARALLEL, LOCAL = "1", "1"


def read(path: Path) -> dict[str, Any]:
    """A file that the strict validator accepts, with commented keys in the documented order."""
    text = path.read_text()
    loaded = load_text(text, path=path)
    assert not loaded.errors
    assert not loaded.warnings
    found = YAML(typ="safe").load(text)
    assert list(found) == ["agents", "orchestrator", "timeout_settings"]
    assert text.startswith("# ")
    return found


def leave(person: Terminal, key: str) -> None:
    person.interrupt() if key == "ctrl-c" else person.type("\x04")


def take_the_defaults(person: Terminal) -> None:
    person.answers(
        ("How many agents (1-10) [3]: ", ""),
        ("Take it? [Y/n] ", ""),
        ("How the team works:", ""),
        ("Reasoning effort", ""),
        ("Where agents run commands:", LOCAL),
        ("agents may see", ""),
    )


@pytest.mark.spec("CFG-083", "CFG-084", "CFG-092", "CLI-056")
@pytest.mark.parametrize("name", ["team-config", "team-config.yaml"])
def test_quickstart_makes_a_team_of_three_from_the_keys_that_are_there(tmp_path: Path, name: str) -> None:
    arguments = ("--quickstart", "--config", name)
    with massgen_at_terminal(*arguments, directory=tmp_path, home=tmp_path, environment=KEYS) as person:
        take_the_defaults(person)
        person.answers(("Save as ./.massgen/team-config.yaml? [Y/n] ", ""))
        person.wait_for('massgen --config team-config "your question"')
        assert person.end() == 0
        assert KEY not in person.seen
    found = read(tmp_path / ".massgen" / "team-config.yaml")
    assert [agent["backend"]["type"] for agent in found["agents"]] == ["openai", "claude", "gemini"]
    assert found["agents"][0]["backend"]["reasoning"] == {"effort": "medium"}
    assert found["agents"][0]["backend"]["command_line_execution_mode"] == "local"
    assert found["orchestrator"]["coordination_mode"] == "voting"
    assert found["orchestrator"]["coordination"]["write_mode"] == "auto"
    assert list(found["timeout_settings"].values()) == [600, 300, 120]


@pytest.mark.spec("CFG-084", "CFG-083")
def test_quickstart_offers_decomposition_docker_files_and_a_place_to_save(tmp_path: Path) -> None:
    home = tmp_path / "home"
    environment = {"OPENAI_API_KEY": KEY}
    with massgen_at_terminal("--quickstart", directory=tmp_path, home=home, environment=environment) as person:
        person.answers(
            ("How many agents", "11"),
            ("number from 1 to 10", "2"),
            ("Take it?", "n"),
            ("Agent 1 runs on:", "1"),
            ("Model", "5"),
            ("Agent 2 runs on:", "1"),
            ("Model", "6"),
            ("How the team works:", "2"),
            ("agent_a: ", "write"),
            ("agent_b: ", ""),
            ("Who puts the result together:", "1"),
            ("Reasoning effort", "3"),
            ("Where agents run commands:", "2"),
            ("agents may see", "nowhere"),
            ("does not exist", "."),
            ("May they change", "y"),
            ("Where to save:", "2"),
            ("File name", "../up"),
            ("not a plain file name", "mine"),
            ("Save as ~/.config/massgen/agents/mine.yaml?", ""),
        )
        assert person.end() == 0
    found = read(home / ".config" / "massgen" / "agents" / "mine.yaml")
    backends = [agent["backend"] for agent in found["agents"]]
    assert [backend["model"] for backend in backends] == ["gpt-5-mini", "gpt-5-nano"]
    assert all(backend["reasoning"] == {"effort": "high"} for backend in backends)
    assert all(backend["command_line_execution_mode"] == "docker" for backend in backends)
    assert [agent.get("subtask") for agent in found["agents"]] == ["write", None]
    team = found["orchestrator"]
    assert team["context_paths"] == [{"path": str(tmp_path.resolve()), "permission": "write"}]
    assert team["coordination_mode"] == "decomposition"
    assert team["presenter_agent"] == "agent_a"
    assert team["max_new_answers_per_agent"] == 2
    assert team["max_new_answers_global"] == 6
    assert team["answer_novelty_requirement"] == "balanced"


@pytest.mark.spec("CFG-083")
def test_an_existing_configuration_is_replaced_only_if_wanted(tmp_path: Path) -> None:
    file = tmp_path / ".massgen" / "config.yaml"
    file.parent.mkdir()
    file.write_text("mine\n")
    with massgen_at_terminal("--quickstart", directory=tmp_path, home=tmp_path, environment=KEYS) as person:
        take_the_defaults(person)
        person.answers(("Where to save:", ""), ("File name", ""), ("exists already. Replace it? [y/N] ", ""))
        person.answers(("Save it as another file?", ""))
        person.wait_for("Nothing was written.")
        assert person.end() == 1
    assert file.read_text() == "mine\n"


@pytest.mark.spec("CFG-083")
def test_what_cannot_be_saved_in_one_place_is_saved_in_another(tmp_path: Path) -> None:
    (tmp_path / ".massgen").write_text("a file where the directory would be")
    with massgen_at_terminal("--quickstart", directory=tmp_path, home=tmp_path, environment=KEYS) as person:
        take_the_defaults(person)
        person.answers(("Where to save:", ""), ("File name", ""), ("Save as", ""))
        person.wait_for("could not be written")
        person.answers(("Save it as another file?", "./our team"), ("Save as ./our team.yaml? [Y/n] ", ""))
        person.wait_for("Saved: ./our team.yaml")
        person.wait_for(f"massgen --config '{tmp_path}/our team.yaml' \"your question\"")
        assert person.end() == 0
    assert len(read(tmp_path / "our team.yaml")["agents"]) == 3


@pytest.mark.spec("CFG-083")
def test_keys_that_the_team_still_needs_are_named(tmp_path: Path) -> None:
    environment = {"OPENAI_API_KEY": KEY}
    with massgen_at_terminal("--quickstart", directory=tmp_path, home=tmp_path, environment=environment) as person:
        person.answers(
            ("How many agents", "1"),
            ("Take it?", "n"),
            ("Agent 1 runs on:", "2"),
            ("Model", "1"),
            ("Where agents run commands:", "3"),
            ("agents may see", ""),
            ("Where to save:", ""),
            ("File name", ""),
            ("Save as", ""),
        )
        person.wait_for("Still needed: ANTHROPIC_API_KEY. Enter keys with massgen --setup")
        assert person.end() == 0


@pytest.mark.spec("CFG-080", "AUTO-034")
@pytest.mark.parametrize("key", ["ctrl-c", "ctrl-d"])
@pytest.mark.parametrize("display", ["simple", "textual"])
def test_who_stops_at_the_first_start_was_interrupted(tmp_path: Path, key: str, display: str) -> None:
    environment = {"TERM": "xterm"}
    arguments = ("--display", display)
    with massgen_at_terminal(*arguments, directory=tmp_path, home=tmp_path, environment=environment) as person:
        person.wait_for("Set one up now, by questions? [y/N] ")
        leave(person, key)
        person.wait_for("no configuration was written")
        assert person.end() == 4
    assert "Traceback" not in person.seen
    assert list(tmp_path.iterdir()) == []


@pytest.mark.spec("CFG-083")
@pytest.mark.parametrize("key", ["ctrl-c", "ctrl-d"])
def test_who_leaves_at_the_last_question_has_written_nothing(tmp_path: Path, key: str) -> None:
    with massgen_at_terminal("--quickstart", directory=tmp_path, home=tmp_path, environment=KEYS) as person:
        take_the_defaults(person)
        person.answers(("Where to save:", ""), ("File name", ""))
        person.wait_for("Save as")
        leave(person, key)
        person.wait_for("no configuration was written")
        assert person.end() == 4
    assert "Traceback" not in person.seen
    assert list(tmp_path.iterdir()) == []


@pytest.mark.spec("CFG-083")
def test_a_team_on_a_local_server_is_found_made_and_answers(tmp_path: Path) -> None:
    scripts = {"llama-small": answer_then_vote("Four.", votes_for="agent1")}
    with ScriptedProvider(scripts).in_thread() as server:
        environment = {"OLLAMA_HOST": server.base_url}
        with massgen_at_terminal("--quickstart", directory=tmp_path, home=tmp_path, environment=environment) as person:
            person.answers(
                ("found: Ollama at", "1"),
                ("Take it?", ""),
                ("Where agents run commands:", "3"),
                ("agents may see", ""),
                ("Where to save:", ""),
                ("File name", ""),
                ("Save as", ""),
            )
            assert person.end() == 0
        backend = read(tmp_path / ".massgen" / "config.yaml")["agents"][0]["backend"]
        assert (backend["model"], backend["base_url"]) == ("llama-small", server.openai_url)
        question = ("--display", "simple", "2 + 2?")
        with massgen_at_terminal(*question, directory=tmp_path, home=tmp_path) as person:
            person.wait_for("Four.")
            assert person.end() == 0


@pytest.mark.spec("CFG-081", "CLI-056", "CFG-092")
def test_init_builds_from_a_template_in_four_steps_for_all_projects(tmp_path: Path) -> None:
    home = tmp_path / "home"
    environment = {"ANTHROPIC_API_KEY": KEY}
    for name, place in (("", "config.yaml"), ("research-team", "agents/research-team.yaml")):
        with massgen_at_terminal("--init", directory=tmp_path, home=home, environment=environment) as person:
            person.answers(
                ("Step 1 of 4", "2"),
                ("How many agents", ""),
                ("Take it?", ""),
                ("Web search of the provider? [Y/n] ", ""),
                ("Code execution at the provider? [y/N] ", "y"),
                ("Files in a workspace of their own? [y/N] ", ""),
                ("Commands? [y/N] ", ""),
                ("Name for it", name),
                (f"Save as ~/.config/massgen/{place}? [Y/n] ", ""),
            )
            assert person.end() == 0
        backends = [agent["backend"] for agent in read(home / ".config/massgen" / place)["agents"]]
        assert len(backends) == 3
        assert all(backend["enable_web_search"] and backend["enable_code_execution"] for backend in backends)
        assert not any("enable_mcp_command_line" in backend for backend in backends)


@pytest.mark.spec("CFG-089", "CLI-021")
def test_select_shows_groups_then_files_and_runs_the_chosen_one_with_the_question(tmp_path: Path) -> None:
    with ScriptedProvider({"m": answer_then_vote("Four.", votes_for="agent1")}).in_thread() as server:
        text = (
            "agents: [{id: a, backend: {type: chatcompletion, model: m, "
            f"base_url: '{server.openai_url}', api_key: EMPTY}}}}]\n"
        )
        for place in (".config/massgen/agents/own.yaml", ".massgen/team.yaml", "here.yaml"):
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / place).write_text(text)
        arguments = ("--select", "--display", "simple", "2 + 2?")
        with massgen_at_terminal(*arguments, directory=tmp_path, home=tmp_path) as person:
            shown = person.wait_for("Examples: general")
            assert [line.split("(")[0].strip() for line in shown.splitlines() if "(1)" in line] == [
                "1. Your configurations",
                "2. This project, .massgen/",
                "3. This directory",
            ]
            person.answers(("[1]: ", "1"), ("2. back", "2"), ("Configurations:", "2"), ("1. team.yaml", "1"))
            person.wait_for("Four.")
            assert person.end() == 0


@pytest.mark.spec("CFG-080", "CFG-001")
def test_the_first_start_asks_for_a_key_then_for_a_configuration_and_goes_on(tmp_path: Path) -> None:
    with ScriptedProvider({"gpt-5.4": answer_then_vote("Four.", votes_for="agent1")}).in_thread() as server:
        environment = {"OPENAI_BASE_URL": server.openai_url}
        arguments = ("--display", "simple", "2 + 2?")
        with massgen_at_terminal(*arguments, directory=tmp_path, home=tmp_path, environment=environment) as person:
            person.wait_for("No configuration was found. Three ways on:")
            person.answers(
                ("Set one up now, by questions? [y/N] ", "y"),
                ("Enter an API key now?", ""),
                ("Where", "1"),
                ("For which provider", "2"),
                ("(not shown): ", KEY),
                ("[y/N] ", ""),
                ("For which provider", ""),
                ("build one from a template", "1"),
                ("Step 1 of 4", "1"),
                ("found: OpenAI", "1"),
                ("Take it?", ""),
                ("Reasoning effort", ""),
                ("Web search", ""),
                ("Code execution", ""),
                ("Files", ""),
                ("Commands", ""),
                ("Save as ~/.config/massgen/config.yaml?", ""),
            )
            person.wait_for("Four.")
            assert person.end() == 0
    assert (tmp_path / ".config/massgen/.env").read_text() == f"OPENAI_API_KEY={KEY}\n"
    assert read(tmp_path / ".config/massgen/config.yaml")["agents"][0]["backend"]["model"] == "gpt-5.4"


@pytest.mark.spec("CFG-080")
def test_somebody_who_only_wants_to_look_gets_the_simulated_team(tmp_path: Path) -> None:
    with massgen_at_terminal("--display", "simple", directory=tmp_path, home=tmp_path) as person:
        person.answers(("Set one up now", ""), ("Watch a simulated team first?", "y"), ("User:", "/quit"))
        assert person.end() == 0
    assert not (tmp_path / ".config").exists()


@pytest.mark.spec("CFG-080")
def test_a_browsed_example_may_become_the_default_and_the_session_begins(tmp_path: Path) -> None:
    with massgen_at_terminal("--display", "simple", directory=tmp_path, home=tmp_path, environment=KEYS) as person:
        person.answers(
            ("Set one up now", "y"),
            ("There is one already.", "2"),
            ("Examples: general", "1"),
            ("Examples: general:", "1"),
        )
        person.wait_for("Still needed: XAI_API_KEY. Enter keys with massgen --setup, or set the variables.")
        person.answers(("Save as default? [y/N] ", "y"))
        person.wait_for("/help")
        person.type("/quit\n")
        assert person.end() == 0
    assert (tmp_path / ".config/massgen/config.yaml").is_file()


@pytest.mark.spec("CFG-001")
def test_who_declines_sees_the_ways_and_nothing_is_written(tmp_path: Path) -> None:
    with massgen_at_terminal("--display", "simple", "q", directory=tmp_path, home=tmp_path) as person:
        person.answers(("Set one up now, by questions? [y/N] ", ""), ("no network) [y/N] ", ""))
        assert person.end() == 1
    assert "massgen --config @examples/demo/team" in person.seen
    assert list(tmp_path.iterdir()) == []
