"""`execute_command` as an agent uses it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from tests.commands.place import execute, make_agent, within


@pytest.mark.spec("EXEC-001", "EXEC-075")
def test_an_agent_with_a_command_line_has_six_tools(tmp_path: Path) -> None:
    names = [tool.spec.name for tool in make_agent(tmp_path).tools.values()]
    assert names == [
        "mcp__command_line__execute_command",
        "mcp__command_line__start_background_shell",
        "mcp__command_line__get_background_shell_output",
        "mcp__command_line__get_background_shell_status",
        "mcp__command_line__kill_background_shell",
        "mcp__command_line__list_background_shells",
    ]


@pytest.mark.spec("EXEC-003", "EXEC-004")
def test_the_result_has_exit_code_streams_duration_and_directory(tmp_path: Path) -> None:
    outcome = execute(make_agent(tmp_path), "pwd; python -c 'import sys; print(1, file=sys.stderr); sys.exit(3)'")
    answer = json.loads(outcome.text)
    assert not outcome.is_error
    assert answer["execution_time"] > 0
    del answer["execution_time"]
    assert answer == {
        "success": False,
        "exit_code": 3,
        "stdout": f"{tmp_path}/ws1\n",
        "stderr": "1\n",
        "command": "pwd; python -c 'import sys; print(1, file=sys.stderr); sys.exit(3)'",
        "work_dir": f"{tmp_path}/ws1",
    }


@pytest.mark.spec("EXEC-003")
def test_work_dir_selects_another_permitted_directory_and_no_other(tmp_path: Path) -> None:
    agent = make_agent(tmp_path)
    (tmp_path / "secret").mkdir()
    assert json.loads(execute(agent, "pwd", work_dir=f"{tmp_path}/readable").text)["stdout"] == f"{tmp_path}/readable\n"
    refused = execute(agent, "pwd", work_dir=f"{tmp_path}/secret")
    assert refused.is_error
    assert "Cannot access" in refused.text


@pytest.mark.spec("EXEC-005")
def test_a_command_over_the_configured_time_is_ended_and_told(tmp_path: Path) -> None:
    answer = json.loads(execute(make_agent(tmp_path, command_line_timeout=1), "sleep 999", timeout=500).text)
    assert (answer["success"], answer["timed_out"], answer["exit_code"]) == (False, True, 137)
    assert "1 s" in answer["note"]


@pytest.mark.spec("EXEC-008")
def test_a_program_and_its_tests_are_written_and_run(tmp_path: Path) -> None:
    script = """
cat > sort.py <<'EOF'
def bubble(values):
    values = list(values)
    for end in range(len(values) - 1, 0, -1):
        for i in range(end):
            if values[i] > values[i + 1]:
                values[i], values[i + 1] = values[i + 1], values[i]
    return values
EOF
cat > test_sort.py <<'EOF'
import unittest
from sort import bubble
class Sorts(unittest.TestCase):
    def test_sorts(self):
        self.assertEqual(bubble([3, 1, 2]), [1, 2, 3])
