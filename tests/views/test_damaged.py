"""Readers take whatever lies in a log directory (LOG-079)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from massgen.events.codec import read_events
from massgen.views.coordination_log import CoordinationLog
from massgen.views.follow import follow
from massgen.views.metrics import Metrics
from massgen.views.past import locate, log_directories, overview, read_metrics, read_status, turns
from massgen.views.run_state import RunState
from massgen.views.sharing import manifest, select
from massgen.views.table import coordination_table
from massgen.views.transcript import Transcript
from tests.views.scene import Scene

QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KNOWN = st.sampled_from(
    ["session_start", "content", "new_answer", "vote", "final_answer", "tool_end", "model_call", "agent_status", "fact"]
)
RECORDS = st.fixed_dictionaries(
    {"seq": st.integers() | st.booleans(), "event_type": KNOWN | JSON, "data": JSON},
    optional={
        "timestamp": st.floats() | JSON,
        "agent_id": st.sampled_from(["ann", None]) | JSON,
        "turn": JSON,
        "attempt": st.integers(),
        "round": st.floats() | JSON,
    },
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scene = Scene(tmp_path_factory.mktemp("logs") / "log_20260101_000000_000001")
    scene.told()
    (scene.here / "status.json").write_text(json.dumps(scene.snapshot()), encoding="utf-8")
    return scene.root


def read_everything(root: Path) -> None:
    """Every reader once; all of them must come back."""
    state, metrics, log, transcript = RunState(), Metrics(), CoordinationLog(), Transcript()
    for event in read_events(root / "turn_1" / "attempt_1" / "events.jsonl"):
        for fold in (state, metrics, log, transcript):
            fold.apply(event)
    coordination_table(state, log)
    place = locate(root)
    assert place is not None
    overview(root)
    read_status(place)
    read_metrics(place)
    selection = select(root, turns(root), lambda text: text, workspace_limit=1000)
    json.dumps(manifest(root, selection))


@pytest.mark.spec("LOG-079")
@QUICK
@given(lines=st.lists(RECORDS | JSON, max_size=8))
def test_events_of_any_content_are_read(told: Path, lines: list[object]) -> None:
    path = told / "turn_1" / "attempt_1" / "events.jsonl"
    before = path.read_bytes()
    status = told / "turn_1" / "attempt_1" / "status.json"
    kept = status.read_bytes()
    try:
        status.unlink()
        added = "\n".join(json.dumps(line) for line in lines).encode()
        path.write_bytes(before + added)
        read_everything(told)
    finally:
        path.write_bytes(before)
        status.write_bytes(kept)


@pytest.mark.spec("LOG-079")
@QUICK
@given(value=JSON, name=st.sampled_from(["status.json", "metrics_summary.json"]))
def test_files_that_hold_something_else_are_read(told: Path, value: object, name: str) -> None:
    path = told / "turn_1" / "attempt_1" / name
    before = path.read_bytes()
    try:
        keys = {"agents": value, "meta": value, "results": value, "totals": value, "exit_code": value}
        for text in (json.dumps(value), json.dumps({**keys, "agents": {}}), json.dumps(keys)):
            path.write_text(text, encoding="utf-8")
            read_everything(told)
    finally:
        path.write_bytes(before)


@pytest.mark.spec("LOG-079")
@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"\xff\xfe{", b"[" * 100_000, b'{"agents": {"a": null'])
def test_torn_files_are_read(told: Path, data: bytes) -> None:
    attempt = told / "turn_1" / "attempt_1"
    kept = {path: path.read_bytes() for path in attempt.glob("*.json*")}
    try:
        for path in kept:
            path.write_bytes(data)
        read_everything(told)
        read_events_until_end(told)
    finally:
        for path, before in kept.items():
            path.write_bytes(before)


def read_events_until_end(root: Path) -> None:
    async def watch() -> None:
        async for _ in follow(root, poll_seconds=0.01):
            return

    async def limited() -> None:
        try:
            await asyncio.wait_for(watch(), 0.1)
        except TimeoutError:
            return

    asyncio.run(limited())


@pytest.mark.spec("LOG-001", "LOG-005", "LOG-079")
def test_only_run_directories_are_listed_newest_first(tmp_path: Path) -> None:
    for name in ("log_20260101_000000_000001", "log_20250101_000000", "log_latest_", "notes", "log_2026"):
        (tmp_path / name).mkdir()
    (tmp_path / "log_latest").symlink_to("log_20260101_000000_000001")
    (tmp_path / "log_20260102_000000_000001").write_text("a file")
    found = [path.name for path in log_directories(tmp_path)]
    assert found == ["log_20260101_000000_000001", "log_20250101_000000"]
    assert overview(tmp_path / "log_20250101_000000").started is not None


@pytest.mark.spec("LOG-074")
def test_log_turn_attempt_and_flat_link_lead_to_the_same_place(told: Path) -> None:
    attempt = told / "turn_1" / "attempt_1"
    places = [locate(path) for path in (told, told / "turn_1", attempt, told / "attempt_1")]
    assert {(place.root, place.attempt) for place in places if place is not None} == {
        (told.resolve(), attempt.resolve())
    }
    assert locate(told.parent) is None
    assert locate(told / "nothing") is None


@pytest.mark.spec("LOG-079")
def test_a_run_without_status_is_known_from_its_events(told: Path) -> None:
    place = locate(told)
    assert place is not None
    (place.attempt / "status.json").rename(place.attempt / "away")
    (place.attempt / "metrics_summary.json").rename(place.attempt / "away2")
    try:
        run = overview(told)
        assert (run.question, run.winner, run.complete) == ("What is 2+2?", "bob", True)
        assert read_metrics(place)["rounds"]["by_type"]["vote"] == 2
    finally:
        (place.attempt / "away").rename(place.attempt / "status.json")
        (place.attempt / "away2").rename(place.attempt / "metrics_summary.json")
