from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from massgen.events.types import PhaseChange, WinnerSelected
from massgen.views.files import write_json
from massgen.views.status import HEARTBEAT_SECONDS, StatusWriter
from tests.views.scene import Scene
from tests.views.status_schema import STATUS

SCHEMA = Draft202012Validator(STATUS)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "log_20260101_000000_000001")


@pytest.mark.spec("LOG-030")
def test_the_snapshot_after_every_event_has_the_documented_shape(scene: Scene) -> None:
    seen = []

    def check(event: object) -> None:
        SCHEMA.validate(scene.snapshot())
        seen.append(event)

    scene.stream.subscribe(check)
    scene.told()
    scene.begin(turn=2)
    scene.status("ann", "timeout", error=("timeout", "Agent timeout after 180s"))
    scene.end(3, "timeout")
    assert len(seen) > 30


@pytest.mark.spec("LOG-035", "COORD-050")
def test_answers_and_votes_count_half_each(scene: Scene) -> None:
    scene.begin()
    found = [scene.snapshot()["completion_percentage"]]
    scene.answer("ann", "agent1.1", "One.")
    found.append(scene.snapshot()["completion_percentage"])
    scene.answer("bob", "agent2.1", "Two.")
    found.append(scene.snapshot()["completion_percentage"])
    scene.vote("ann", "bob", "agent2.1")
    found.append(scene.snapshot()["completion_percentage"])
    scene.vote("bob", "bob", "agent2.1")
    found.append(scene.snapshot()["completion_percentage"])
    assert found == [0, 25, 50, 75, 99]
    scene.present("bob", "agent2.1", "Two.")
    assert scene.snapshot()["coordination"]["completion_percentage"] == 99
    scene.end()
    assert scene.snapshot()["coordination"]["completion_percentage"] == 100


@pytest.mark.spec("LOG-035")
@pytest.mark.parametrize("kind", ["error", "timeout"])
def test_a_failed_agent_counts_as_done(tmp_path: Path, kind: str) -> None:
    scene = Scene(tmp_path / "log_1", agents=("ann", "bob", "cem"))
    scene.begin()
    scene.status("cem", kind, error=(kind, "gone"))
    assert scene.snapshot()["completion_percentage"] == 33
    scene.answer("ann", "agent1.1", "One.")
    assert scene.snapshot()["completion_percentage"] == 50


@pytest.mark.spec("LOG-035")
def test_without_voting_each_answer_counts_whole(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "log_1", mode="decomposition")
    scene.begin()
    scene.answer("ann", "agent1.1", "One.")
    assert scene.snapshot()["completion_percentage"] == 50


@pytest.mark.spec("LOG-037")
def test_the_first_snapshot_is_the_documented_one(scene: Scene) -> None:
    scene.begin()
    scene.round("ann")
    first = scene.snapshot()
    assert first["coordination"]["phase"] == "initial_answer"
    assert first["completion_percentage"] == 0
    assert first["results"] == {"votes": {}, "winner": None, "final_answer_preview": None}
    assert [agent["status"] for agent in first["agents"].values()] == ["streaming", "waiting"]
    assert first["coordination"]["active_agent"] == "ann"
    assert first["is_complete"] is False


@pytest.mark.spec("LOG-038", "LOG-036")
def test_the_last_snapshot_is_the_documented_one(scene: Scene) -> None:
    scene.told()
    last = scene.snapshot()
    assert last["coordination"]["phase"] == "presentation"
    assert last["coordination"]["active_agent"] is None
    assert last["coordination"]["is_final_presentation"] is True
    assert last["results"]["winner"] == "bob"
    assert last["results"]["final_answer_preview"] == "2 + 2 = 4."
    assert (last["is_complete"], last["exit_code"]) == (True, 0)
    assert last["agents"]["ann"]["latest_answer_label"] == "agent1.1"


@pytest.mark.spec("LOG-038", "AUTO-071")
def test_a_chosen_winner_is_not_shown_before_the_answer_is_on_disk(scene: Scene) -> None:
    scene.begin()
    scene.answer("ann", "agent1.1", "One.")
    winner: list[bool] = []

    def check(event: object) -> None:
        snapshot = scene.snapshot()
        shown = snapshot["results"]["winner"]
        if shown is not None or snapshot["completion_percentage"] == 100:
            winner.append((scene.here / "final" / str(shown) / "answer.txt").is_file())

    scene.stream.subscribe(check)
    scene.emit(WinnerSelected(agent="ann", label="agent1.1", votes={}, is_tie=False, how="consensus"), "ann")
    scene.emit(PhaseChange(phase="presentation"))
    assert winner == []
    scene.present("ann", "agent1.1", "One.")
    scene.end()
    assert winner
    assert all(winner)


