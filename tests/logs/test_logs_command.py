from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from massgen.cli.log_analysis import TEAM
from massgen.config import load_config
from tests.logs.place import Massgen
from tests.views.scene import Scene


def made_runs(logs: Path, count: int) -> None:
    """Small runs, the newest with the highest number."""
    for number in range(count):
        path = logs / f"log_2025{1 + number // 600:02d}01_{number // 60 % 24:02d}{number % 60:02d}00_000000"
        (path / "turn_1" / "attempt_1").mkdir(parents=True)
        status = {
            "is_complete": True,
            "exit_code": 0,
            "agents": {"a": {}},
            "meta": {"question": f"Question number {number} {'long ' * 20}", "elapsed_seconds": 432.0},
            "costs": {"total_estimated_cost": 0.54},
        }
        (path / "turn_1" / "attempt_1" / "status.json").write_text(json.dumps(status))


@pytest.mark.spec("LOG-070", "CLI-070", "LOG-075", "CLI-075")
@pytest.mark.parametrize("words", [["logs"], ["logs", "summary"]])
def test_the_summary_shows_what_a_run_came_to(told: Scene, massgen: Massgen, words: list[str]) -> None:
    said = massgen(*words)
    assert said.code == 0
    assert "MassGen Run Summary" in said.out
    assert "Create a website about Bob Dylan" in said.out
    assert re.search(r"Winner: ann \| Agents: 2 \| Duration: \S+ \| Cost: \$0\.54", said.out)
    assert "Tokens: Input: 6,035,629 | Output: 21,279 | Reasoning: 0" in said.out
    assert "Rounds (3): answer: 1 | vote: 1 | presentation: 1" in said.out
    assert "Errors: 0 | Timeouts: 0" in said.out
    assert "mcp__files__read" in said.out
    value = json.loads(massgen(*words, "--json").out)
    assert value["meta"]["winner"] == "ann"
    assert value["totals"]["estimated_cost"] == 0.54
    assert value["state"] == "complete"


@pytest.mark.spec("LOG-020", "LOG-070")
def test_a_run_through_another_door_is_shown_too(finished: Path, massgen: Massgen) -> None:
    said = massgen("logs", "--log-dir", str(finished))
    assert "Winner: agent_a | Agents: 2" in said.out
    assert re.search(r"Rounds \(\d\): answer: \d \| vote: \d \| presentation: 1", said.out)


@pytest.mark.spec("LOG-071", "CLI-071")
def test_tools_are_sorted_by_time_or_calls_with_a_total(told: Scene, massgen: Massgen) -> None:
    by_time = json.loads(massgen("logs", "tools", "--json").out)
    assert [row["name"] for row in by_time["tools"]] == ["mcp__files__read", "slow_tool"]
    assert by_time["total"] == {"calls": 4, "total_ms": 376.0, "failures": 1}
    said = massgen("logs", "tools", "--sort", "calls")
    for word in ("Tool", "Calls", "Time", "Avg", "Fail", "TOTAL", "282ms", "94ms"):
        assert word in said.out
    assert said.out.index("mcp__files__read") < said.out.index("slow_tool") < said.out.index("TOTAL")


@pytest.mark.spec("LOG-071")
def test_sorting_by_calls_differs_from_sorting_by_time(told: Scene, massgen: Massgen) -> None:
    path = told.here / "metrics_summary.json"
    value = json.loads(path.read_text())
    value["tools"]["by_tool"]["slow_tool"]["total_ms"] = 9000.0
    path.write_text(json.dumps(value))
    orders = [
        [row["name"] for row in json.loads(massgen("logs", "tools", "--json", "--sort", sort).out)["tools"]]
        for sort in ("time", "calls")
    ]
    assert orders == [["slow_tool", "mcp__files__read"], ["mcp__files__read", "slow_tool"]]


