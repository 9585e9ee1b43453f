"""In every wire format the requests of a run that is gone on with are those of a run that nobody killed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, call, say
from tests.resume.course import Cut, go_on, whole_run

READ, LIST = "mcp__filesystem__read_text_file", "mcp__filesystem__list_directory"
FORMATS = {"chatcompletion": "/v1", "openai": "/v1", "claude": "", "gemini": ""}


def decide(request: ReceivedRequest) -> Turn:
    """Looks around, thinking aloud; then answers."""
    done = len(request.view.results)
    if "new_answer" not in request.view.tool_names:
        return say("four")
    if done == 0:
        return Turn(reasoning="What is here?", text="Looking.", calls=(call(LIST, path="."),))
    if done == 1:
        return Turn(reasoning="Is it there?", calls=(call(READ, path="a.txt"), call(READ, path="b.txt")))
    return Turn(reasoning="Done.", text="Here it is.", calls=(call("new_answer", content="four"),))


def team(server: ScriptedProvider, kind: str) -> dict[str, Any]:
    backend = {"type": kind, "model": "m1", "base_url": server.base_url + FORMATS[kind], "api_key": "sk-x", "cwd": "w"}
    return {"agents": [{"id": "one", "backend": backend}]}


def cuts(finished: Path) -> list[Cut]:
    """After each event from which a round goes on."""
    found: list[Cut] = []
    size = 0
    for line in (finished / "turn_1/attempt_1/events.jsonl").read_bytes().splitlines(keepends=True):
        size += len(line)
        kind = json.loads(line)["event_type"]
        if kind in ("model_call", "tool_end", "conversation"):
            found.append(Cut(finished, 1, size))
    return found


@pytest.mark.parametrize("kind", FORMATS)
def test_requests_are_the_same_byte_for_byte(tmp_path: Path, kind: str) -> None:
    async def story() -> None:
        async with ScriptedProvider({"m1": decide}) as server:
            config = team(server, kind)
            finished = await whole_run(tmp_path, config)
            assert finished.exit_code == 0, finished.message
            whole = [item.json for item in server.requests]
            assert len(whole) == 3
            points = cuts(finished.log_dir)[::3]
            assert len(points) == 3
            for cut in points:
                server.requests.clear()
                result = await go_on(tmp_path, config, cut.make(tmp_path))
                assert result.exit_code == 0, result.message
                again = [item.json for item in server.requests]
                assert len(again) < len(whole), cut.size
                assert again[:1] == whole[len(whole) - len(again) :][:1], cut.size

    asyncio.run(asyncio.wait_for(story(), 250))
