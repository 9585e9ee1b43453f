"""What a real run leaves behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from massgen.automation import run_massgen_automation
from massgen.events.codec import read_run
from massgen.events.types import SessionEnd
from massgen.testing import HttpError, Turn, answer_then_vote, call, say, use
from massgen.testing.requests import ReceivedRequest
from tests.logs.place import KEY, play, played
from tests.needs import needs
from tests.views.status_schema import STATUS

SIMULATED = """\
agents:
  - id: agent_a
    backend: {type: simulated, model: agent_a, script: script.yaml}
  - id: agent_b
    backend: {type: simulated, model: agent_b, script: script.yaml}
"""
SCRIPT = """\
pace: 0
rehearsals:
  - question: What is 2+2?
    agents:
      agent_a:
        - {answer: Four., when: {answers_below: 1}}
        - {say: Four it is., when: {presenting: true}}
        - vote: {for: Four, reason: It is short.}
      agent_b:
        - {answer: It is 4., when: {answers_below: 1}}
        - vote: {for: Four, reason: It is short.}
"""


def files_of(log_dir: Path) -> list[Path]:
    return [path for path in log_dir.rglob("*") if path.is_file() and not path.is_symlink()]


@pytest.mark.spec("LOG-001", "LOG-002", "LOG-004", "LOG-005", "LOG-020")
def test_every_documented_file_is_there_nested_and_flat(finished: Path) -> None:
    assert re.fullmatch(r"log_\d{8}_\d{6}_\d{6}", finished.name)
    assert finished.parent.name == "massgen_logs"
    assert finished.parent.parent.name == ".massgen"
    assert (finished.parent / "log_latest").resolve() == finished
    names = [
        "status.json", "coordination_events.json", "coordination_table.txt", "vote.json", "events.jsonl",
        "metrics_summary.json", "snapshot_mappings.json", "execution_metadata.yaml", "massgen.log", "agent_chat.log",
        "agent_outputs/agent_a.txt", "agent_outputs/system_status.txt",
    ]  # fmt: skip
    for name in names:
        nested = finished / "turn_1" / "attempt_1" / name
        assert nested.stat().st_size > 0, name
        assert (finished / name).read_bytes() == nested.read_bytes()
    assert not os.readlink(finished / "status.json").startswith("/")
    winner = json.loads((finished / "status.json").read_text())["results"]["winner"]
    for place in ("final", "turn_1/final"):
        assert (finished / place / winner / "answer.txt").read_text() == "Four."
    assert list(finished.glob("agent_*/*/execution_trace.md"))
    assert not [path for path in finished.rglob("*") if path.is_symlink() and not path.exists()]


@pytest.mark.spec("LOG-053")
def test_the_events_number_the_run_through_and_end_with_the_session(finished: Path) -> None:
    events = list(read_run(finished))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert isinstance(events[-1].body, SessionEnd)
    for line in (finished / "events.jsonl").read_text().splitlines():
        assert {"seq", "timestamp", "event_type", "agent_id", "round", "data"} <= set(json.loads(line))


@pytest.mark.spec("AUTO-070")
def test_the_guides_reader_works(finished: Path) -> None:
    log_dir = finished
    with open(log_dir / "status.json") as file:
        status = json.load(file)
    winner = status["results"]["winner"]
    answer_file = log_dir / f"final/{winner}/answer.txt"
    answer = answer_file.read_text() if answer_file.exists() else None
    with open(log_dir / "execution_metadata.yaml") as file:
        metadata = yaml.safe_load(file)
    assert (winner, answer) == ("agent_a", "Four.")
    assert status["meta"]["elapsed_seconds"] > 0
    assert sum(status["results"]["votes"].values()) == 2
    assert metadata["question"] == metadata["query"] == "What is 2+2?"
    assert [agent["id"] for agent in metadata["config"]["agents"]] == ["agent_a", "agent_b"]


@pytest.mark.spec("AUTO-073", "LOG-016")
def test_the_monitor_scripts_find_their_values(finished: Path) -> None:
    (log,) = [path for path in finished.glob("*.log") if path.name == "massgen.log"]
    assert "backend call" in log.read_text()
    status = json.loads((finished / "status.json").read_text())
    assert status["total_tokens_used"] > 0
    assert status["completion_percentage"] == 100
    assert (status["coordination"]["round"] > 0, status["coordination"]["total_answers"]) == (True, 2)


@pytest.mark.spec("LOG-030", "LOG-031", "AUTO-071")
def test_a_person_who_polls_sees_only_whole_and_true_states(tmp_path: Path) -> None:
    seen: list[dict] = []
    logs = tmp_path / ".massgen" / "massgen_logs"

    def look() -> None:
        for path in logs.glob("log_2*/status.json"):
            status = json.loads(path.read_text())
            seen.append(status)
            winner = status["results"]["winner"]
            if winner is not None or status["completion_percentage"] == 100:
                assert (path.parent / "final" / winner / "answer.txt").read_text()

    async def watched() -> None:
        scripts = {"m1": answer_then_vote("Four.", chunks=4), "m2": answer_then_vote("4", chunks=4)}
        async with asyncio.TaskGroup() as group:
            running = group.create_task(play(tmp_path, scripts))
            while not running.done():
                look()
                await asyncio.sleep(0)
        look()

    asyncio.run(watched())
    validator = Draft202012Validator(STATUS)
    for status in {json.dumps(status): status for status in seen}.values():
        validator.validate(status)
    assert seen[-1]["is_complete"] is True
    assert not seen[0]["is_complete"]


@pytest.mark.spec("LOG-040", "AUTO-074", "LOG-016")
def test_one_failing_agent_is_told_everywhere_and_the_run_succeeds(tmp_path: Path) -> None:
    scripts = {"m1": answer_then_vote("Four."), "m2": lambda request: HttpError(status=401, message="no such key")}
    result = played(tmp_path, scripts)
    assert result.exit_code == 0
    status = json.loads((result.log_dir / "status.json").read_text())
    assert status["agents"]["agent_a"]["error"] is None
    assert status["agents"]["agent_b"]["error"]["type"]
    assert status["agents"]["agent_b"]["status"] == "error"
    assert re.search("error", (result.log_dir / "massgen.log").read_text(), re.IGNORECASE)
    assert "[error]" in (result.log_dir / "agent_outputs" / "agent_b.txt").read_text()
    assert json.loads((result.log_dir / "metrics_summary.json").read_text())["rounds"]["errors"] == 1


@pytest.mark.spec("AUTO-074", "LOG-031")
def test_a_failed_run_leaves_whole_files_that_say_so(tmp_path: Path) -> None:
    result = played(tmp_path, {"m1": lambda request: HttpError(status=401, message="no such key")})
    assert result.exit_code == 2
    status = json.loads((result.log_dir / "status.json").read_text())
    assert (status["is_complete"], status["exit_code"]) == (True, 2)
    assert status["results"]["winner"] is None
    assert json.loads((result.log_dir / "vote.json").read_text())["consensus_reached"] is False
    assert (result.log_dir / "coordination_table.txt").read_text()


@pytest.mark.spec("LOG-018")
def test_without_logs_status_results_and_votes_are_kept(tmp_path: Path) -> None:
    result = played(tmp_path, {"m1": answer_then_vote("Four."), "m2": answer_then_vote("4")}, logs=False)
    names = {path.name for path in files_of(result.log_dir)}
    assert {"status.json", "execution_metadata.yaml", "answer.txt", "vote.json"} <= names
    assert not names & {"massgen.log", "events.jsonl", "execution_trace.md", "agent_chat.log", "agent_a.txt"}
    assert not list(result.log_dir.rglob("llm_calls"))


@pytest.mark.spec("LOG-002", "LOG-003")
def test_a_restarted_run_has_two_complete_attempts(tmp_path: Path) -> None:
    judged: list[str] = []

    def play_one(request: ReceivedRequest) -> Turn:
        names = request.view.tool_names
        if "restart_orchestration" in names and not judged:
            judged.append("restart")
            return use(call("restart_orchestration", reason="Too short.", instructions="Explain."))
        return answer_then_vote(f"Answer number {len(judged) + 1}.")(request)

    result = played(
        tmp_path,
        {"m1": play_one, "m2": play_one},
        {"orchestrator": {"coordination": {"max_orchestration_restarts": 1}}},
    )
    assert (result.exit_code, result.attempt) == (0, 2)
    for number in (1, 2):
        attempt = result.log_dir / "turn_1" / f"attempt_{number}"
        for name in ("status.json", "coordination_events.json", "vote.json", "metrics_summary.json", "events.jsonl"):
            assert (attempt / name).stat().st_size > 2, name
        assert f"Answer number {number}." in next(attempt.glob("final/*/answer.txt")).read_text()
    for place in ("final", "turn_1/final"):
        assert "Answer number 2." in next((result.log_dir / place).glob("*/answer.txt")).read_text()


@pytest.mark.spec("LOG-058", "LOG-095", "LOG-007")
def test_planted_keys_are_in_no_file_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = {"ANTHROPIC_API_KEY": "sk-ant-planted-env-987654", "MY_TOKEN": "planted-token-value-1"}
    for name, value in planted.items():
        monkeypatch.setenv(name, value)
    (tmp_path / ".env").write_text("GEMINI_API_KEY=planted-dotenv-key-55\n", encoding="utf-8")
    secrets = [*planted.values(), "planted-dotenv-key-55", KEY]
    spoken = " and ".join(secrets)
    scripts = {
        "m1": answer_then_vote(f"The keys are {spoken}.", reason=f"because {spoken}", chunks=60),
        "m2": answer_then_vote(f"No: {spoken}", reason=spoken, chunks=7),
    }
    result = played(tmp_path, scripts, question=f"What is {spoken}?", debug=True)
    assert result.exit_code == 0
    joined = "".join(
        event.body.text for event in read_run(result.log_dir) if hasattr(event.body, "text") and event.body.text
    )
    texts = {str(path): path.read_text(encoding="utf-8") for path in files_of(result.log_dir)}
    found = [(secret, name) for secret in secrets for name, text in texts.items() if secret in text]
    assert found == []
    assert "[redacted]" in joined


@pytest.mark.spec("LOG-010", "LOG-053")
def test_a_long_answer_costs_at_most_six_bytes_a_byte(tmp_path: Path) -> None:
    long = " ".join(f"word{number:05d}" for number in range(12_000))
    scripts = {"m1": answer_then_vote(long, "agent1", chunks=1500), "m2": answer_then_vote("Short.", "agent1")}

    def short_presenter(request: ReceivedRequest) -> Turn:
        return say("See above.") if not request.view.tool_names else scripts["m1"](request)  # type: ignore[return-value]

    result = played(tmp_path, {"m1": short_presenter, "m2": scripts["m2"]})
    assert result.winner == "agent_a"
    sizes = {path.stat().st_ino: path.stat().st_size for path in files_of(result.log_dir)}
    assert sum(sizes.values()) < 6 * len(long)


@pytest.mark.spec("LOG-019")
def test_a_full_disk_costs_files_and_not_the_answer(tmp_path: Path) -> None:
    (tmp_path / "team.yaml").write_text(SIMULATED, encoding="utf-8")
    (tmp_path / "script.yaml").write_text(SCRIPT, encoding="utf-8")
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600));"
        "from massgen.cli import main; main(['--no-display', '--config', 'team.yaml', 'What is 2+2?'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Four it is." in done.stdout
    assert "Warning: events are no longer written to disk" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.spec("AUTO-075", "AUTO-074")
def test_the_python_helper_returns_what_the_run_came_to(tmp_path: Path) -> None:
    (tmp_path / "team.yaml").write_text(SIMULATED, encoding="utf-8")
    (tmp_path / "script.yaml").write_text(SCRIPT, encoding="utf-8")
    result = run_massgen_automation("team.yaml", "What is 2+2?", timeout_seconds=250, cwd=tmp_path)
    assert (result["exit_code"], result["winner"]) == (0, "agent_a"), result["stderr"]
    assert result["answer"] == "Four it is."
    assert Path(result["log_dir"], "status.json").is_file()


@pytest.mark.spec("AUTO-075")
def test_the_python_helper_ends_a_run_that_takes_too_long(tmp_path: Path) -> None:
    (tmp_path / "team.yaml").write_text(SIMULATED, encoding="utf-8")
    (tmp_path / "script.yaml").write_text(SCRIPT.replace("answer: Four.,", "delay: 500, answer: Four.,"))
    (tmp_path / "script.yaml").write_text((tmp_path / "script.yaml").read_text().replace("pace: 0", "pace: 1"))
    result = run_massgen_automation("team.yaml", "What is 2+2?", timeout_seconds=4, cwd=tmp_path)
    assert (result["exit_code"], result["timed_out"]) == (3, True), result["stderr"]


@pytest.mark.spec("AUTO-075")
def test_the_python_helper_reports_a_wrong_configuration(tmp_path: Path) -> None:
    result = run_massgen_automation(tmp_path / "missing.yaml", "Q", cwd=tmp_path)
    assert (result["exit_code"], result["log_dir"], result["answer"], result["winner"]) == (1, None, None, None)
    assert "missing.yaml" in result["stderr"]


@pytest.mark.spec("LOG-017")
def test_the_debug_log_has_whole_requests_and_no_key(tmp_path: Path) -> None:
    scripts = {"m1": answer_then_vote("Four."), "m2": answer_then_vote("It is 4.")}
    result = played(tmp_path, scripts, question=f"What is {KEY}?", debug=True)
    text = (result.log_dir / "massgen_debug.log").read_text()
    assert '"role": "user"' in text
    assert "What is [redacted]?" in text
    assert "fact AnswerProposed" in text
    assert KEY not in text
    assert '"role": "user"' not in (result.log_dir / "massgen.log").read_text()


@pytest.mark.spec("AUTO-072", "LOG-033")
@needs("jq")
@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("cat .massgen/massgen_logs/log_2*/status.json | jq .coordination.completion_percentage", "100"),
        ("cat .massgen/massgen_logs/log_2*/status.json | jq .coordination.active_agent", "null"),
        ("cat .massgen/massgen_logs/log_2*/status.json | jq '.agents[].error'", "null\nnull"),
        ("jq -r .results.winner .massgen/massgen_logs/log_latest/status.json", "agent_a"),
        ("jq '[.agents[] | select(.error != null)] | length' .massgen/massgen_logs/log_latest/status.json", "0"),
    ],
)
def test_the_one_liners_of_the_guide_work(finished: Path, line: str, printed: str) -> None:
    launch = finished.parent.parent.parent
    done = subprocess.run(line, shell=True, cwd=launch, capture_output=True, text=True, timeout=250, check=False)
    assert done.stdout.strip() == printed
