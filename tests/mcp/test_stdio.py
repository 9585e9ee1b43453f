"""Ordinary use of stdio servers, with a real server in a real process."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from massgen.tools.mcp import Answer, Question
from tests.mcp.scene import agent_with, context, plain, raw, settings, until


@pytest.mark.spec("MCP-002", "MCP-004")
def test_tools_of_all_servers_are_offered_under_their_names_and_calls_reach_them() -> None:
    async def run() -> None:
        async with agent_with(plain("test"), raw("plain", name="other")) as scene:
            tools = await scene.tools()
            assert tools["mcp__test__echo"].spec.parameters["required"] == ["text"]
            assert tools["mcp__test__echo"].spec.description == "Give the text back."
            assert (await scene.call("mcp__test__echo", {"text": "hi"})).text == "hi"
            assert (await scene.call("mcp__other__hello")).text == "hello"

    asyncio.run(run())


@pytest.mark.spec("MCP-020", "MCP-021", "MCP-022", "MCP-010")
def test_a_server_gets_its_own_variables_and_its_arguments_untouched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_API_KEY", "belongs to somebody else")
    flags = ("--browser", "firefox", "--caps=vision,pdf", "--user-data-dir=${cwd}/profile", "${foo}", "--save-trace")
    entry = plain("plain", *flags, env={"MY_TOKEN": "${SERVICE_TOKEN}", "MODE": "fast"})

    async def run() -> None:
        async with agent_with(entry, environ={"SERVICE_TOKEN": "tok-12345678"}, cwd=tmp_path) as scene:
            arguments = (await scene.call("mcp__plain__get_arguments")).text.splitlines()
            expected = [flag.replace("${cwd}", str(tmp_path)) for flag in flags]
            assert arguments == expected
            seen = json.loads((await scene.call("mcp__plain__get_environment")).text)
            assert seen["MODE"] == "fast"
            assert "OTHER_API_KEY" not in seen
            # The value was there, and was masked on its way to the model (MCP-065).
            assert seen["MY_TOKEN"] == "***"
            assert json.loads((await scene.call("mcp__plain__get_place")).text)["cwd"] == str(tmp_path)

    asyncio.run(run())


@pytest.mark.spec("MCP-007")
def test_text_images_sound_and_structured_content_all_arrive() -> None:
    async def run() -> None:
        async with agent_with(plain()) as scene:
            mixed = await scene.call("mcp__plain__mixed")
            assert mixed.text == "before\nafter"
            assert [media.media_type for media in mixed.media] == ["image/png", "audio/wav"]
            assert mixed.media[0].data.startswith(b"\x89PNG")
            assert json.loads((await scene.call("mcp__plain__get_record")).text) == {"answer": 42}
            failed = await scene.call("mcp__plain__fail")
            assert failed.is_error
            assert "fail" in failed.text

    asyncio.run(run())


def test_progress_reaches_the_person() -> None:
    lines: list[str] = []

    async def run() -> None:
        async with agent_with(plain()) as scene:
            assert (await scene.call("mcp__plain__work", {"steps": 3}, progress=lines.append)).text == "worked"

    asyncio.run(run())
    steps = ["1/3 step 1", "2/3 step 2", "3/3 step 3"]
    # Steps that come together are shown as one.
    assert lines[0] == steps[0] and lines == [step for step in steps if step in lines]


def test_a_cancelled_call_is_cancelled_in_the_server(tmp_path: Path) -> None:
    started, cancelled = tmp_path / "started", tmp_path / "cancelled"

    async def run() -> None:
        async with agent_with(plain()) as scene:
            tool = (await scene.tools())["mcp__plain__wait"]
            names = {"started": str(started), "cancelled": str(cancelled)}
            call = asyncio.ensure_future(tool.call(names, context()))
            await _exists(started)
            call.cancel()
            await asyncio.wait([call])
            assert call.cancelled()
            await _exists(cancelled)
            assert (await scene.call("mcp__plain__echo", {"text": "still here"})).text == "still here"

    asyncio.run(run())


class Person:
    """Answers after a while; the call's time limit is shorter than that."""

    def __init__(self, answer: Answer, seconds: float = 0.0) -> None:
        self.answer = answer
        self.seconds = seconds
        self.asked: list[Question] = []

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        await asyncio.sleep(self.seconds)
        return self.answer