@pytest.mark.spec("LOG-072", "CLI-072", "LOG-019")
def test_ten_runs_are_listed_newest_first(logs: Path, massgen: Massgen) -> None:
    made_runs(logs, 12)
    said = massgen("logs", "list")
    rows = [line for line in said.out.splitlines() if "Question number" in line]
    assert len(rows) == 10
    assert "Question number 11" in rows[0]
    assert all(part in rows[0] for part in ("2025-01-01 00:11", "7.2m", "$0.54", " - ", "..."))
    assert len(json.loads(massgen("logs", "list", "--limit", "20", "--json").out)) == 12
    for heading in ("#", "Timestamp", "Duration", "Cost", "Analyzed", "Question"):
        assert heading in said.out


@pytest.mark.spec("LOG-073", "CLI-072")
def test_runs_with_a_report_can_be_told_from_others(logs: Path, massgen: Massgen) -> None:
    made_runs(logs, 4)
    names = sorted(path.name for path in logs.iterdir())
    (logs / names[0] / "ANALYSIS_REPORT.md").write_text("fine")
    (logs / names[2] / "turn_1" / "attempt_1" / "ANALYSIS_REPORT.md").write_text("fine")

    def listed(*flags: str) -> list[str]:
        return [Path(run["log_dir"]).name for run in json.loads(massgen("logs", "list", "--json", *flags).out)]

    assert listed("--analyzed") == [names[2], names[0]]
    assert listed("--unanalyzed") == [names[3], names[1]]
    assert "✓" in massgen("logs", "list").out
    assert massgen("logs", "list", "--analyzed", "--unanalyzed").code == 1


@pytest.mark.spec("LOG-074", "CLI-075")
def test_a_log_turn_or_attempt_can_be_named_anywhere(told: Scene, logs: Path, massgen: Massgen) -> None:
    made_runs(logs, 1)
    for path in (told.root, told.root / "turn_1", told.here, told.root / "attempt_1"):
        for words in (["logs", "--log-dir", str(path)], ["logs", "summary", "--log-dir", str(path)]):
            assert "Bob Dylan" in massgen(*words).out
    assert "Bob Dylan" in massgen("logs", "--log-dir", told.root.name).out
    assert massgen("logs", "--log-dir", str(logs / "nothing")).code == 1


