"""Background shells for scripts, under their documented import path."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from massgen.filesystem_manager.background_shell import BackgroundShellManager
from massgen.workspace.sandbox.shells import ShellRefused
from tests.sandbox.place import processes_with


@pytest.fixture
def shells() -> Iterator[BackgroundShellManager]:
    manager = BackgroundShellManager()
    yield manager
    manager.close()


def finished(shells: BackgroundShellManager, shell_id: str) -> dict:
    limit = time.monotonic() + 120
    while shells.get_shell_status(shell_id)["status"] == "running" and time.monotonic() < limit:
        time.sleep(0.01)
    return shells.get_shell_output(shell_id)


@pytest.mark.spec("AUTO-040")
def test_the_documented_names_can_be_imported() -> None:
    line = (
        "from massgen.filesystem_manager.background_shell import start_shell, get_shell_output, get_shell_status, "
        "kill_shell, list_shells, BackgroundShellManager"
    )
    subprocess.run([sys.executable, "-c", line], check=True)


@pytest.mark.spec("AUTO-041", "AUTO-042")
def test_starting_does_not_wait(shells: BackgroundShellManager) -> None:
    shell_id = shells.start_shell("sleep 600")
    status = shells.get_shell_status(shell_id)
    assert isinstance(shell_id, str)
    assert (status["status"], status["exit_code"]) == ("running", None)
    assert isinstance(status["duration_seconds"], float)


@pytest.mark.spec("AUTO-042", "AUTO-043")
@pytest.mark.parametrize(("code", "status"), [(0, "stopped"), (3, "failed")])
def test_output_exit_code_and_status_tell_how_it_ended(code: int, status: str, shells: BackgroundShellManager) -> None:
    output = finished(shells, shells.start_shell(f"echo hi; echo err >&2; exit {code}"))
    found = (output["stdout"], output["stderr"], output["exit_code"], output["status"])
    assert found == ("hi\n", "err\n", code, status)


@pytest.mark.spec("AUTO-041")
def test_cwd_and_the_environment_of_the_script_are_used(shells: BackgroundShellManager, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "given")
    output = finished(shells, shells.start_shell("pwd; echo $SOME_API_KEY", cwd=tmp_path))
    assert output["stdout"] == f"{tmp_path}\ngiven\n"


@pytest.mark.spec("AUTO-044")
def test_killing_ends_the_whole_tree_and_may_be_repeated(shells: BackgroundShellManager) -> None:
    mark = f"81{os.getpid()}1"
    shell_id = shells.start_shell(f"bash -c 'sleep {mark} & setsid sleep {mark} & wait'")
    for _ in range(2):
        assert shells.kill_shell(shell_id)["status"] == "stopped"
    assert processes_with(mark) == []


@pytest.mark.spec("AUTO-044")
def test_a_shell_that_ignores_the_gentle_signal_is_ended_by_force(shells: BackgroundShellManager) -> None:
    mark = f"81{os.getpid()}2"
    shell_id = shells.start_shell(f"trap '' TERM; echo ready; while true; do sleep {mark}; done")
    while "ready" not in shells.get_shell_output(shell_id)["stdout"]:
        time.sleep(0.01)
    assert shells.kill_shell(shell_id)["exit_code"] == 137
    assert processes_with(mark) == []


@pytest.mark.spec("AUTO-045")
def test_the_eleventh_is_refused(shells: BackgroundShellManager) -> None:
    for _ in range(10):
        shells.start_shell("sleep 600")
    with pytest.raises(ShellRefused, match="10 background shells run already"):
        shells.start_shell("true")
    assert len(shells.list_shells()) == 10


@pytest.mark.spec("AUTO-046")
def test_the_last_ten_thousand_lines_are_kept(shells: BackgroundShellManager) -> None:
    lines = finished(shells, shells.start_shell("seq 1 50000"))["stdout"].splitlines()
    assert (len(lines), lines[-1]) == (10_000, "50000")


@pytest.mark.spec("AUTO-047")
@pytest.mark.parametrize("end", ["exit", "killed"])
def test_shells_end_with_the_script_however_it_ends(end: str) -> None:
    mark = f"81{os.getpid()}3{len(end)}"
    script = (
        "import sys, time\n"
        "from massgen.filesystem_manager.background_shell import start_shell, get_shell_output\n"
        f"i = start_shell('echo up; setsid -f sleep {mark}; sleep {mark}')\n"
        "while 'up' not in get_shell_output(i)['stdout']: time.sleep(0.01)\n"
        "print('up', flush=True)\n" + ("time.sleep(600)\n" if end == "killed" else "")
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == "up\n"
    if end == "killed":
        child.send_signal(signal.SIGKILL)
    child.wait()
    limit = time.monotonic() + 120
    while processes_with(mark) and time.monotonic() < limit:
        time.sleep(0.01)
    assert processes_with(mark) == []


@pytest.mark.spec("AUTO-047")
def test_many_threads_may_use_it_at_once(shells: BackgroundShellManager) -> None:
    shell_id = shells.start_shell("seq 1 3000; sleep 600")
    answers: list[str] = []

    def poll() -> None:
        for _ in range(20):
            shells.get_shell_output(shell_id)
            answers.append(shells.get_shell_status(shell_id)["status"])

    threads = [threading.Thread(target=poll) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["running"] * 400