def test_a_question_of_a_server_is_answered_by_a_person_and_the_clock_stands_still() -> None:
    person = Person(Answer(action="accept", content={"name": "Ada"}), seconds=5.5)

    async def run() -> None:
        async with agent_with(plain(timeout_seconds=5), questions=person) as scene:
            assert (await scene.call("mcp__plain__greet")).text == "Hello Ada"

    asyncio.run(run())
    assert person.asked[0].message == "What is your name?"
    assert person.asked[0].server == "plain"
    assert "name" in person.asked[0].fields["properties"]


def test_a_declined_question_ends_the_call_with_an_error() -> None:
    async def run() -> None:
        async with agent_with(plain(), questions=Person(Answer(action="decline"))) as scene:
            assert (await scene.call("mcp__plain__greet")).is_error

    asyncio.run(run())


def test_a_tool_that_a_server_of_the_newer_protocol_adds_is_found() -> None:
    async def run() -> None:
        async with agent_with(plain()) as scene:
            assert (await scene.call("mcp__plain__grow")).text == "grown"
            await scene.warned("now also offers: grown")
            assert (await scene.call("mcp__plain__grown", {"text": "hi"})).text == "hi"

    asyncio.run(run())


@pytest.mark.spec("MCP-008")
def test_the_tools_of_a_server_are_listed_once(tmp_path: Path) -> None:
    count = tmp_path / "count"

    async def run() -> None:
        async with agent_with(raw("count", str(count))) as scene:
            for _ in range(5):
                await scene.servers.tools()

    asyncio.run(run())
    assert count.read_text() == "1"


def test_agents_share_a_stateless_server_and_no_other() -> None:
    async def run() -> None:
        shared, own = plain("shared", stateless=True), plain("own")
        async with agent_with(shared, own) as scene:
            second = scene.connections.agent("b", settings({**shared, "exclude_tools": ["echo"]}, own))
            others = {tool.spec.name: tool for tool in await second.tools()}
            assert "mcp__shared__echo" not in others
            assert "mcp__own__echo" in others

            async def process(tool: str, of: bool) -> str:
                tools = await scene.tools() if of else others
                return json.loads((await tools[tool].call({}, context())).text)["pid"]

            assert await process("mcp__shared__get_place", True) == await process("mcp__shared__get_place", False)
            assert await process("mcp__own__get_place", True) != await process("mcp__own__get_place", False)

    asyncio.run(run())


@pytest.mark.spec("MCP-040", "MCP-041", "MCP-042", "MCP-043", "MCP-062")
def test_a_servers_filters_hide_tools_and_the_report_says_why() -> None:
    async def run() -> None:
        entry = raw("plain", allowed_tools=["hello", "mcp__raw__hang", "chang*", "helo"], exclude_tools=["hang"])
        async with agent_with(entry) as scene:
            assert set(await scene.tools()) == {"mcp__raw__hello", "mcp__raw__change"}
            (report,) = scene.servers.reports()
            assert report.line() == "MCP server 'raw': 9 tools found, 7 filtered, 2 offered"
            assert "exclude_tools" in report.removed["mcp__raw__hang"]
            assert "allowed_tools" in report.removed["mcp__raw__storm"]
            assert any("'helo'" in line and "hello" in line for line in scene.warnings)

    asyncio.run(run())


def test_a_blocked_tool_is_refused_without_reaching_the_server(tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    async def run() -> None:
        refuse = {"mcp__raw__die": "Blocked while planning."}
        async with agent_with(raw("x", str(mark)), refuse=lambda name, _: refuse.get(name)) as scene:
            outcome = await scene.call("mcp__raw__die")
            assert outcome.is_error
            assert outcome.text == "Blocked while planning."
            tools = await scene.tools()
            assert tools["mcp__raw__hello"].traits.writes is False
            assert tools["mcp__raw__kill"].traits.writes is True

    asyncio.run(run())
    assert not mark.exists()


async def _exists(path: Path) -> None:
    async def exists() -> bool:
        return path.exists()

    await until(exists)