@pytest.mark.spec("LOG-076", "CLI-073")
def test_open_hands_the_directory_to_the_desktop(
    told: Scene, massgen: Massgen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("xdg-open", "open"):
        program = programs / name
        program.write_text(f'#!/bin/sh\nprintf %s "$1" > "{tmp_path}/opened"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    assert massgen("logs", "open").code == 0
    assert (tmp_path / "opened").read_text() == str(told.root)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    said = massgen("logs", "open")
    assert (said.code, said.out.strip()) == (0, str(told.root))


@pytest.mark.spec("LOG-077", "CLI-074")
def test_the_prompt_names_the_log_and_the_skill(told: Scene, massgen: Massgen) -> None:
    said = massgen("logs", "analyze")
    assert str(told.root) in said.out
    assert "massgen-log-analyzer" in said.out


@pytest.mark.spec("LOG-078", "CLI-074")
def test_self_analysis_without_a_key_says_what_is_missing(told: Scene, massgen: Massgen) -> None:
    said = massgen("logs", "analyze", "--mode", "self")
    assert said.code == 1
    assert "GEMINI_API_KEY" in said.err


@pytest.mark.spec("LOG-078")
def test_the_team_that_comes_with_the_package_is_two_flash_agents_in_containers() -> None:
    agents = load_config(TEAM).require().agents
    found = [(one.backend.type, one.backend.model, one.backend.command_line_execution_mode) for one in agents]
    assert found == [("gemini", "gemini-2.5-flash", "docker")] * 2


@pytest.mark.spec("LOG-079")
def test_broken_runs_are_listed_with_what_is_known(told: Scene, logs: Path, massgen: Massgen) -> None:
    (logs / "log_20260101_000000").mkdir()
    (logs / "log_20260102_000000_000000").mkdir()
    (logs / "log_20260102_000000_000000" / "status.json").write_text('{"agents": {"a"')
    (told.here / "status.json").write_text('{"is_comp')
    said = massgen("logs", "list")
    assert said.code == 0
    assert "2026-01-01 00:00" in said.out
    assert "Create a website" in said.out
    for words in (["logs"], ["logs", "tools"], ["logs", "analyze"], ["logs", "summary", "--json"]):
        assert massgen(*words).code == 0


@pytest.mark.spec("LOG-079")
def test_a_run_whose_process_is_gone_is_not_running(told: Scene, massgen: Massgen) -> None:
    status = json.loads((told.here / "status.json").read_text())
    status |= {"is_complete": False, "exit_code": None}
    status["meta"] |= {"pid": os.getpid(), "process_start_time": 12.0}
    (told.here / "status.json").write_text(json.dumps(status))
    assert json.loads(massgen("logs", "--json").out)["state"] == "interrupted"
    assert "State: interrupted" in massgen("logs").out


@pytest.mark.spec("LOG-080")
def test_no_logs_at_all_is_said_with_a_hint(logs: Path, massgen: Massgen) -> None:
    for words in (["logs"], ["logs", "list"], ["logs", "tools"], ["logs", "open"], ["logs", "analyze"]):
        said = massgen(*words)
        assert said.code == 1
        assert "No logs found" in said.err


@contextmanager
def opened_files() -> Iterator[list[str]]:
    """The paths that this process opens in the block."""
    seen: list[str] = []
    looking = [True]

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and looking:
            seen.append(str(arguments[0]))

    sys.addaudithook(hear)
    try:
        yield seen
    finally:
        looking.clear()


@pytest.mark.spec("LOG-072")
def test_a_thousand_runs_are_listed_without_reading_them_all(logs: Path, massgen: Massgen) -> None:
    made_runs(logs, 1000)
    with opened_files() as opened:
        assert massgen("logs", "list").code == 0
    runs = {found[0] for path in opened if (found := re.search(r"log_2025[\d_]+", path))}
    assert 10 <= len(runs) < 20


def test_what_a_question_holds_cannot_steer_the_terminal(logs: Path, massgen: Massgen) -> None:
    scene = Scene(logs / "log_20260101_000000_000000")
    scene.begin("\x1b[2Jclear [bold]me[/bold] \u202e")
    scene.end(2, "error", "\x1b]0;title\x07")
    for words in (["logs"], ["logs", "list"]):
        said = massgen(*words)
        assert "\x1b]" not in said.out
        assert "\x1b[2J" not in said.out
        assert "[bold]me[/bold]" in said.out


@pytest.mark.spec("LOG-078", "CLI-074")
def test_a_team_writes_its_report_beside_the_log_and_changes_nothing_else(
    finished: Path, logs: Path, massgen: Massgen, tmp_path: Path
) -> None:
    log = logs / finished.name
    shutil.copytree(finished, log, symlinks=True)
    before = {path: path.read_bytes() for path in log.rglob("*") if path.is_file()}
    (tmp_path / "script.yaml").write_text("rehearsals: [{question: Q, agents: {one: [{say: s}]}}]\n", encoding="utf-8")
    agent = "{id: one, backend: {type: simulated, model: one, script: script.yaml, cwd: ws}}"
    (tmp_path / "team.yaml").write_text(f"agents: [{agent}]\n", encoding="utf-8")
    said = massgen(
        "logs", "analyze", "--mode", "self", "--config", "team.yaml", "--log-dir", str(log), "--ui", "rich_terminal"
    )
    assert said.code == 0, said.err
    report = log / "turn_1" / "attempt_1" / "ANALYSIS_REPORT.md"
    assert report.read_text()
    assert (log / "ANALYSIS_REPORT.md").read_text() == report.read_text()
    after = {path: path.read_bytes() for path in log.rglob("*") if path.is_file() and path.name != report.name}
    assert after == before
    listed = json.loads(massgen("logs", "list", "--analyzed", "--json").out)
    assert [Path(run["log_dir"]).name for run in listed] == [log.name]
