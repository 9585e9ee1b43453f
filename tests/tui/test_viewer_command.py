"""`massgen viewer` as a program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.interactive.teams import FINAL
from tests.interactive.terminal import Terminal
from tests.tui.scene import finished


def run_piped(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "massgen", "viewer", *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


@pytest.mark.spec("TUI-060", "TUI-061", "CLI-079")
@pytest.mark.parametrize("inside", ["", "turn_1", "turn_1/attempt_1", None])
def test_any_directory_of_the_run_or_none_opens_it(tmp_path: Path, inside: str | None):
    log = finished(tmp_path)
    arguments = [] if inside is None else [str(log / inside)]
    with Terminal(tmp_path, "viewer", *arguments) as terminal:
        terminal.expect(FINAL)
        terminal.send("q")
        assert terminal.wait() == 0
        assert b"\x1b[?1049l" in terminal.raw


@pytest.mark.spec("TUI-065")
def test_a_run_is_picked_from_a_list(tmp_path: Path):
    finished(tmp_path)
    with Terminal(tmp_path, "viewer", "--pick") as terminal:
        terminal.expect("Tabs or spaces?")
        terminal.send("\r")
        terminal.expect(FINAL)
        terminal.send("q")
        assert terminal.wait() == 0


@pytest.mark.spec("TUI-060")
def test_without_a_terminal_it_ends_with_a_sentence(tmp_path: Path):
    done = run_piped(tmp_path)
    assert done.returncode == 1
    assert "The viewer needs a terminal." in done.stderr and "massgen logs summary" in done.stderr


@pytest.mark.spec("TUI-062")
def test_an_attempt_that_is_not_there_is_named(tmp_path: Path):
    log = finished(tmp_path)
    with Terminal(tmp_path, "viewer", str(log), "--attempt", "3") as terminal:
        terminal.expect("no turn 1 attempt 3")
        assert terminal.wait() == 1


@pytest.mark.spec("TUI-066")
def test_serving_without_the_package_names_the_extra(tmp_path: Path):
    done = run_piped(tmp_path, "--web")
    assert done.returncode == 1 and "pip install 'massgen[serve]'" in done.stderr