@pytest.mark.spec("LOG-039", "COORD-048")
def test_a_vote_that_a_new_answer_voids_is_not_counted(scene: Scene) -> None:
    scene.begin()
    scene.answer("ann", "agent1.1", "One.")
    scene.vote("bob", "ann", "agent1.1", reason="r" * 300)
    assert scene.snapshot()["results"]["votes"] == {"agent1.1": 1}
    assert scene.snapshot()["agents"]["bob"]["vote_cast"] == {
        "voted_for_agent": "ann",
        "voted_for_label": "agent1.1",
        "reason_preview": "r" * 100,
    }
    scene.answer("ann", "agent1.2", "Better.", 1)
    scene.restart("bob", "agent1.2")
    assert scene.snapshot()["results"]["votes"] == {"agent1.1": 0, "agent1.2": 0}
    assert scene.snapshot()["agents"]["bob"]["vote_cast"] is None


@pytest.mark.spec("LOG-040", "AUTO-074")
def test_a_failed_agent_carries_its_error_while_others_go_on(scene: Scene) -> None:
    scene.begin()
    scene.status("ann", "timeout", error=("timeout", "Agent timeout after 180s"))
    scene.answer("bob", "agent2.1", "Two.")
    agents = scene.snapshot()["agents"]
    error = agents["ann"]["error"]
    assert (error["type"], error["message"]) == ("timeout", "Agent timeout after 180s")
    assert isinstance(error["timestamp"], float)
    assert agents["bob"]["error"] is None


@pytest.mark.spec("LOG-041", "AUTO-073", "LOG-062")
def test_tokens_and_cost_grow_with_every_model_call(scene: Scene) -> None:
    scene.begin()
    found = []
    for name in ("ann", "bob", "ann"):
        scene.call(name, (100, 10), 0.25)
        snapshot = scene.snapshot()
        found.append((snapshot["total_tokens_used"], snapshot["costs"]["total_estimated_cost"]))
        assert snapshot["total_cost"] == snapshot["costs"]["total_estimated_cost"]
    assert found == [(110, 0.25), (220, 0.5), (330, 0.75)]
    telemetry = scene.snapshot()["telemetry"]
    assert sum(agent["calls"] for agent in telemetry["by_agent"].values()) == telemetry["total_calls"] == 3
    assert telemetry["by_agent"]["ann"] == {"tokens": 220, "cost": 0.5, "latency": 1.0, "calls": 2}


@pytest.mark.spec("LOG-032")
def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    write_json(path, {"text": "x" * 100_000})
    stop = threading.Event()
    failures: list[str] = []
    reads = [0]

    def read() -> None:
        while not stop.is_set():
            reads[0] += 1
            try:
                json.loads(path.read_text(encoding="utf-8"))
            except (ValueError, OSError) as error:
                failures.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(300):
        write_json(path, {"text": "y" * (1000 * (number % 100))})
    while reads[0] < 300:
        write_json(path, {})
    stop.set()
    reader.join()
    assert failures == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]


@pytest.mark.spec("LOG-031")
def test_the_file_is_written_anew_while_nothing_happens(scene: Scene) -> None:
    scene.begin()
    path = scene.here / "status.json"

    async def watch() -> list[float]:
        writer = StatusWriter(scene.state, scene.root, lambda: (path,))
        writer.start()
        times = [json.loads(path.read_text())["meta"]["last_updated"]]
        async with asyncio.timeout(250):
            while len(times) < 2:
                await asyncio.sleep(0.05)
                now = json.loads(path.read_text())["meta"]["last_updated"]
                if now != times[-1]:
                    times.append(now)
        writer.stop()
        return times

    first, second = asyncio.run(watch())
    assert second - first >= HEARTBEAT_SECONDS * 0.9
    assert HEARTBEAT_SECONDS == 2.0


@pytest.mark.spec("LOG-031", "AUTO-014")
def test_the_end_is_written_at_once_to_all_places(scene: Scene, tmp_path: Path) -> None:
    places = (scene.root / "turn_1" / "attempt_1" / "status.json", tmp_path / "copy.json")

    async def run() -> None:
        writer = StatusWriter(scene.state, scene.root, lambda: places)
        scene.stream.subscribe(writer)
        scene.told()

    asyncio.run(run())
    first, second = (json.loads(path.read_text()) for path in places)
    assert first["is_complete"] is True
    assert first == second


@pytest.mark.spec("LOG-031")
def test_a_place_that_cannot_be_written_does_not_matter(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nowhere" / "unwritable-status.json"

    async def run() -> None:
        writer = StatusWriter(scene.state, scene.root, lambda: (missing, scene.here / "status.json"))
        scene.stream.subscribe(writer)
        scene.told()

    asyncio.run(run())
    assert scene.json("status.json")["is_complete"] is True
    assert capsys.readouterr().err.count("unwritable-status.json could not be written") == 1
