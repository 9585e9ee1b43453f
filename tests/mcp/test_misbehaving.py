"""Servers that hang, die, flood, lie and change: the agent works on, and people are told."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from massgen.tools.mcp import LinkLimits
from massgen.tools.mcp.bounds import MAX_DESCRIPTION, MAX_LISTING, MAX_LOGGED_TEXT, MAX_RESULT_TEXT, MAX_TOOLS
from massgen.tools.mcp.tool import PROGRESS_INTERVAL
from tests.mcp.scene import agent_with, plain, raw, until
from tests.sandbox.place import all_end


@pytest.mark.spec("MCP-061")
def test_a_tool_that_does_not_keep_to_the_protocol_does_not_cost_the_server_its_others() -> None:
    async def run() -> None:
        async with agent_with(raw("misfits")) as scene:
            named = {name.removeprefix("mcp__raw__") for name in await scene.tools()}
            assert named == {"parts", "half", "shape", "only", "bare", "odd"}
            await scene.warned("the tool 'odd' has no input schema of type object")
            await scene.warned("the tool '5' is not described as MCP has it; left out")
            assert (await scene.call("mcp__raw__bare")).text == "hello"

    asyncio.run(run())


@pytest.mark.spec("MCP-007")
def test_a_result_in_part_unknown_keeps_its_known_parts_and_an_unreadable_one_is_a_short_error() -> None:
    async def run() -> None:
        async with agent_with(raw("misfits", timeout_seconds=120)) as scene:
            parts = (await scene.call("mcp__raw__parts")).text.splitlines()
            assert parts[0] == "before"
            assert [part.partition(" left out")[0] for part in parts[1:]] == [
                "[content of type hologram",
                "[content of type image",
                "[content of type None",
            ]
            assert (await scene.call("mcp__raw__half")).text == "cut ? here"
            assert "42" in (await scene.call("mcp__raw__only")).text
            unread = await scene.call("mcp__raw__shape")
            assert unread.is_error
            assert "cannot be read" in unread.text
            assert len(unread.text.splitlines()) == 1
            assert "pydantic" not in unread.text

    asyncio.run(run())


@pytest.mark.spec("MCP-061")
def test_servers_that_cannot_start_are_named_and_the_others_work() -> None:
    async def run() -> None:
        gone = {"name": "gone", "command": "no-such-program", "args": ["--fast"]}
        dead = raw("dies-at-start", name="dead", env={"API_TOKEN": "tok-987654"})
        async with agent_with(gone, dead, raw("plain")) as scene:
            assert set(await scene.tools()) >= {"mcp__raw__hello"}
            assert not any(name.startswith(("mcp__gone", "mcp__dead")) for name in await scene.tools())
            line = await scene.warned("'gone' (no-such-program --fast) could not be started")
            assert "not found" in line
            last_words = await scene.warned("'dead'")
            assert "cannot start: bad token ***" in last_words
            assert "tok-987654" not in str(scene.warnings) + str(scene.servers.reports())

    asyncio.run(run())


@pytest.mark.spec("MCP-061", "MCP-064")
@pytest.mark.parametrize("mode", ["hang-at-start", "garbage-at-start"])
def test_a_server_that_never_answers_delays_the_start_only_so_long(mode: str) -> None:
    async def run() -> None:
        limits = LinkLimits(connect=0.5, delays=(0.01,))
        async with asyncio.timeout(250):
            async with agent_with(raw(mode, name="bad"), limits=limits) as scene:
                assert await scene.servers.tools() == []
                await scene.warned("'bad'")

    asyncio.run(run())


@pytest.mark.spec("MCP-064")
def test_a_call_without_an_answer_ends_at_its_limit_and_the_next_one_works() -> None:
    async def run() -> None:
        async with agent_with(raw("plain", timeout_seconds=1)) as scene:
            outcome = await scene.call("mcp__raw__hang")
            assert outcome.is_error
            assert "within 1 s" in outcome.text

            async def answers() -> bool:  # on a busy machine it may take its time, too
                return (await scene.call("mcp__raw__hello")).text == "hello"

            await until(answers)

    asyncio.run(run())


@pytest.mark.spec("MCP-063")
def test_a_call_cut_off_is_an_error_unless_the_tool_only_reads(tmp_path: Path) -> None:
    async def run() -> None:
        async with agent_with(raw("plain", str(tmp_path / "died"))) as scene:
            cut_off = await scene.call("mcp__raw__kill")
            assert cut_off.is_error
            assert "unknown" in cut_off.text
            line = await scene.warned("was lost")
            assert "out of memory" in line
            assert (await scene.call("mcp__raw__hello")).text == "hello"
            # Marked read-only by the server: made again on the new connection.
            assert (await scene.call("mcp__raw__die")).text == "alive again"

    asyncio.run(run())


@pytest.mark.spec("MCP-063")
def test_a_server_that_dies_at_every_call_is_given_up_until_the_next_turn() -> None:
    async def run() -> None:
        async with agent_with(raw("plain")) as scene:
            for _ in range(3):
                assert (await scene.call("mcp__raw__kill")).is_error
            await scene.warned("is off for the rest of this turn")
            refused = await scene.call("mcp__raw__hello")
            assert refused.is_error
            assert "not available for the rest of this turn" in refused.text
            scene.connections.new_turn()

            async def answers() -> bool:
                return (await scene.call("mcp__raw__hello")).text == "hello"

            await until(answers)

    asyncio.run(run())


def test_garbage_between_messages_is_passed_over() -> None:
    async def run() -> None:
        async with agent_with(raw("plain")) as scene:
            assert (await scene.call("mcp__raw__noise")).text == "heard"

    asyncio.run(run())


def test_a_result_is_cut_and_freed_of_control_characters() -> None:
    async def run() -> None:
        async with agent_with(raw("plain")) as scene:
            outcome = await scene.call("mcp__raw__huge")
            text = outcome.text
            assert len(text) < MAX_RESULT_TEXT + 200 < len(outcome.whole) < MAX_LOGGED_TEXT + 200
            assert text.startswith("begin")
            assert text.endswith("end")
            assert "left out" in text

    asyncio.run(run())


def test_a_line_without_an_end_costs_the_server_its_connection_and_bounded_memory() -> None:
    async def run() -> None:
        async with agent_with(raw("plain")) as scene:
            outcome = await scene.call("mcp__raw__endless")
            assert outcome.is_error
            assert "more than 32 MB" in await scene.warned("was lost")
            assert (await scene.call("mcp__raw__hello")).text == "hello"

    asyncio.run(run())


def test_a_storm_of_notifications_reaches_people_as_a_trickle() -> None:
    lines: list[str] = []

    async def run() -> float:
        async with agent_with(raw("plain")) as scene:
            began = time.monotonic()
            assert (await scene.call("mcp__raw__storm", progress=lines.append)).text == "calm"
            return time.monotonic() - began

    seconds = asyncio.run(run())
    assert 1 <= len(lines) <= 1 + seconds / PROGRESS_INTERVAL


def test_names_descriptions_and_schemas_are_cleaned_and_bounded() -> None:
    async def run() -> None:
        async with agent_with(raw("strange-tools")) as scene:
            tools = await scene.tools()
            assert all(len(name) <= 64 and name.replace("_", "").replace("-", "").isalnum() for name in tools)
            shown = next(tool for name, tool in tools.items() if "plain" in name)
            assert shown.spec.description == "Visible text"
            assert tools["mcp__raw__twice"].spec.description == "first"
            assert len(tools["mcp__raw__long"].spec.description) == MAX_DESCRIPTION
            for name in ("deep", "wide"):
                assert tools[f"mcp__raw__{name}"].spec.parameters["type"] == "object"
                assert tools[f"mcp__raw__{name}"].spec.parameters["properties"] == {}
            assert sum("arguments are not checked" in line for line in scene.warnings) == 2
            assert any("'twice'" in line for line in scene.warnings)

    asyncio.run(run())


def test_a_server_with_too_many_tools_offers_the_first_ones() -> None:
    async def run() -> None:
        async with agent_with(raw("many-tools")) as scene:
            assert len(await scene.tools()) == MAX_TOOLS
            assert any(f"more than {MAX_TOOLS}" in line for line in scene.warnings)

    asyncio.run(run())


def test_the_texts_of_a_server_together_are_bounded() -> None:
    async def run() -> None:
        async with agent_with(raw("flood-of-text")) as scene:
            tools = await scene.tools()
            sizes = [len(tool.spec.description) + len(str(tool.spec.parameters)) for tool in tools.values()]
            assert 10 < len(sizes) < 200
            assert sum(sizes) < 1.1 * MAX_LISTING
            assert any("the last ones are left out" in line for line in scene.warnings)

    asyncio.run(run())


def test_a_result_is_not_checked_against_a_pattern_that_the_server_itself_declares() -> None:
    async def run() -> None:
        async with agent_with(raw("trap")) as scene:
            assert "aaaa!" in (await scene.call("mcp__raw__trap")).text

    asyncio.run(run())


def test_a_changed_tool_list_is_reported_and_a_changed_description_is_not_adopted() -> None:
    async def run() -> None:
        async with agent_with(raw("changing")) as scene:
            before = (await scene.tools())["mcp__raw__change"].spec
            assert (await scene.call("mcp__raw__change")).text == "changed"
            await scene.warned("now also offers: added")
            await scene.warned("no longer offers:")
            assert "description" in await scene.warned("'change' changed its")
            after = await scene.tools()
            assert after["mcp__raw__change"].spec == before
            assert "mcp__raw__added" in after
            gone = await scene.call("mcp__raw__hello")
            assert gone.is_error
            assert "no longer offers" in gone.text

    asyncio.run(run())


@pytest.mark.spec("MCP-005")
@pytest.mark.parametrize("failure", [None, RuntimeError("the run broke"), asyncio.CancelledError()])
def test_every_process_ends_with_the_run_however_it_ends(tmp_path: Path, failure: BaseException | None) -> None:
    pids = tmp_path / "pids"

    async def run() -> None:
        async with agent_with(raw("stubborn", str(pids)), plain("gentle")) as scene:
            await scene.servers.tools()
            if failure is not None:
                raise failure

    if failure is None:
        asyncio.run(run())
    else:
        with pytest.raises(type(failure)):
            asyncio.run(run())
    assert all_end(map(int, pids.read_text().split()))


PROGRAM = """
import asyncio, sys
from tests.mcp.scene import agent_with, raw

async def run():
    async with agent_with(raw("stubborn", sys.argv[1])) as scene:
        await scene.servers.tools()
        print("ready", flush=True)
        await asyncio.sleep(600)

asyncio.run(run())
"""


@pytest.mark.spec("MCP-005")
def test_ctrl_c_ends_every_process(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(pids)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        program.send_signal(signal.SIGINT)
        program.wait(timeout=250)
    assert all_end(map(int, pids.read_text().split()))
