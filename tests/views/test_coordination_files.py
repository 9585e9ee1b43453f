from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from massgen.events.types import OrchestrationRestart
from massgen.views.table import columns
from tests.views.scene import Scene

GOLDEN = Path(__file__).parent / "golden" / "coordination_table.txt"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    told = Scene(tmp_path / "log_20260101_000000_000001")
    told.told()
    return told


@pytest.mark.spec("LOG-050")
def test_events_are_numbered_objects_with_iso_times(scene: Scene) -> None:
    events = scene.json("coordination_events.json")
    assert [event["event_id"] for event in events] == [f"E{n}" for n in range(1, len(events) + 1)]
    assert all(set(event) == {"event_id", "timestamp", "agent_id", "event_type", "data"} for event in events)
    stamps = [datetime.fromisoformat(event["timestamp"]) for event in events]
    assert stamps == sorted(stamps)


@pytest.mark.spec("LOG-050")
def test_the_events_are_valid_json_after_every_event(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    seen: list[int] = []

    def check(event: object) -> None:
        path = scene.here / "coordination_events.json"
        if path.exists():
            seen.append(len(json.loads(path.read_text(encoding="utf-8"))))

    scene.stream.subscribe(check)
    scene.told()
    assert seen == sorted(seen)
    assert seen[-1] == len(scene.json("coordination_events.json"))


@pytest.mark.spec("LOG-051")
def test_a_run_tells_all_documented_kinds_with_their_data(scene: Scene) -> None:
    events = scene.json("coordination_events.json")
    kinds = {event["event_type"]: event["data"] for event in events}
    assert set(kinds) == {"started_streaming", "new_answer", "vote", "restart", "restart_completed", "final_answer"}
    assert kinds["vote"] == {"vote_for": "agent2.1", "reason": "It explains itself."}
    assert kinds["new_answer"] == {"label": "agent2.1", "preview": "It is 4, as anyone can count."}
    assert kinds["final_answer"]["label"] == "agent2.final"
    assert kinds["restart_completed"] == {"context": ["agent1.1"]}


@pytest.mark.spec("LOG-052", "COORD-054")
def test_votes_are_those_that_stand_by_real_names(scene: Scene) -> None:
    vote = scene.json("vote.json")
    assert (vote["winner"], vote["consensus_reached"]) == ("bob", True)
    assert {name: value["voted_for"] for name, value in vote["votes"].items()} == {"ann": "bob", "bob": "bob"}
    assert vote["votes"]["ann"]["reason"] == "More comprehensive."


@pytest.mark.spec("LOG-052")
def test_a_split_vote_is_consensus_too(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.begin()
    scene.answer("ann", "agent1.1", "One.")
    scene.answer("bob", "agent2.1", "Two.")
    scene.vote("ann", "ann", "agent1.1")
    scene.vote("bob", "bob", "agent2.1")
    scene.present("ann", "agent1.1", "One.")
    scene.end()
    assert scene.json("vote.json")["consensus_reached"] is True
    assert scene.json("vote.json")["winner"] == "ann"


@pytest.mark.spec("LOG-052")
def test_a_timeout_is_no_consensus_and_voided_votes_are_not_listed(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.begin()
    scene.answer("ann", "agent1.1", "One.")
    scene.vote("ann", "ann", "agent1.1")
    scene.answer("bob", "agent2.1", "Two.")
    scene.restart("ann", "agent2.1")
    scene.vote("bob", "bob", "agent2.1")
    scene.present("bob", "agent2.1", "Two.", how="timeout")
    scene.end(3, "timeout")
    vote = scene.json("vote.json")
    assert vote["consensus_reached"] is False
    assert list(vote["votes"]) == ["bob"]


@pytest.mark.spec("LOG-054", "LOG-055", "LOG-056")
def test_the_table_is_the_golden_one(scene: Scene) -> None:
    assert (scene.here / "coordination_table.txt").read_text(encoding="utf-8") == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.spec("LOG-054")
def test_all_lines_of_the_table_are_equally_wide_whatever_agents_write(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.begin(question="為什麼天空是藍色的?" * 20 + "\x1b[31m\ttab\u202e")
    scene.answer("ann", "agent1.1", "e\u0301" * 90 + "漢字" * 60 + "\x07 🏳️‍🌈 " + "x" * 300)
    scene.end()
    lines = (scene.here / "coordination_table.txt").read_text(encoding="utf-8").splitlines()
    table = [line for line in lines if line.startswith(("|", "+"))]
    assert len({columns(line) for line in table}) == 1
    assert "\x1b" not in "".join(lines)


@pytest.mark.spec("LOG-057")
def test_the_summary_counts_what_the_events_say(scene: Scene) -> None:
    events = scene.json("coordination_events.json")
    text = (scene.here / "coordination_table.txt").read_text(encoding="utf-8")
    summary = text[text.index("SUMMARY") :]
    for title, kind in (("Answers", "new_answer"), ("Votes", "vote"), ("Restarts", "restart")):
        row = next(line for line in summary.splitlines() if line.startswith(f"| {title}"))
        counts = [int(cell) for cell in row.strip("|").split("|")[1:]]
        assert counts == [
            sum(event["event_type"] == kind and event["agent_id"] == name for event in events) for name in scene.agents
        ]
    assert f"{len(events)} events" in summary


@pytest.mark.spec("LOG-002")
def test_each_attempt_has_its_own_events_and_votes(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.begin()
    scene.answer("ann", "agent1.1", "One.")
    scene.vote("ann", "ann", "agent1.1")
    scene.emit(OrchestrationRestart(next_attempt=2, max_attempts=2, reason="wrong", instructions="right"))
    first = scene.here
    scene.enter(1, 2)
    from massgen.events.types import AttemptStart

    scene.emit(AttemptStart(reason="wrong"))
    scene.answer("bob", "agent2.1", "Two.")
    scene.end(2, "error")
    events = [json.loads((where / "coordination_events.json").read_text()) for where in (first, scene.here)]
    assert [event["agent_id"] for event in events[0]] == ["ann", "ann"]
    assert [event["agent_id"] for event in events[1]] == ["bob"]
    assert events[1][0]["event_id"] == "E1"
