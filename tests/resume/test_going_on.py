"""A round that was in progress goes on: the same conversation, byte for byte, and no tool called twice."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import select
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from massgen.events.codec import read_run
from massgen.events.types import NewAnswer, StartedStreaming, ToolEnd, ToolStart, Warned
from massgen.runs.sessions import Session
from massgen.testing import ReceivedRequest, ScriptedProvider
from tests.needs import needs
from tests.resume.course import folded
from tests.resume.team import go_on, play_until, team, working

POINTS = [
    ("model_call", 2, False),
    ("tool_end", 4, True),
    ("tool_end", 7, False),
    ("session_end", 1, False),
]
CALLS = 12
"""Model calls of a run that nobody kills: per agent four until the answer and one vote, two for the presentation."""


EVENTS = 86
"""Events of such a run before its last."""


def conversations(requests: Sequence[ReceivedRequest]) -> dict[str, list[list[Any]]]:
    """The messages of each request as they came, by what the round was asked."""
    found: dict[str, list[list[Any]]] = {}
    for received in requests:
        body = received.json
        head = json.dumps([body["model"], body["messages"][:2], body.get("tools")])
        found.setdefault(head, []).append(body["messages"])
    return found


def check(log_dir: Path, server: ScriptedProvider, launch: Path, deaths: int = 1) -> None:
    """Everything that has to hold after a run was killed and gone on with."""
    events = list(read_run(log_dir))
    labels = [event.body.label for event in events if isinstance(event.body, NewAnswer)]
    assert sorted(labels) == ["agent1.1", "agent2.1"]
    story = folded(log_dir)
    assert story.follows, (story.problems, [attempt.problems for attempt in story.attempts])
    for rounds in conversations(server.requests).values():
        for earlier, later in itertools.pairwise(rounds):
            assert later[: len(earlier)] == earlier
    assert len(conversations(server.requests)) == 5
    assert len(server.requests) <= CALLS + 2 * deaths
    started = [event.body.call_id for event in events if isinstance(event.body, ToolStart)]
    ended = [event.body.call_id for event in events if isinstance(event.body, ToolEnd)]
    assert len(set(started)) == len(started) == 7 and sorted(started) == sorted(ended)
    begun = [event for event in events if isinstance(event.body, StartedStreaming)]
    assert len({(event.agent_id, event.round) for event in begun}) == 5
    again = len(begun) - 5  # a presentation that was heard in part is said anew: readers forget its pieces
    assert again in range(deaths + 1) and all(event.round == begun[-1].round for event in begun[5:])
    for counts in launch.glob(".massgen/workspaces/*/count.txt"):
        lines = counts.read_text().split()
        assert len(set(lines)) == len(lines)
    status = json.loads((log_dir / "status.json").read_text())
    assert status["is_complete"] and status["results"]["winner"] == "agent m1"
    session = Session.newest(launch / ".massgen/sessions")
    assert session is not None and [turn.answer for turn in session.turns()] == ["four"]
    assert not processes_of(launch)
    assert not list(launch.glob(".massgen/store/*")) and not list(launch.glob(".massgen/live/*.json"))
    assert len(list(launch.glob(".massgen/workspaces/work_*"))) == 2


def processes_of(launch: Path) -> list[int]:
    """Processes that name the directory and do not end."""
    left: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.fsencode(launch) not in (entry / "cmdline").read_bytes():
                continue
            descriptor = os.pidfd_open(int(entry.name))
            ended, _, _ = select.select([descriptor], [], [], 120)
            os.close(descriptor)
            left += [] if ended else [int(entry.name)]
    return left


def kill_and_go_on(launch: Path, kind: str, count: int, torn: bool) -> None:
    with ScriptedProvider({"m1": working("four"), "m2": working("4")}).in_thread() as server:
        config = team(server.openai_url, ["m1", "m2"])
        log_dir = play_until(launch, config, kind, count)
        if torn:
            path = log_dir / "turn_1/attempt_1/events.jsonl"
            content = path.read_bytes()
            last = content.rstrip(b"\n").rpartition(b"\n")[2]
            path.write_bytes(content[: len(content) - len(last) // 2])
        result = asyncio.run(asyncio.wait_for(go_on(launch, config, log_dir), 250))
        assert result.exit_code == 0 and result.answer == "four", result.message
        check(log_dir, server, launch)


@needs("bwrap")
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count", "torn"), POINTS)
def test_a_round_goes_on_where_it_was_killed(tmp_path: Path, kind: str, count: int, torn: bool) -> None:
    kill_and_go_on(tmp_path, kind, count, torn)


@needs("bwrap")
@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_comes_to_its_end(tmp_path: Path) -> None:
    with ScriptedProvider({"m1": working("four"), "m2": working("4")}).in_thread() as server:
        config = team(server.openai_url, ["m1", "m2"])
        log_dir = play_until(tmp_path, config, "tool_start", 2)
        assert play_until(tmp_path, config, "conversation", 2, log_dir) == log_dir
        result = asyncio.run(asyncio.wait_for(go_on(tmp_path, config, log_dir), 250))
        assert result.exit_code == 0 and result.answer == "four", result.message
        check(log_dir, server, tmp_path, deaths=2)


@needs("bwrap")
@pytest.mark.slow
def test_the_files_of_an_answer_that_was_only_just_given_are_kept(tmp_path: Path) -> None:
    """It stands in the log, and has no step yet."""
    with ScriptedProvider({"m1": working("four"), "m2": working("4")}).in_thread() as server:
        config = team(server.openai_url, ["m1", "m2"])
        log_dir = play_until(tmp_path, config, "AnswerProposed", 1)
        result = asyncio.run(asyncio.wait_for(go_on(tmp_path, config, log_dir), 250))
        assert result.exit_code == 0 and result.answer == "four", result.message
        check(log_dir, server, tmp_path)
    told = [event.body.text for event in read_run(log_dir) if isinstance(event.body, Warned)]
    assert not [text for text in told if "could not be recovered" in text]
    kept = log_dir.glob("turn_1/attempt_1/agent m*/*/workspace/notes.txt")
    assert {path.parents[2].name for path in kept} == {"agent m1", "agent m2"}


@needs("bwrap")
@pytest.mark.soak
@pytest.mark.parametrize("torn", [False, True], ids=["whole", "torn"])
def test_rounds_go_on_at_every_event(tmp_path: Path, torn: bool) -> None:
    for number in range(4, EVENTS):
        place = tmp_path / str(number)
        place.mkdir()
        kill_and_go_on(place, "any", number, torn)
