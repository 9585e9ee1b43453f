"""Sessions of single questions: what is kept, and how it goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from massgen.runs import registry
from massgen.runs.sessions import Session
from massgen.testing import ScriptedProvider, answer_then_vote
from tests.runs.place import massgen, write_config


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedProvider]:
    with ScriptedProvider({"one": answer_then_vote("Blue it is.")}).in_thread() as provider:
        yield provider


def sessions(launch: Path) -> list[str]:
    return sorted(path.name for path in (launch / ".massgen" / "sessions").iterdir())


@pytest.mark.spec("SESS-080", "SESS-081", "SESS-082", "SESS-084")
def test_a_named_session_is_continued_with_what_was_said(server: ScriptedProvider, tmp_path: Path) -> None:
    path = write_config(tmp_path, server.openai_url, ("one",))
    assert massgen(tmp_path, "--automation", "--config", path, "My colour?").returncode == 0
    (name,) = sessions(tmp_path)
    assert re.fullmatch(r"session_\d{8}_\d{6}", name)
    again = massgen(tmp_path, "--automation", "--session-id", name, "What did we discuss?")
    assert again.returncode == 0, again.stderr
    assert sessions(tmp_path) == [name]
    messages = server.requests_for("one")[-1].view.messages
    assert [role for role, _ in messages][:2] == ["user", "assistant"]
    assert "My colour?" in messages[0][1] and "Blue it is." in messages[1][1]
    root = tmp_path / ".massgen" / "sessions" / name
    assert (root / "turn_1" / "answer.txt").read_text() == (root / "turn_2" / "answer.txt").read_text()
    summary = (root / "SESSION_SUMMARY.txt").read_text()
    assert "My colour?" in summary and "What did we discuss?" in summary
    (entry,) = json.loads((tmp_path / ".massgen" / "sessions.json").read_text())["sessions"]
    assert (entry["session_id"], entry["status"], entry["model"]) == (name, "completed", "one")
    assert entry["config"] == str(path)
    listed = massgen(tmp_path, "--list-sessions")
    assert f"Session ID: {name}" in listed.stdout and "Status: completed" in listed.stdout


@pytest.mark.spec("SESS-085", "SESS-084")
def test_the_flag_beats_the_sessions_name_in_the_configuration(server: ScriptedProvider, tmp_path: Path) -> None:
    path = write_config(tmp_path, server.openai_url, ("one",), session_id="from_file")
    assert massgen(tmp_path, "--automation", "--config", path, "Q").returncode == 0
    assert sessions(tmp_path) == ["from_file"]
    assert massgen(tmp_path, "--automation", "--config", path, "--session-id", "from_flag", "Q").returncode == 0
    assert sessions(tmp_path) == ["from_file", "from_flag"]


@pytest.mark.spec("SESS-084", "SESS-082")
def test_a_session_of_another_directory_is_not_begun_anew_in_this_one(server: ScriptedProvider, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for place in (here, there):
        place.mkdir()
    path = write_config(tmp_path, server.openai_url, ("one",))
    assert massgen(there, "--automation", "--config", path, "Q", home=tmp_path).returncode == 0
    (name,) = sessions(there)
    done = massgen(here, "--automation", "--config", path, "--session-id", name, "And?", home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Go there first: cd {there}" in done.stderr
    assert not (here / ".massgen" / "sessions" / name).exists()
    both = massgen(there, "--automation", "--continue", "--session-id", name, "And?", home=tmp_path)
    assert both.returncode == 1 and "exclude each other" in both.stderr


@pytest.mark.spec("SESS-086", "SESS-043")
def test_sessions_kept_in_another_place_are_continued_too(server: ScriptedProvider, tmp_path: Path) -> None:
    path = write_config(tmp_path, server.openai_url, ("one",), orchestrator={"session_storage": "talks"})
    assert massgen(tmp_path, "--automation", "--config", path, "Q").returncode == 0
    inside = tmp_path / "inside"
    inside.mkdir()
    assert massgen(inside, "--automation", "--config", path, "Another", home=tmp_path).returncode == 0
    again = massgen(tmp_path, "--automation", "--continue", "And?")
    assert again.returncode == 0, again.stderr
    assert "Restored session with 1 previous turn(s)" in again.stderr
    (kept,) = (tmp_path / ".massgen" / "talks").iterdir()
    assert {"turn_1", "turn_2"} <= {entry.name for entry in kept.iterdir()}


@pytest.mark.spec("SESS-082", "CFG-001")
def test_sessions_of_one_name_in_two_projects_are_two(server: ScriptedProvider, tmp_path: Path) -> None:
    places = [tmp_path / "first", tmp_path / "second"]
    for place in places:
        place.mkdir()
        path = write_config(place, server.openai_url, ("one",), session_id="alike")
        assert massgen(place, "--automation", "--config", path, "Q", home=tmp_path).returncode == 0
    kept = json.loads((tmp_path / ".massgen" / "sessions.json").read_text())["sessions"]
    configs = [str(place / "team.yaml") for place in places]
    assert [(entry["session_id"], entry["config"]) for entry in kept] == [("alike", config) for config in configs]
    asked = len(server.requests_for("one"))
    for place in places:
        again = massgen(place, "--automation", "--session-id", "alike", "And?", home=tmp_path)
        assert again.returncode == 0, again.stderr
        kept = json.loads((tmp_path / ".massgen" / "sessions.json").read_text())["sessions"]
        assert [entry["config"] for entry in kept] == configs
        assert (place / ".massgen" / "sessions" / "alike" / "turn_2").is_dir()
    assert len(server.requests_for("one")) > asked


@pytest.mark.spec("SESS-086")
def test_continuing_where_there_is_no_session_is_a_configuration_error(tmp_path: Path) -> None:
    done = massgen(tmp_path, "--automation", "--continue", "Q")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no session to continue" in done.stderr


@pytest.mark.spec("SESS-081")
def test_a_thousand_sessions_in_one_second_get_names_of_their_own(tmp_path: Path) -> None:
    found = [Session.create(tmp_path).session_id for _ in range(1000)]
    assert len(set(found)) == 1000
    assert all(re.fullmatch(r"session_\d{8}_\d{6}", name) for name in found)
    with ThreadPoolExecutor(8) as pool:
        more = [name.session_id for name in pool.map(lambda _: Session.create(tmp_path), range(64))]
    assert len({*found, *more}) == 1064


@pytest.mark.spec("SESS-082")
def test_a_damaged_registry_keeps_what_can_be_read_and_is_whole_after_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / ".massgen" / "sessions.json"
    for name in ("one", "two", "three"):
        registry.record(registry.Entry(session_id=name, status="active", started="2025-01-01T00:00:00"))
    file.write_text(file.read_text()[:-30])
    assert {entry.session_id for entry in registry.entries()} == {"one", "two"}
    registry.record(registry.Entry(session_id="four", status="completed", started="2025-01-02T00:00:00"))
    names = [entry["session_id"] for entry in json.loads(file.read_text())["sessions"]]
    assert names == ["one", "two", "four"]


@pytest.mark.spec("SESS-082")
def test_many_writers_at_once_leave_a_whole_registry_with_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    def write(number: int) -> None:
        for status in ("active", "completed"):
            words = '} "x", {"session_id": "s1", '
            started = "2025-01-01T00:00:00"
            registry.record(registry.Entry(session_id=f"s{number}", status=status, started=started, description=words))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(100)))
    kept = json.loads((tmp_path / ".massgen" / "sessions.json").read_text())["sessions"]
    assert sorted((entry["session_id"], entry["status"]) for entry in kept) == sorted(
        (f"s{number}", "completed") for number in range(100)
    )


@pytest.mark.spec("SESS-082")
def test_the_registry_keeps_every_session_and_the_start_of_one_that_goes_on(
    server: ScriptedProvider, tmp_path: Path
) -> None:
    names = [f"old_{number:04}" for number in range(1200)]
    known = [{"session_id": name, "status": "completed", "started": "2025-01-01T00:00:00"} for name in names]
    file = tmp_path / ".massgen" / "sessions.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"sessions": known}))
    path = write_config(tmp_path, server.openai_url, ("one",))
    done = massgen(tmp_path, "--automation", "--config", path, "--session-id", names[-2], "Q")
    assert done.returncode == 0, done.stderr
    kept = json.loads(file.read_text())["sessions"]
    assert [entry["session_id"] for entry in kept] == names
    assert (kept[-2]["started"], kept[-2]["model"]) == ("2025-01-01T00:00:00", "one")
