"""The contract of `--automation`: lines on standard output, an exit code, files that a script may rely on."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from massgen.testing import Hold, HttpError, ReceivedRequest, ScriptedProvider, Turn, answer_then_vote, call, use
from tests.runs.place import command, environment, massgen, status_of, team, write_config

LONG = "A long answer.\nOf two lines. " + "word " * 80
MODELS = ("fine", "second", "long", "broken", "slow", "used", "held")


def per_question(request: ReceivedRequest) -> Turn:
    """Answers with its question."""
    found = re.search(r"Task \d+", request.view.text)
    reply = answer_then_vote(f"answer to {found.group() if found else 'nothing'}")(request)
    assert isinstance(reply, Turn)
    return reply


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedProvider]:
    scripts = {
        "fine": answer_then_vote("Four."),
        "second": answer_then_vote("It is 4."),
        "long": answer_then_vote(LONG),
        "broken": lambda request: HttpError(status=400, message="this model is broken"),
        "slow": lambda request: Turn(text="late", hold=Hold(gate="never")),
        "held": answer_then_vote("held"),
        "used": per_question,
    }
    with ScriptedProvider(scripts).in_thread() as provider:
        yield provider


def log_of(done: subprocess.CompletedProcess[str]) -> Path:
    return Path(done.stdout.splitlines()[0].removeprefix("LOG_DIR: "))


@pytest.fixture(scope="module")
def pair(server: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """Two agents and a question of two lines, logging switched off in the configuration, all extra files asked for."""
    launch = tmp_path_factory.mktemp("pair")
    path = write_config(launch, server.openai_url, ("fine", "second"), ui={"logging_enabled": False})
    extra = ("--output-file", "out/answer.txt", "--status-file", "live/now.json", "--debug")
    return massgen(launch, "What is\n2+2?", "--automation", "--config", path, *extra)


@pytest.mark.spec(
    "AUTO-001", "AUTO-002", "AUTO-003", "AUTO-004", "AUTO-005", "AUTO-006", "AUTO-007", "AUTO-008", "AUTO-009",
    "AUTO-010", "AUTO-011", "AUTO-013", "AUTO-030", "CLI-001", "CLI-004", "CLI-020", "CLI-031", "CLI-032",
)  # fmt: skip
def test_a_run_prints_exactly_the_lines_of_the_contract(pair: subprocess.CompletedProcess[str]) -> None:
    assert pair.returncode == 0, pair.stderr
    log = log_of(pair)
    results = status_of(log)["results"]
    shape = [
        r"LOG_DIR: (/.+/log_\d{8}_\d{6}_\d{6})",
        rf"STATUS: {re.escape(str(log))}/status\.json",
        "🤖 Multi-Agent Mode",
        "Agents: agent_a, agent_b",
        r"Question: What is 2\+2\?",
        "=" * 60,
        r"QUESTION: What is 2\+2\?",
        r"\[Coordination in progress - monitor status\.json for real-time updates\]",
        f"WINNER: {results['winner']}",
        rf"ANSWER_FILE: {re.escape(str(log))}/.*final/agent_a/answer\.txt",
        r"DURATION: (\d+\.\d)s",
        r"ANSWER_PREVIEW: Four\.",
        r"OUTPUT_FILE: .*/out/answer\.txt",
        r"COMPLETED: 2 agents, (\d+\.\d)s total",
    ]
    lines = pair.stdout.splitlines()
    assert len(lines) == len(shape), pair.stdout
    matched = [re.fullmatch(pattern, line) for pattern, line in zip(shape, lines, strict=True)]
    assert all(matched), pair.stdout
    assert "\x1b" not in pair.stdout + pair.stderr
    answer = Path(lines[9].removeprefix("ANSWER_FILE: "))
    assert answer.read_text() == "Four."
    assert (log.parents[2] / "out" / "answer.txt").read_text() == "Four."
    duration, total = (float(match.group(1)) for match in (matched[10], matched[13]) if match)
    assert total >= duration


@pytest.mark.spec("AUTO-014", "AUTO-017", "CLI-030", "CLI-033")
def test_status_copy_debug_log_and_logs_are_written_whatever_the_configuration_says(
    pair: subprocess.CompletedProcess[str],
) -> None:
    log = log_of(pair)
    assert json.loads((log.parents[2] / "live" / "now.json").read_text()) == status_of(log)
    assert (log / "massgen.log").stat().st_size > 0
    assert (log / "massgen_debug.log").stat().st_size > 0


@pytest.mark.spec("AUTO-014", "AUTO-031")
def test_a_status_file_that_cannot_be_is_refused_before_the_run(server: ScriptedProvider, tmp_path: Path) -> None:
    path = write_config(tmp_path, server.openai_url, ("fine",))
    for place in (".", "/proc/nowhere/status.json"):
        done = massgen(tmp_path, "--automation", "--config", path, "Q", "--status-file", place)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("Error: --status-file /")


@pytest.mark.spec("AUTO-010", "AUTO-004", "AUTO-001", "CLI-038")
def test_a_long_answer_has_a_cut_preview_and_a_lone_agent_its_own_headline(
    server: ScriptedProvider, tmp_path: Path
) -> None:
    path = write_config(tmp_path, server.openai_url, ("fine", "long"))
    done = massgen(tmp_path, "--automation", "--config", path, "Q", "--single-agent", "agent_b", "--no-logs")
    lines = done.stdout.splitlines()
    assert "🤖 Single-Agent Mode" in lines and "Agents: agent_b" in lines
    (preview,) = [line for line in lines if line.startswith("ANSWER_PREVIEW: ")]
    text = preview.removeprefix("ANSWER_PREVIEW: ")
    assert text == " ".join(LONG.split())[:200] + "..."


@pytest.mark.spec("AUTO-019", "AUTO-032", "AUTO-012")
def test_a_team_without_an_answer_ends_with_code_2_and_no_winner(server: ScriptedProvider, tmp_path: Path) -> None:
    path = write_config(tmp_path, server.openai_url, ("broken",))
    done = massgen(tmp_path, "--automation", "--config", path, "Q")
    assert done.returncode == 2
    assert not re.search(r"^(WINNER|ANSWER_FILE|COMPLETED):", done.stdout, re.MULTILINE)
    assert done.stdout.startswith("LOG_DIR: ")
    assert "broken" in done.stderr
    log = log_of(done)
    assert "broken" in (log / "massgen.log").read_text()
    assert status_of(log)["agents"]["agent_a"]["error"]["message"]


@pytest.mark.spec("AUTO-033", "CLI-026", "AUTO-036")
def test_a_run_that_takes_too_long_ends_with_code_3(server: ScriptedProvider, tmp_path: Path) -> None:
    path = write_config(tmp_path, server.openai_url, ("slow",))
    done = massgen(tmp_path, "--automation", "--config", path, "Q", "--orchestrator-timeout", "1")
    assert done.returncode == 3
    assert "⏰ Orchestrator timeout reached (1 seconds)" in done.stderr
    assert "WINNER" not in done.stdout


@pytest.mark.spec("AUTO-018", "AUTO-031", "CFG-001")
@pytest.mark.parametrize(
    "arguments",
    [
        ("Q",),
        ("Q", "--config", "missing.yaml"),
        ("Q", "--backend", "no_such_backend", "--model", "x"),
        ("Q", "--backend", "claude", "--model", "claude-x"),
        ("Q", "--orchestrator-timeout", "soon"),
    ],
)
def test_a_configuration_error_ends_with_code_1_and_silent_output(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = massgen(tmp_path, "--automation", *arguments)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert done.stderr.strip()
    assert not (tmp_path / ".massgen").exists()
    if "--config" in arguments:
        assert "missing.yaml" in done.stderr


@pytest.mark.spec("AUTO-018")
def test_automation_without_a_question_ends_with_code_1(server: ScriptedProvider, tmp_path: Path) -> None:
    path = write_config(tmp_path, server.openai_url, ("fine",))
    done = massgen(tmp_path, "--automation", "--config", path)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.spec("AUTO-035", "CLI-027", "AUTO-016")
def test_runs_for_people_have_the_same_codes_and_no_colours_without_a_display(
    server: ScriptedProvider, tmp_path: Path
) -> None:
    path = write_config(tmp_path, server.openai_url, ("fine",))
    done = massgen(tmp_path, "--no-display", "--config", path, "Q")
    assert done.returncode == 0
    assert "Four." in done.stdout and "\x1b" not in done.stdout
    path = write_config(tmp_path, server.openai_url, ("broken",))
    assert massgen(tmp_path, "--no-display", "--config", path, "Q").returncode == 2


@pytest.mark.spec("AUTO-060", "AUTO-061", "AUTO-062", "AUTO-063", "SESS-081", "SESS-082", "WS-009")
def test_runs_at_once_in_one_directory_keep_apart(server: ScriptedProvider, tmp_path: Path) -> None:
    agents = team(server.openai_url, ("used",), cwd="workspace1")
    path = tmp_path / "team.json"
    path.write_text(json.dumps({"agents": agents}))
    with ThreadPoolExecutor(4) as pool:
        asked = [
            pool.submit(massgen, tmp_path, "--automation", "--config", path, f"Task {number}") for number in range(4)
        ]
    done = [each.result() for each in asked]
    assert [each.returncode for each in done] == [0] * 4, done[0].stderr
    logs = {log_of(each) for each in done}
    assert len(logs) == 4
    for number, each in enumerate(done):
        assert f"ANSWER_PREVIEW: answer to Task {number}" in each.stdout
    names = [path.name for path in (tmp_path / ".massgen" / "workspaces").iterdir() if not path.is_symlink()]
    assert len(names) == 4
    assert all(re.fullmatch(r"workspace1_[0-9a-f]{8}", name) for name in names), names
    known = json.loads((tmp_path / ".massgen" / "sessions.json").read_text())["sessions"]
    assert len({entry["session_id"] for entry in known}) == 4
    assert {entry["status"] for entry in known} == {"completed"}


@contextmanager
def started(launch: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """The command line in the background, ended with the test."""
    process = subprocess.Popen(
        command(*arguments),
        cwd=launch,
        env=environment(launch),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.spec("COORD-123", "COORD-125", "SESS-086", "SESS-087", "COORD-127", "COORD-128", "AUTO-035")
def test_an_interrupted_run_saves_what_there_is_and_can_be_continued(tmp_path: Path) -> None:
    scripts = {
        "one": [use(call("new_answer", content="a partial answer")), *[answer_then_vote("whole")] * 4],
        "two": lambda request: Turn(text="thinking", hold=Hold(gate="never")),
    }
    with ScriptedProvider(scripts).in_thread() as server:
        path = write_config(tmp_path, server.openai_url, ("one", "two"))
        with started(tmp_path, "--no-display", "--config", path, "The question") as process:
            assert process.stdout is not None
            next(line for line in process.stdout if "[agent_a] answer agent1.1" in line)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=250)
        assert process.returncode == 4, err
        assert "⚠️ Cancellation requested - saving partial progress..." in out
        assert "✅ Partial progress saved. Session can be resumed with --continue" in out
        assert "👋 Goodbye!" in out
        (session,) = (tmp_path / ".massgen" / "sessions").glob("session_*")
        partial = json.loads((session / "turn_1" / "partial_answers.json").read_text())
        assert partial["agent_a"]["answer"] == "a partial answer"
        assert partial["agent_a"]["label"] == "agent1.1"
        assert partial["agent_b"]["answer"] is None
        more = massgen(tmp_path, "--automation", "--continue", "--single-agent", "agent_a", "Go on")
        assert more.returncode == 0, more.stderr
        assert "📚 Restored session with 1 previous turn(s)" in more.stderr
        assert "Starting turn 2" in more.stderr
        assert "Previous turn was incomplete (cancelled during coordinating phase)" in more.stderr
        assert "Task: The question" in more.stderr
        assert "Partial answers saved from: agent_a" in more.stderr
        asked = server.requests_for("one")[-1].view.text
        assert "[INCOMPLETE TURN - Session was cancelled before completion]" in asked
        assert "[Phase when cancelled: coordinating]" in asked
        assert "## agent1's answer:\na partial answer" in asked
        assert "## agent2:\n[No answer submitted - agent was still working]" in asked
        assert "agent_a" not in asked
        assert (session / "turn_2" / "answer.txt").read_text() == "whole"
        summary = (session / "SESSION_SUMMARY.txt").read_text()
        assert "The question" in summary and "Go on" in summary


@pytest.mark.spec("AUTO-034", "AUTO-019", "COORD-125")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_automation_ends_with_code_4(tmp_path: Path, number: int) -> None:
    asked = Event()

    def works(request: ReceivedRequest) -> Turn:
        asked.set()
        return Turn(text="...", hold=Hold(gate="never"))

    with ScriptedProvider({"one": works}).in_thread() as server:
        path = write_config(tmp_path, server.openai_url, ("one",))
        with started(tmp_path, "--automation", "--config", path, "Q") as process:
            assert asked.wait(250)
            process.send_signal(number)
            out, err = process.communicate(timeout=250)
        assert process.returncode == 4
        assert "✅ Partial progress saved. Session can be resumed with --continue" in err
        assert "WINNER" not in out and out.startswith("LOG_DIR: ")
        assert json.loads((Path(out.splitlines()[1].removeprefix("STATUS: "))).read_text())["meta"]
        (session,) = (tmp_path / ".massgen" / "sessions").glob("session_*")
        assert not (session / "turn_1" / "answer.txt").exists()
        assert (session / "turn_1" / "metadata.json").exists()


@pytest.mark.spec("COORD-124", "AUTO-034")
def test_a_second_interrupt_leaves_at_once(tmp_path: Path) -> None:
    asked = Event()

    def works(request: ReceivedRequest) -> Turn:
        asked.set()
        return Turn(text="...", hold=Hold(gate="never"))

    with ScriptedProvider({"one": works}).in_thread() as server:
        path = write_config(tmp_path, server.openai_url, ("one",))
        with started(tmp_path, "--automation", "--config", path, "Q") as process:
            assert asked.wait(250)
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=250)
        assert process.returncode == 4
