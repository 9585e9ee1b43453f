"""Background shells as agents use them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from tests.commands.place import Agent, make_agent, within
from tests.sandbox.place import processes_with


async def ended(agent: Agent, shell_id: str) -> dict[str, Any]:
    async with asyncio.timeout(120):
        while True:
            state = await agent.ask("get_background_shell_status", shell_id=shell_id)
            if state["status"] != "running":
                return await agent.ask("get_background_shell_output", shell_id=shell_id)
            await asyncio.sleep(0.01)


@pytest.mark.spec("EXEC-075")
def test_a_shell_goes_through_its_states_under_its_id(tmp_path: Path) -> None:
    agent = make_agent(tmp_path)

    async def use() -> None:
        started = await agent.ask("start_background_shell", command="echo out; echo err >&2; exit 4")
        assert started["success"] is True
        assert started["status"] == "running"
        assert started["shell_id"].startswith("shell_")
        output = await ended(agent, started["shell_id"])
        assert output == {
            "shell_id": started["shell_id"],
            "stdout": "out\n",
            "stderr": "err\n",
            "exit_code": 4,
            "status": "failed",
        }
        good = await agent.ask("start_background_shell", command="true")
        assert (await ended(agent, good["shell_id"]))["status"] == "stopped"
        shells = (await agent.ask("list_background_shells"))["shells"]
        assert [shell["status"] for shell in shells] == ["failed", "stopped"]

    within(agent, use=use)


@pytest.mark.spec("EXEC-076")
def test_shells_run_beside_each_other_and_beside_the_agent(tmp_path: Path) -> None:
    """Each of three shells waits until all three have started, so they end only if they overlap."""
    agent = make_agent(tmp_path)

    async def use() -> list[str]:
        meet = "touch up{0}; until [ -e up1 ] && [ -e up2 ] && [ -e up3 ] && [ -e go ]; do sleep 0.02; done"
        ids = []
        for number in (1, 2, 3):
            ids.append((await agent.ask("start_background_shell", command=meet.format(number)))["shell_id"])
        await agent.ask("execute_command", command="touch go")
        return [(await ended(agent, shell_id))["status"] for shell_id in ids]

    assert within(agent, use=use) == ["stopped"] * 3


@pytest.mark.spec("EXEC-077")
def test_the_eleventh_shell_is_refused_until_one_ends(tmp_path: Path) -> None:
    agent = make_agent(tmp_path)

    async def use() -> None:
        started = [await agent.ask("start_background_shell", command="sleep 600") for _ in range(10)]
        refused = await agent.call("start_background_shell", command="true")
        assert refused.is_error
        assert "10 background shells run already" in refused.text
        killed = await agent.ask("kill_background_shell", shell_id=started[0]["shell_id"])
        assert killed["status"] == "stopped"
        assert (await agent.ask("start_background_shell", command="true"))["success"]

    within(agent, use=use)


@pytest.mark.spec("EXEC-078")
def test_the_last_ten_thousand_lines_are_kept(tmp_path: Path) -> None:
    agent = make_agent(tmp_path)

    async def use() -> str:
        started = await agent.ask("start_background_shell", command="seq 1 20000")
        return (await ended(agent, started["shell_id"]))["stdout"]

    output = within(agent, use=use)
    assert output.startswith("10001\n")
    assert output.endswith("\n20000\n")


@pytest.mark.spec("EXEC-080")
def test_shells_pass_the_same_checks_as_commands(tmp_path: Path) -> None:
    agent = make_agent(tmp_path, command_line_blocked_commands=["curl"])

    async def use() -> list[str]:
        commands = ["sudo x", "curl x", f"echo x > {tmp_path}/readable/x"]
        return [(await agent.call("start_background_shell", command=command)).text for command in commands]

    assert [text.startswith("Error: Command refused:") for text in within(agent, use=use)] == [True] * 3


@pytest.mark.spec("EXEC-080")
def test_shells_are_contained_like_commands(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the-secret")
    agent = make_agent(tmp_path)

    async def use() -> dict[str, Any]:
        return await ended(agent, (await agent.ask("start_background_shell", command="cat ../secret"))["shell_id"])

    answer = within(agent, use=use)
    assert answer["status"] == "failed"
    assert "the-secret" not in answer["stdout"]


@pytest.mark.spec("EXEC-081")
def test_an_agent_sees_and_ends_only_its_own_shells(tmp_path: Path) -> None:
    first, second = make_agent(tmp_path, number=1), make_agent(tmp_path, number=2)

    async def use() -> None:
        mine = (await first.ask("start_background_shell", command="sleep 600"))["shell_id"]
        assert (await second.ask("list_background_shells"))["shells"] == []
        assert (await second.call("kill_background_shell", shell_id=mine)).is_error
        assert (await first.ask("get_background_shell_status", shell_id=mine))["status"] == "running"

    within(first, second, use=use)


@pytest.mark.spec("EXEC-083", "BG-019")
@pytest.mark.parametrize(
    "tool", ["get_background_shell_output", "get_background_shell_status", "kill_background_shell"]
)
def test_an_unknown_id_is_an_error_result(tool: str, tmp_path: Path) -> None:
    agent = make_agent(tmp_path)

    async def use() -> tuple[str, str]:
        return (await agent.call(tool, shell_id="x")).text, (await agent.call(tool, shell_id="job_1")).text

    unknown, job = within(agent, use=use)
    assert unknown.startswith("Error: No background shell 'x'")
    assert "background job" in job


@pytest.mark.spec("EXEC-079")
def test_closing_ends_shells_with_their_children(tmp_path: Path) -> None:
    mark = f"80{os.getpid()}1"
    agent = make_agent(tmp_path)

    async def use() -> None:
        command = f"setsid -f sleep {mark}; touch up; sleep {mark}"
        await agent.ask("start_background_shell", command=command)
        await agent.ask("execute_command", command="until [ -e up ]; do sleep 0.01; done")
        assert processes_with(mark)

    within(agent, use=use)
    assert processes_with(mark) == []


def test_ten_noisy_shells_and_a_hundred_commands_lose_nothing_and_stay_bounded(tmp_path: Path) -> None:
    agent = make_agent(tmp_path)

    async def use() -> list[int]:
        ids = [(await agent.ask("start_background_shell", command="seq 1 10000"))["shell_id"] for _ in range(10)]
        for number in range(100):
            assert (await agent.ask("execute_command", command=f"echo {number}"))["stdout"] == f"{number}\n"
        return [len((await ended(agent, shell_id))["stdout"]) for shell_id in ids]

    assert min(within(agent, use=use)) > 39_000
