"""A run that was killed while a person reviewed its changes asks again, through the real program."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from massgen.events.codec import read_run
from massgen.events.continuing import ChangesAccepted
from massgen.events.types import SessionStart
from massgen.testing import ScriptedProvider
from tests.interactive.terminal import Terminal
from tests.interactive.test_reviewed import editor
from tests.needs import needs
from tests.resume.team import play_until
from tests.runs.place import git_project, massgen, team

FIRST = "added.py: apply? [y/N/d=diff/a=all/q=none] "
SECOND = "code.py: apply? [y/N/d=diff/a=all/q=none] "


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return git_project(tmp_path / "project")


@contextmanager
def editing(launch: Path, project: Path) -> Iterator[dict[str, object]]:
    """A provider, and the configuration of its team in `team.yaml`."""
    with ScriptedProvider({"m": editor}).in_thread() as server:
        orchestrator = {
            "context_paths": [{"path": str(project), "permission": "write"}],
            "coordination": {"write_mode": "auto"},
        }
        config = {"agents": team(server.openai_url, ["m"], cwd="work"), "orchestrator": orchestrator}
        (launch / "team.yaml").write_text(yaml.safe_dump(config))
        yield config


def killed_at(terminal: Terminal, *asked: tuple[str, str]) -> Path:
    """Answer the questions, then SIGKILL; the log directory."""
    log_dir = Path(terminal.expect("Log: ") and terminal.expect("\n").strip())
    for prompt, answer in asked:
        terminal.expect(prompt)
        if answer:
            terminal.line(answer)
    os.kill(terminal.pid, signal.SIGKILL)
    assert terminal.wait() == -signal.SIGKILL
    return log_dir


@needs("git")
@pytest.mark.spec("WS-033")
@pytest.mark.parametrize("display", [("--no-display",), ("--display", "rich_terminal")])
def test_a_review_that_was_killed_is_asked_again_until_it_is_answered(
    tmp_path: Path, project: Path, display: tuple[str, ...]
) -> None:
    with editing(tmp_path, project):
        with Terminal(tmp_path, *display, "--config", "team.yaml", "Edit it.", size=(120, 30)) as terminal:
            log_dir = killed_at(terminal, (FIRST, "y"), (SECOND, ""))
        with Terminal(tmp_path, "resume", str(log_dir), size=(120, 30)) as terminal:
            assert killed_at(terminal, (FIRST, "")) == log_dir
        assert not (project / "added.py").exists()
        with Terminal(tmp_path, "resume", str(log_dir), size=(120, 30)) as terminal:
            shown = terminal.expect(FIRST)
            assert "answer agent1.1: Changed." in shown and "Both files are done." in shown
            terminal.line("n")
            terminal.expect(SECOND)
            terminal.line("y")
            terminal.expect("Applying 1 of 2.")
            if "rich_terminal" in display:
                terminal.expect("Enter your choice:")
                terminal.line("q")
            assert terminal.wait() == 0
        assert (project / "code.py").read_text() == "new = 1\n" and not (project / "added.py").exists()
        assert "there is nothing to resume" in massgen(tmp_path, "resume", log_dir).stdout


@needs("git")
@pytest.mark.spec("WS-033")
def test_a_review_in_the_application_is_asked_again_in_lines(tmp_path: Path, project: Path) -> None:
    with editing(tmp_path, project):
        with Terminal(tmp_path, "--config", "team.yaml", "Edit it.", size=(120, 30)) as terminal:
            terminal.expect("2 changed file(s) in your project")
            (log_dir,) = (path for path in (tmp_path / ".massgen/massgen_logs").glob("log_2*") if path.is_dir())
            start = next(iter(read_run(log_dir))).body
            assert isinstance(start, SessionStart)
            os.kill(start.pid, signal.SIGKILL)
            terminal.expect(f"Go on with the turn: massgen resume {log_dir}")
            assert terminal.wait() == 2
        with Terminal(tmp_path, "resume", str(log_dir), size=(120, 30)) as terminal:
            terminal.expect(FIRST)
            terminal.line("a")
            terminal.expect("Applying 2 of 2.")
            terminal.expect("Enter your choice:")
            terminal.line("q")
            assert terminal.wait() == 0
    assert (project / "code.py").read_text() == "new = 1\n" and (project / "added.py").exists()


@needs("git")
@pytest.mark.spec("WS-033")
def test_what_was_accepted_before_the_kill_is_not_asked_again(tmp_path: Path, project: Path) -> None:
    with editing(tmp_path, project) as config:
        log_dir = play_until(tmp_path, config, "changes", 1)
        log = log_dir / "turn_1/attempt_1/events.jsonl"
        log.write_text(log.read_text().replace('"reviewed":false', '"reviewed":true', 1))
        assert (project / "code.py").read_text() == "old = 1\n"
        with Terminal(tmp_path, "resume", str(log_dir), "--config", "team.yaml", size=(120, 30)) as terminal:
            terminal.expect("Enter your choice:")
            terminal.line("q")
            assert terminal.wait() == 0
            assert "apply?" not in terminal.text
    assert (project / "code.py").read_text() == "new = 1\n" and (project / "added.py").exists()


@needs("git")
@pytest.mark.spec("WS-033", "WS-045")
def test_without_a_terminal_nothing_is_changed_and_the_command_that_changes_it_is_told(
    tmp_path: Path, project: Path
) -> None:
    with editing(tmp_path, project):
        with Terminal(tmp_path, "--no-display", "--config", "team.yaml", "Edit it.", size=(120, 30)) as terminal:
            log_dir = killed_at(terminal, (FIRST, ""))
        done = massgen(tmp_path, "resume", log_dir)
    assert done.returncode == 0 and "WINNER: agent_a" in done.stdout
    assert (project / "code.py").read_text() == "old = 1\n" and not (project / "added.py").exists()
    (told,) = re.findall(r"To make them: (git -C .*)", done.stderr)
    subprocess.run(shlex.split(told), check=True)
    assert (project / "code.py").read_text() == "new = 1\n" and (project / "added.py").read_text() == "x = 1\n"


@needs("git")
@pytest.mark.spec("WS-033", "COORD-123")
def test_an_interrupted_review_applies_nothing_and_ends(tmp_path: Path, project: Path) -> None:
    words = ("--no-display", "--config", "team.yaml", "Edit it.")
    with editing(tmp_path, project), Terminal(tmp_path, *words, size=(120, 30)) as terminal:
        log_dir = Path(terminal.expect("Log: ") and terminal.expect("\n").strip())
        terminal.expect(FIRST)
        terminal.line("y")
        terminal.expect(SECOND)
        terminal.interrupt()
        terminal.expect("Nothing is applied; the changes are kept in the log (changes.patch).")
        assert terminal.wait() == 0
    assert (project / "code.py").read_text() == "old = 1\n" and not (project / "added.py").exists()
    assert [event.body.accepted for event in read_run(log_dir) if isinstance(event.body, ChangesAccepted)] == [()]