EOF
python -m unittest -q
"""
    answer = json.loads(execute(make_agent(tmp_path), script).text)
    assert answer["success"], answer
    assert "OK" in answer["stderr"]


@pytest.mark.spec("EXEC-009")
def test_long_output_is_cut_in_the_middle_and_kept_whole_in_the_log_without_secrets(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    agent = make_agent(tmp_path, log_directory=logs, redact=lambda text: text.replace("hush", "***"))
    outcome = execute(agent, "echo first; yes hush | head -n 100000; echo last")
    answer = json.loads(outcome.text)
    assert len(answer["stdout"]) < len(json.loads(outcome.whole)["stdout"]) < 301_000
    assert len(answer["stdout"]) < 41_000
    assert answer["stdout"].startswith("first\n")
    assert answer["stdout"].endswith("last\n")
    assert "left out" in answer["stdout"]
    kept = (logs / "call-1.log").read_text()
    assert kept.count("***\n") == 100_000
    assert "hush" not in kept


def test_terminal_sequences_do_not_reach_the_model(tmp_path: Path) -> None:
    script = r"printf '\033[31mred\033[0m \033]0;title\007\x9b2J\033Pq\033\\end\r\n'; printf '10%%\r20%%\r30%%\n'"
    answer = json.loads(execute(make_agent(tmp_path), script).text)
    assert "red " in answer["stdout"]
    assert "end\n30%\n" in answer["stdout"]
    assert all(character >= " " or character == "\n" for character in answer["stdout"])


@pytest.mark.spec("EXEC-022", "EXEC-023")
@pytest.mark.parametrize(
    "command",
    [
        "echo x > {root}/readable/x",
        "echo x >> {root}/writable/kept.txt",
        "cd {root}/readable && touch x",
        "rm {root}/writable/kept.txt",
        "mv {root}/writable/kept.txt .",
        "cp note {root}/readable/",
        "echo x | tee {root}/readable/x",
        "sed -i s/a/b/ {root}/writable/kept.txt",
        "mkdir -p {root}/foreign/x",
        "bash -c 'touch {root}/readable/x'",
        "touch ../elsewhere",
    ],
)
def test_recognisable_writes_to_foreign_or_protected_paths_are_refused_with_the_path(
    command: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="massgen.tools.commands"):
        outcome = execute(make_agent(tmp_path), command.format(root=tmp_path))
    assert outcome.is_error
    assert outcome.text.startswith("Error: Command refused: Cannot ")
    assert str(tmp_path) in outcome.text
    assert any("refused" in record.message for record in caplog.records)


@pytest.mark.spec("EXEC-022")
@pytest.mark.parametrize(
    "command",
    ["echo x > {root}/writable/new", "touch a b && rm a", "echo x > /dev/null 2>&1", "cp {root}/readable/r .",
     "cd {root}/writable && mkdir sub", "echo x > /tmp/x", "f=y; echo > $f"],
)  # fmt: skip
def test_permitted_writes_are_not_refused(command: str, tmp_path: Path) -> None:
    agent = make_agent(tmp_path)
    (tmp_path / "readable" / "r").write_text("r")
    assert not execute(agent, command.format(root=tmp_path)).is_error


@pytest.mark.spec("EXEC-022")
def test_a_link_to_elsewhere_can_be_taken_away_but_not_written_through(tmp_path: Path) -> None:
    agent = make_agent(tmp_path)
    (tmp_path / "readable" / "r").write_text("r")
    away, link = tmp_path / "readable", tmp_path / "ws1" / "link"
    for command in ("rm link", "rm -rf link", "unlink link", "mv link moved && rm moved"):
        assert not execute(agent, f"ln -s {away} link").is_error
        assert not execute(agent, command).is_error, command
        assert not link.is_symlink()
    execute(agent, f"ln -s {away} link; echo x > file")
    for command in ("echo x > link/x", "touch link", "mv file link", "rm link/r", "rm -r link/"):
        assert "Command refused" in execute(agent, command).text, command
    assert [path.name for path in away.iterdir()] == ["r"]


@pytest.mark.spec("EXEC-020")
def test_a_refused_command_does_not_run(tmp_path: Path) -> None:
    agent = make_agent(tmp_path)
    outcome = execute(agent, "touch ran; sudo true")
    assert outcome.is_error
    assert not (tmp_path / "ws1" / "ran").exists()


def test_an_unknown_command_is_an_ordinary_result(tmp_path: Path) -> None:
    answer = json.loads(execute(make_agent(tmp_path), "no-such-program-here").text)
    assert answer["exit_code"] == 127
    assert "not found" in answer["stderr"]


def test_a_new_phase_with_other_grants_ends_the_old_sandbox_and_applies_at_once(tmp_path: Path) -> None:
    agent = make_agent(tmp_path)
    (tmp_path / "readable" / "r").write_text("r")

    async def use() -> tuple[str, int]:
        await agent.ask("start_background_shell", command="sleep 60")
        before = await agent.ask("execute_command", command=f"cat {tmp_path}/readable/r")
        policy = agent.sandboxes.policy
        smaller = type(policy)(workspace=policy.workspace, grants=type(policy.grants)(writable=(policy.workspace,)))
        await agent.sandboxes.enter(smaller)
        after = await agent.ask("execute_command", command=f"cat {tmp_path}/readable/r")
        shells = (await agent.ask("list_background_shells"))["shells"]
        assert before["exit_code"] == 0
        return shells[0]["status"], after["exit_code"]

    assert within(agent, use=use) == ("failed", 1)
