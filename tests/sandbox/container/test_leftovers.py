"""What commands leave behind in a container ends with them, however it was started."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from massgen.workspace.sandbox.container.sandbox import ContainerSandbox
from tests.needs import needs
from tests.sandbox.container.test_container import PATIENCE, Place, docker, run_all, within

ROOT = Path(__file__).parents[3]
pytestmark = needs("docker")
SLEEPING = "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done 2>/dev/null | grep -c '^sleep 4[0-9]'"
CHAINS = (
    "setsid -f setsid -f setsid -f sleep 45",
    "sh -c \"sh -c 'sleep 46 & exit' & exit\" & exit 0",
    'i=0; while [ $i -lt 10 ]; do (setsid sh -c "sleep 0.00$i; exec sleep 47" &); i=$((i+1)); done',
)


async def sleeping(sandbox: ContainerSandbox) -> int:
    return int((await sandbox.run(SLEEPING, timeout=PATIENCE)).stdout)


@pytest.mark.spec("EXEC-004")
@pytest.mark.slow
@pytest.mark.parametrize("chain", CHAINS)
def test_processes_that_start_each_other_while_they_are_looked_for_are_found(chain: str, tmp_path: Path) -> None:
    place = Place(tmp_path)
    container = place.container()

    async def use() -> list[int]:
        sandbox = place.sandbox(container)
        left: list[int] = []
        for _ in range(20):
            assert (await sandbox.run(chain, timeout=PATIENCE)).exit_code == 0
            left.append(await sleeping(sandbox))
        return left

    assert within(container, use) == [0] * 20


@pytest.mark.spec("EXEC-004", "EXEC-080")
def test_a_child_that_ignores_the_end_of_its_shell_ends_with_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    container = place.container()

    async def use() -> tuple[int, int, int]:
        sandbox = place.sandbox(container)
        seen = asyncio.Event()
        stubborn = "(trap '' TERM; setsid sleep 41 & sleep 42) & echo up; sleep 43"
        process = await sandbox.spawn(stubborn, lambda *_: seen.set())
        await seen.wait()
        await process.end(grace=5)
        return await process.wait(), await sleeping(sandbox), 0

    code, left, _ = within(container, use)
    assert (code, left) == (143, 0)


@pytest.mark.spec("EXEC-004")
def test_other_commands_of_the_container_go_on_and_a_hidden_environment_holds_nobody_up(tmp_path: Path) -> None:
    place = Place(tmp_path)
    container = place.container()

    async def use() -> tuple[int, int]:
        sandbox = place.sandbox(container)
        seen = asyncio.Event()
        process = await sandbox.spawn("env -i sleep 48 & echo up; sleep 49", lambda *_: seen.set())
        await seen.wait()
        await sandbox.run("sleep 44 & true", timeout=PATIENCE)
        left = await sleeping(sandbox)
        await process.end(grace=0)
        return process.exit_code or 0, left

    assert within(container, use) == (137, 2)


@pytest.mark.spec("EXEC-004")
def test_the_end_of_a_command_says_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path)
    result = run_all(place, place.container(), "sleep 40 & echo out; exit 7")[0]
    assert (result.exit_code, result.stdout, result.stderr) == (7, b"out\n", b"")


DIES = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.sandbox.container.test_container import Place

async def run() -> None:
    place = Place(Path(sys.argv[1]))
    container = place.container()
    sandbox = place.sandbox(container)
    print(container.name, flush=True)
    await sandbox.spawn(sys.argv[2], lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    await asyncio.sleep(600)

asyncio.run(run())
"""


@pytest.mark.spec("EXEC-031")
def test_a_container_stops_when_its_program_is_killed(tmp_path: Path) -> None:
    left = "(trap '' TERM HUP; setsid sleep 48 &); echo up; sleep 49"
    command = [sys.executable, "-c", DIES, str(tmp_path), left]
    died = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    name = died.stdout.strip()
    try:
        waiting = ["docker", "wait", name]
        stopped = subprocess.run(waiting, capture_output=True, text=True, timeout=PATIENCE, check=False)
        # Another run that starts meanwhile removes it.
        assert stopped.stdout == "137\n" or "No such container" in stopped.stderr, stopped
    finally:
        docker("rm", "--force", name)
