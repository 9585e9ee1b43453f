"""Agents that write their own summaries (MEM-079)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from massgen.testing import answer_then_vote, call
from massgen.testing.replies import Turn
from massgen.testing.requests import ReceivedRequest
from tests.engine.scene import Scene, play, scene, use
from tests.memory.test_compression import is_summary, warnings

BIG = "word " * 1_300
RECENT = use(call("write_file", path="memory/short_term/recent.md", content="The code word is heron."))
COMPLETE = use(call("compression_complete"))
DONE = "The notes are there"


class Working:
    """Writes big files until it is asked for notes; then `asked(number of requests since)` decides, None to go on."""

    def __init__(self, asked: Callable[[int], Turn | None], *, files: int = 4) -> None:
        self.asked, self.files = asked, files
        self.written = 0
        self.since = 0

    def __call__(self, request: ReceivedRequest) -> Any:
        if is_summary(request):
            return Turn(text="made by the program")
        if "context_limit" in request.view.text and "new_answer" in request.view.tool_names:
            self.since += 1
            turn = self.asked(self.since)
            if turn is not None:
                return turn
        if self.written < self.files:
            self.written += 1
            made = call("write_file", path=f"{self.written}.txt", content=f"{self.written} {BIG}")
            return Turn(calls=(made,), chunks=2)
        return answer_then_vote("done")(request)


def team_of(tmp_path: Path, script: Working):
    return scene(tmp_path, script, backend={"cwd": "workspace"}, agents={"amber": {"backend": {"model": "gpt-4"}}})


async def run(team: Scene, script: Working) -> None:
    team.server.scripts["gpt-4"] = script
    team.config["filesystem_memory"] = {"compression": {"trigger_threshold": 0.75, "target_ratio": 0.2}}
    result = await team.ask()
    assert [one.text for one in result.answers] == ["done"], (result.errors, result.message)


@pytest.mark.spec("MEM-079")
def test_notes_take_the_place_of_the_older_messages(tmp_path: Path) -> None:
    async def story() -> None:
        script = Working(lambda number: {1: RECENT, 2: COMPLETE}.get(number))
        async with team_of(tmp_path, script) as team:
            await run(team, script)
            requests = team.server.requests
            assert not any(map(is_summary, requests))
            asked = next(one for one in requests if "context_limit" in one.view.text)
            assert "mcp__memory__compression_complete" in asked.view.tool_names
            assert "memory/short_term/recent.md" in asked.view.messages[-1][1]
            cut = next(one for one in requests if "Summary of the work" in one.view.messages[-1][1])
            assert "The code word is heron." in cut.view.messages[-1][1]
            assert len(cut.view.calls) < len(asked.view.calls)
            assert "The code word is heron." in cut.view.system
            assert "📦 Context compressed" in warnings(team)

    play(story)


@pytest.mark.spec("MEM-079")
@pytest.mark.parametrize(
    "asked", [lambda number: COMPLETE if number < 6 else None, lambda number: None], ids=["lies", "ignores"]
)
def test_after_two_failures_the_program_compresses_with_a_warning(
    tmp_path: Path, asked: Callable[[int], Turn | None]
) -> None:
    async def story() -> None:
        script = Working(asked, files=16)
        async with team_of(tmp_path, script) as team:
            await run(team, script)
            assert any(map(is_summary, team.server.requests))
            assert "wrote no notes" in warnings(team)
            results = [one.text for request in team.server.requests for one in request.view.results]
            assert not any(DONE in text for text in results)
            refused = any("was not written" in text for text in results)
            assert refused == (asked(1) is not None)

    play(story)


@pytest.mark.spec("MEM-079")
def test_without_the_section_nothing_is_asked(tmp_path: Path) -> None:
    async def story() -> None:
        script = Working(lambda number: None)
        async with team_of(tmp_path, script) as team:
            team.server.scripts["gpt-4"] = script
            await team.ask()
            assert all("context_limit" not in one.view.text for one in team.server.requests)
            assert all("mcp__memory__compression_complete" not in one.view.tool_names for one in team.server.requests)

    play(story)
