"""A secret that a model says reaches neither the program that asked nor the session (invariant 11)."""

from __future__ import annotations

from pathlib import Path

from massgen.testing import answer_then_vote
from tests.runs.place import KEY, play


def test_results_and_sessions_hold_no_configured_key(tmp_path: Path) -> None:
    said = answer_then_vote(f"the key is {KEY}", reason=f"because of {KEY}")
    played = play(tmp_path, {"one": said, "two": said})
    result = played.result
    assert result.exit_code == 0 and "the key is" in result.answer
    assert len(result.answers) == 2 and len(result.votes) == 2
    assert KEY not in repr(result)
    kept = [path for path in (tmp_path / ".massgen" / "sessions").rglob("*") if path.is_file()]
    assert kept and not [path for path in kept if KEY in path.read_text()]
