from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from massgen.events.codec import encode, read_run
from massgen.events.types import Content, Event, OrchestrationRestart, SessionEnd
from massgen.views.follow import follow
from tests.views.scene import Scene


async def collected(log_dir: Path, *, until_end: bool = True, after: int = 0) -> list[Event]:
    async with asyncio.timeout(250):
        return [event async for event in follow(log_dir, until_end=until_end, after=after, poll_seconds=0.01)]


@pytest.mark.spec("LOG-053")
def test_a_finished_run_is_read_in_order_and_ends(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.told()
    events = asyncio.run(collected(tmp_path))
    assert events == list(read_run(tmp_path))
    assert isinstance(events[-1].body, SessionEnd)
    assert [event.seq for event in asyncio.run(collected(tmp_path, after=5))] == [e.seq for e in events[5:]]


@pytest.mark.spec("LOG-053")
def test_a_growing_run_is_followed_over_attempts_and_turns(tmp_path: Path) -> None:
    from massgen.events.types import AttemptStart

    async def watch() -> list[Event]:
        seen: list[Event] = []
        arrived = asyncio.Event()
        scene = Scene(tmp_path / "log_1")

        async def until(count: int) -> None:
            async with asyncio.timeout(250):
                while len(seen) < count:
                    await arrived.wait()
                    arrived.clear()

        async def read() -> None:
            async for event in follow(tmp_path / "log_1", poll_seconds=0.01):
                seen.append(event)
                arrived.set()

        async with asyncio.TaskGroup() as group:
            reader = group.create_task(read())
            scene.begin()
            scene.answer("ann", "agent1.1", "One.")
            await until(scene.stream.next_seq - 1)
            scene.emit(OrchestrationRestart(next_attempt=2, max_attempts=2, reason="r", instructions="i"))
            scene.enter(1, 2)
            scene.emit(AttemptStart())
            scene.end(2, "error")
            await until(scene.stream.next_seq - 1)
            scene.begin(turn=2)
            await until(scene.stream.next_seq - 1)
            reader.cancel()
        return seen

    events = asyncio.run(watch())
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert {(event.turn, event.attempt) for event in events} == {(1, 1), (1, 2), (2, 1)}


@pytest.mark.spec("LOG-053", "LOG-079")
def test_a_line_counts_once_it_is_whole_and_torn_ones_are_left_out(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.told()
    path = scene.here / "events.jsonl"
    whole = path.read_bytes()
    late = encode(
        Event(
            seq=900,
            timestamp=1.0,
            turn=1,
            attempt=1,
            agent_id="ann",
            round=0,
            body=Content(content_kind="text", text="ü" * 20),
        )
    )
    before_last = whole[: whole.rindex(b"\n", 0, -1) + 1]
    path.write_bytes(before_last + b'{"seq": 3, "torn\n' + late[:-12])

    async def watch() -> list[Event]:
        seen: list[Event] = []
        async with asyncio.timeout(250):
            async for event in follow(tmp_path, until_end=True, poll_seconds=0.01):
                seen.append(event)
                if len(seen) == before_last.count(b"\n"):
                    with path.open("ab") as file:
                        file.write(late[-12:] + whole[len(before_last) :])
        return seen

    events = asyncio.run(watch())
    assert events[-2].seq == 900
    assert isinstance(events[-1].body, SessionEnd)
