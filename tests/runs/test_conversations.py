"""Conversations on disk: what later turns are told, what is listed, what the log says of each turn."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from massgen.testing import ScriptedProvider, answer_then_vote
from tests.interactive.teams import FINAL, agent_turns, write_team
from tests.interactive.terminal import Terminal
from tests.runs.place import massgen, write_config

PROMPT = "User: "
RULE = "=" * 60


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedProvider]:
    scripts = {name: answer_then_vote(f"{name} says blue.") for name in ("one", "two")}
    with ScriptedProvider(scripts).in_thread() as provider:
        yield provider


def converse(directory: Path, *questions: str, config: str = "team.yaml", more: tuple[str, ...] = ()) -> str:
    """One conversation in a terminal; what was shown."""
    with Terminal(directory, "--no-display", "--config", config, *more, environment=home(directory)) as terminal:
        terminal.expect(PROMPT)
        for question in questions:
            terminal.line(question)
            terminal.expect("Winner: ")
            terminal.expect(PROMPT)
        terminal.line("/quit")
        assert terminal.wait() == 0
        return terminal.text


def home(directory: Path) -> dict[str, str | None]:
    return {"HOME": str(directory)}


def log_of(directory: Path) -> Path:
    return (directory / ".massgen" / "massgen_logs" / "log_latest").resolve()


@pytest.mark.spec("SESS-041")
def test_every_agent_gets_all_earlier_turns_with_the_third_question(server: ScriptedProvider, tmp_path: Path) -> None:
    write_config(tmp_path, server.openai_url, ("one", "two"))
    converse(tmp_path, "First question?", "Second question?", "Third question?")
    for model in ("one", "two"):
        asked = [item for item in server.requests_for(model) if "Third question?" in item.view.text]
        messages = asked[0].view.messages
        assert [role for role, _ in messages[:4]] == ["user", "assistant", "user", "assistant"]
        assert [messages[0][1], messages[2][1]] == ["First question?", "Second question?"]
        assert "says blue." in messages[1][1] and "says blue." in messages[3][1]
        assert "Third question?" in messages[4][1]


@pytest.mark.spec("LOG-059", "SESS-088", "SESS-007")
def test_one_file_serves_both_ways_and_each_turn_records_its_place_in_the_session(tmp_path: Path) -> None:
    path = write_team(tmp_path, more={"ui": {"display_type": "simple", "logging_enabled": True}})
    shown = converse(tmp_path, "Tabs or spaces?", "And in Go?", "And in Python?")
    assert shown.count(FINAL) >= 3
    log = log_of(tmp_path)
    (session,) = (item.name for item in (tmp_path / ".massgen" / "sessions").iterdir())
    for turn in (1, 2, 3):
        attempt = log / f"turn_{turn}" / "attempt_1"
        arguments = yaml.safe_load((attempt / "execution_metadata.yaml").read_text())["cli_args"]
        assert (arguments["mode"], arguments["turn"], arguments["session_id"]) == ("interactive", turn, session)
        assert (attempt / "massgen.log").is_file()
    done = massgen(tmp_path, "--config", path, "Tabs or spaces?")
    assert done.returncode == 0 and FINAL in done.stdout
    single = log_of(tmp_path)
    assert single != log
    arguments = yaml.safe_load((single / "turn_1/attempt_1/execution_metadata.yaml").read_text())["cli_args"]
    assert "turn" not in arguments


@pytest.mark.spec("SESS-007")
def test_logging_that_is_off_is_off_in_both_ways(tmp_path: Path) -> None:
    path = write_team(tmp_path, more={"ui": {"display_type": "simple", "logging_enabled": False}})
    converse(tmp_path, "Tabs or spaces?")
    first = log_of(tmp_path)
    assert massgen(tmp_path, "--config", path, "Tabs or spaces?").returncode == 0
    assert first != log_of(tmp_path)
    assert list((tmp_path / ".massgen" / "massgen_logs").rglob("massgen.log")) == []
    logs = tmp_path / ".massgen" / "massgen_logs"
    assert len(list(logs.glob("log_2*/turn_1/attempt_1/execution_metadata.yaml"))) == 2


@pytest.mark.spec("SESS-064")
def test_a_turn_of_an_earlier_run_is_inspected_after_the_session_went_on(tmp_path: Path) -> None:
    write_team(tmp_path)
    converse(tmp_path, "Tabs or spaces?", more=("--session-id", "kept"))
    arguments = ("--no-display", "--config", "team.yaml", "--session-id", "kept")
    with Terminal(tmp_path, *arguments, environment={**home(tmp_path), "PATH": str(tmp_path)}) as terminal:
        terminal.expect(PROMPT)
        terminal.line("/inspect 1")
        shown = terminal.expect("Enter your choice:")
        assert "Turn 1 Inspection" in shown and "Winner: amber" in shown
        for key, wanted in (("1", "amber says"), ("f", FINAL)):
            terminal.line(key)
            assert wanted in terminal.expect("Enter your choice:")
        terminal.line("q")
        terminal.expect(PROMPT)
        terminal.line("And in Go?")
        terminal.expect(FINAL)
        terminal.expect(PROMPT)
        terminal.line("/inspect 1")
        assert "Tabs or spaces?" in terminal.expect("Enter your choice:")
        terminal.line("q")
        terminal.expect(PROMPT)
        terminal.line("/quit")
        assert terminal.wait() == 0


@pytest.mark.spec("SESS-083", "SESS-089", "CLI-035", "TUI-007")
def test_sessions_are_listed_newest_first_also_without_their_directories(tmp_path: Path) -> None:
    none = massgen(tmp_path, "--list-sessions")
    assert (none.returncode, none.stdout) == (0, "No sessions yet.\n")
    path = write_team(tmp_path)
    for name in ("first", "second"):
        done = massgen(tmp_path, "--automation", "--config", path, "--session-id", name, "Tabs or spaces?")
        assert done.returncode == 0, done.stderr
    shutil.rmtree(tmp_path / ".massgen" / "sessions" / "first")
    listed = massgen(tmp_path, "--list-sessions")
    assert listed.returncode == 0
    lines = listed.stdout.splitlines()
    assert lines[:3] == ["Available Memory Sessions:", RULE, ""]
    assert [line for line in lines if line.startswith("Session ID: ")] == ["Session ID: second", "Session ID: first"]
    assert lines[3] == "Session ID: second" and lines[4] == "  Status: completed"
    assert lines[5].startswith("  Started: ")
    assert f"  Config: {path}" in lines
    again = massgen(tmp_path, "--automation", "--config", path, "--session-id", "first", "And in Go?")
    assert again.returncode == 0
    assert "Tabs or spaces?" not in (tmp_path / ".massgen" / "sessions" / "first" / "SESSION_SUMMARY.txt").read_text()


@pytest.mark.spec("CLI-034", "CLI-036", "TUI-007")
def test_a_session_goes_on_by_its_name_and_the_newest_one_without(server: ScriptedProvider, tmp_path: Path) -> None:
    path = write_config(tmp_path, server.openai_url, ("one",))
    for name in ("older", "newer"):
        assert massgen(tmp_path, "--automation", "--config", path, "--session-id", name, f"{name}?").returncode == 0
    by_name = massgen(tmp_path, "--automation", "--session-id", "older", "What did we discuss?")
    assert by_name.returncode == 0, by_name.stderr
    seen = server.requests_for("one")[-1].view.text
    assert "older?" in seen and "newer?" not in seen
    newest = massgen(tmp_path, "--automation", "--continue", "And after that?")
    assert newest.returncode == 0, newest.stderr
    assert "Restored session with 2 previous turn(s)" in newest.stderr
    seen = server.requests_for("one")[-1].view.text
    assert "What did we discuss?" in seen and "newer?" not in seen
    turns = sorted(item.name for item in (tmp_path / ".massgen/sessions/older").glob("turn_*"))
    assert turns == ["turn_1", "turn_2", "turn_3"]


@pytest.mark.spec("SESS-043")
@pytest.mark.parametrize("prefix", ["", ".massgen/"])
def test_directories_of_the_configuration_are_the_same_with_and_without_the_prefix(
    prefix: str, tmp_path: Path
) -> None:
    (tmp_path / "src").mkdir()
    places = {"agent_temporary_workspace": f"{prefix}temp_workspaces", "snapshot_storage": f"{prefix}snapshots"}
    orchestrator = {
        **places,
        "session_storage": f"{prefix}sessions",
        "context_paths": [{"path": "src/", "permission": "read"}],
        "voting_sensitivity": "lenient",
    }
    write_team(tmp_path, more={"orchestrator": orchestrator}, backend={"cwd": "workspace"})
    converse(tmp_path, "Tabs or spaces?", "And in Go?")
    found = {item.name for item in (tmp_path / ".massgen").iterdir()}
    assert {"temp_workspaces", "snapshots", "sessions", "massgen_logs", "workspaces"} <= found
    assert ".massgen" not in found
    (session,) = (tmp_path / ".massgen" / "sessions").iterdir()
    assert {"turn_1", "turn_2"} <= {item.name for item in session.iterdir()}
    assert json.loads((session / "turn_2" / "metadata.json").read_text())["status"] == "complete"


@pytest.mark.spec("SESS-023", "WS-066")
def test_a_directory_added_by_context_is_readable_in_the_next_turn(tmp_path: Path) -> None:
    place = tmp_path / "reference"
    place.mkdir()
    (place / "facts.txt").write_text("the planted fact")
    launch = tmp_path / "launch"
    launch.mkdir()
    read = {"name": "mcp__filesystem__read_file", "arguments": {"path": str(place / "facts.txt")}}
    answered, presents, votes = agent_turns("amber")
    after = {"when": {"answers_below": 1, "after_tool": read["name"]}, "answer": answered["answer"], "delay": 0.0}
    first = {"when": {"answers_below": 1}, "calls": [read], "delay": 0.0}
    amber = [presents, after, first, votes]
    config = write_team(launch, turns={"amber": amber}, backend={"cwd": "workspace"})
    with Terminal(launch, "--no-display", "--config", str(config), environment=home(launch)) as terminal:
        terminal.expect("[C]ustom path: ")
        terminal.line("n")
        terminal.expect(PROMPT)
        terminal.line("Tabs or spaces?")
        terminal.expect(FINAL)
        terminal.expect(PROMPT)
        terminal.line("/context")
        terminal.expect("Path (empty line to finish): ")
        terminal.line(str(place))
        terminal.expect("[W]rite: ")
        terminal.line("r")
        terminal.expect("(read)")
        terminal.line("")
        terminal.line("And in Go?")
        terminal.expect(FINAL)
        terminal.expect(PROMPT)
        terminal.line("/quit")
        assert terminal.wait() == 0
    texts = [
        "".join(path.read_text() for path in (log_of(launch) / f"turn_{turn}").rglob("llm_calls/*.json"))
        for turn in (1, 2)
    ]
    assert "the planted fact" not in texts[0]
    assert "the planted fact" in texts[1]


@pytest.mark.spec("WS-060")
def test_the_offer_takes_protected_paths_line_by_line(tmp_path: Path) -> None:
    write_team(tmp_path, backend={"cwd": "workspace"})
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    with Terminal(tmp_path, "--no-display", "--config", "team.yaml", environment=home(tmp_path)) as terminal:
        terminal.expect("[C]ustom path: ")
        terminal.line("P")
        terminal.expect("one per line. Empty line to finish:")
        terminal.line("a.txt")
        terminal.line("b.txt")
        terminal.line("")
        assert "(write)" in terminal.expect("🔒 a.txt")
        terminal.expect("🔒 b.txt")
        terminal.expect(PROMPT)
        terminal.line("/quit")
        assert terminal.wait() == 0


@pytest.mark.spec("WS-060")
def test_the_offer_takes_another_path(tmp_path: Path) -> None:
    launch = tmp_path / "launch"
    launch.mkdir()
    (tmp_path / "other").mkdir()
    write_team(launch, backend={"cwd": "workspace"})
    with Terminal(launch, "--no-display", "--config", "team.yaml", environment=home(launch)) as terminal:
        terminal.expect("[C]ustom path: ")
        terminal.line("c")
        terminal.expect("Path: ")
        terminal.line(str(tmp_path / "other"))
        shown = terminal.expect(PROMPT)
        assert f"Added {tmp_path / 'other'} (read)" in shown.replace("\n", "")
        terminal.line("/quit")
        assert terminal.wait() == 0
