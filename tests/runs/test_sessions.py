"""Sessions of single questions: what is kept, and how it goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.mark.spec("SESS-086")
def test_continuing_where_there_is_no_session_is_a_configuration_error(tmp_path: Path) -> None:
    done = massgen(tmp_path, "--automation", "--continue", "Q")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no session to continue" in done.stderr


@pytest.mark.spec("SESS-082")
def test_the_registry_keeps_the_newest_thousand_and_the_start_of_a_session_that_goes_on(
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
    assert [entry["session_id"] for entry in kept] == [*names[200:-2], names[-1], names[-2]]
    assert (kept[-1]["started"], kept[-1]["model"]) == ("2025-01-01T00:00:00", "one")
