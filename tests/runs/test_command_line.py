"""Words, flags and subcommands of `massgen`."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import massgen as package
from massgen.cli.entry import run
from massgen.testing import HttpError, ScriptedProvider, Turn, answer_then_vote, call
from massgen.testing.requests import ReceivedRequest
from tests.runs.place import massgen, write_config


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedProvider]:
    def talks(request: ReceivedRequest) -> Turn:
        names = request.view.tool_names
        text = "a line of many\n" * 5_000
        return Turn(text=text, calls=(call("new_answer", content=text),)) if "new_answer" in names else Turn(text=text)

    answers = answer_then_vote("Four.")
    scripts = {"one": answers, "talks": talks, "stumbles": [HttpError(status=500), answers, answers]}
    with ScriptedProvider(scripts).in_thread() as provider:
        yield provider


@pytest.mark.spec("CLI-003", "CLI-059")
def test_help_and_version_end_with_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for word in ("--config", "--automation", "--orchestrator-timeout", "--status-file", "logs", "export", "serve"):
        assert word in text
    assert run(["--version"]) == 0
    assert package.__version__ in capsys.readouterr().out


@pytest.mark.spec("AUTO-034")
def test_ctrl_c_while_modules_are_imported_ends_with_the_code_of_an_interruption() -> None:
    """The program tells of each import and waits where nobody reads, so it cannot be through when it is interrupted."""
    command = [sys.executable, "-v", "-m", "massgen", "--help"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=pipe, bufsize=0, pipesize=4096) as program:
        assert program.stderr is not None
        while line := program.stderr.readline():
            if b"massgen/cli/" in line and b"entry" in line:
                break
        program.send_signal(signal.SIGINT)
        said = program.stderr.read()
    assert program.returncode == 4
    assert b"Traceback" not in said


@pytest.mark.spec("CLI-002")
@pytest.mark.parametrize("name", ["logs", "export", "shares", "serve"])
def test_a_subcommand_is_the_first_word_only(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert f"massgen {name}" in capsys.readouterr().out
    assert run(["--config", "missing.yaml", name]) == 1
    assert "missing.yaml" in capsys.readouterr().err


@pytest.mark.spec("CLI-002", "AUTO-031")
def test_a_wrong_use_names_the_help_of_its_own_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["logs", "bogus"]) == 1
    assert capsys.readouterr().err == "Error: No such command 'bogus'.\nTry: massgen logs --help\n"
    assert run(["shares"]) == 1
    assert capsys.readouterr().err.startswith("Usage: massgen shares ")
    assert run(["--orchestrator-timeout", "0"]) == 1
    assert capsys.readouterr().err.endswith("Try: massgen --help\n")


def test_a_current_directory_that_is_gone_is_said(tmp_path: Path) -> None:
    program = "import os, sys\nfrom massgen.cli.entry import run\nos.rmdir(os.getcwd())\nsys.exit(run(sys.argv[1:]))"
    for arguments in (["--automation", "Q"], ["logs"]):
        gone = tmp_path / arguments[0]
        gone.mkdir()
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, cwd=gone, capture_output=True, text=True, timeout=250, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("Error: The current directory does not exist any more.")


@pytest.mark.spec("CFG-060", "CLI-054")
def test_no_file_that_is_named_beside_another_is_left_unchecked_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path, "http://127.0.0.1:9/v1", ("one",))
    (tmp_path / "bad.yaml").write_text("agents: []\n")
    (good,) = {path.name for path in tmp_path.glob("*.yaml")} - {"bad.yaml"}
    assert run(["--validate", good]) == 0
    assert run(["--validate", good, "bad.yaml"]) == 1
    assert run(["--validate", good, "--config", "bad.yaml"]) == 1
    assert "not also bad.yaml" in capsys.readouterr().err
    assert run(["--validate"]) == 1
    assert "not valid: the default configuration: " in capsys.readouterr().out


@pytest.mark.spec("CLI-008", "CLI-022")
def test_a_quick_agent_without_an_address_is_told_the_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--backend", "chatcompletion", "--model", "m", "Q"]) == 1
    assert "--base-url" in capsys.readouterr().err


def test_a_configuration_may_be_named_by_the_flag_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_config(tmp_path, "http://127.0.0.1:9/v1", ("one",))
    for command in ("explain", "tools"):
        assert run([command, "--config", str(path)]) == 0
        assert "agent_a" in capsys.readouterr().out


@pytest.mark.spec("CLI-009")
def test_two_ways_to_a_configuration_exclude_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_config(tmp_path, "http://127.0.0.1:9/v1", ("one",))
    assert run(["--config", str(path), "--model", "x", "Q"]) == 1
    assert "exclude each other" in capsys.readouterr().err


@pytest.mark.spec("AUTO-031")
@pytest.mark.parametrize("flag", ["--session-id", "--config", "--model", "--output-file", "--generate-config"])
@pytest.mark.parametrize("nothing", ["", " "])
def test_a_flag_with_an_empty_text_is_refused_instead_of_passed_over(
    capsys: pytest.CaptureFixture[str], flag: str, nothing: str
) -> None:
    assert run([flag, nothing, "--automation", "Q"]) == 1
    assert f"{flag} is empty" in capsys.readouterr().err


@pytest.mark.spec("CLI-058", "AUTO-031")
def test_flags_for_a_generated_configuration_are_refused_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    for flags in (["--config-model", "m"], ["--config-agents", "3"], ["--config-docker"]):
        assert run([*flags, "Q"]) == 1
        assert f"{flags[0]} has no effect without --generate-config PATH." in capsys.readouterr().err


@pytest.mark.spec("CFG-011", "AUTO-012")
def test_a_line_of_a_key_file_that_says_nothing_is_said_once_and_the_run_goes_on(
    server: ScriptedProvider, tmp_path: Path
) -> None:
    path = write_config(tmp_path, server.openai_url, ("one",))
    (tmp_path / ".env").write_text("A=1\nOPENAI_API_KEY sk-secret\n")
    done = massgen(tmp_path, "--automation", "--config", path, "Q")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(f"Warning: {tmp_path}/.env, line 2: ignored") == 1
    assert "sk-secret" not in done.stdout + done.stderr
    checked = massgen(tmp_path, "--validate", path, "--strict")
    assert checked.returncode == 0 and f"{tmp_path}/.env, line 2: ignored" in checked.stdout


@pytest.mark.spec("CLI-010")
def test_a_terminal_without_unicode_gets_ascii(tmp_path: Path) -> None:
    done = massgen(tmp_path, "--help", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 0
    assert done.stdout.isascii() and "--config" in done.stdout


@pytest.mark.spec("AUTO-012", "CLI-001", "CLI-009")
def test_agents_may_talk_at_length_without_a_longer_output(server: ScriptedProvider, tmp_path: Path) -> None:
    path = write_config(tmp_path, server.openai_url, ("talks",))
    done = massgen(tmp_path, "Q", "--system-message", "be brief", "--config", path, "--automation", "--strict")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) <= 20
    assert "--system-message has no effect" in done.stderr and "--system-message" not in done.stdout
    assert "--strict-validation" in done.stderr


@pytest.mark.spec("BE-030")
def test_a_try_that_failed_is_told_with_its_number(server: ScriptedProvider, tmp_path: Path) -> None:
    path = write_config(tmp_path, server.openai_url, ("stumbles",))
    done = massgen(tmp_path, "--no-display", "--config", path, "Q")
    assert done.returncode == 0, done.stderr
    assert "[agent_a] try 1 failed (" in done.stdout and "try 2" not in done.stdout


@pytest.mark.spec("CLI-029", "LOG-018", "CFG-010")
@pytest.mark.parametrize("mode", ["--no-display", "--automation"])
def test_without_logs_only_status_and_results_are_kept(server: ScriptedProvider, tmp_path: Path, mode: str) -> None:
    path = write_config(tmp_path, server.openai_url, ("one",))
    done = massgen(tmp_path, mode, "--no-logs", "--config", path, "Q")
    assert done.returncode == 0, done.stderr
    (log,) = (tmp_path / ".massgen" / "massgen_logs").glob("log_2*")
    names = {entry.name for entry in log.rglob("*")}
    assert {"status.json", "execution_metadata.yaml", "answer.txt"} <= names
    assert not {"massgen.log", "agent_outputs", "events.jsonl", "llm_calls", "execution_trace.md"} & names
    for command in ("replay", "resume"):
        told = massgen(tmp_path, command, log)
        assert told.returncode == 1 and "this run kept no events (--no-logs" in told.stderr


@pytest.mark.spec("CLI-038")
def test_one_agent_can_be_chosen_and_a_word_that_is_none_is_the_question(
    server: ScriptedProvider, tmp_path: Path
) -> None:
    path = write_config(tmp_path, server.openai_url, ("one", "talks"))
    done = massgen(tmp_path, "--automation", "--config", path, "--single-agent", "Quick question")
    assert done.returncode == 0, done.stderr
    assert "Agents: agent_a\n" in done.stdout and "QUESTION: Quick question\n" in done.stdout
    done = massgen(tmp_path, "--automation", "--config", path, "--single-agent", "agent_x", "Q")
    assert done.returncode == 1
    assert "agent_a, agent_b" in done.stderr


@pytest.mark.spec("AUTO-016")
def test_nobody_is_asked_in_a_headless_run(server: ScriptedProvider, tmp_path: Path) -> None:
    path = write_config(tmp_path, server.openai_url, ("one",))
    done = massgen(tmp_path, "--automation", "--config", path, "--broadcast", "human", "Q")
    assert done.returncode == 0
    assert "broadcast" in done.stderr and "broadcast" not in done.stdout
