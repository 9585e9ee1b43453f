"""The change document of each answer, from the first round to the presenter's consolidated one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from massgen.testing import ReceivedRequest, Turn, call, use
from massgen.testing.policies import visible_answers
from tests.runs.place import Played, play

WRITE = "mcp__filesystem__write_file"
DOCUMENT = "# Change Document\n**Based on:** nothing\n## Decisions\n- [SELF] -- use {name}\n"


def keeper(name: str, *, writes: bool = True) -> Any:
    def decide(request: ReceivedRequest) -> Turn:
        view = request.view
        if "vote" in view.tool_names and visible_answers(view):
            return use(call("vote", agent_id="agent1", reason="r"))
        if writes and not view.results:
            final = "new_answer" not in view.tool_names
            text = "# Change Document\nconsolidated" if final else DOCUMENT.format(name=name)
            return use(call(WRITE, path="tasks/changedoc.md", content=text))
        if "new_answer" in view.tool_names:
            return use(call("new_answer", content=f"answer of {name}"))
        return Turn(text="done")

    return decide


def documented(tmp_path: Path, *, second: bool = True, **coordination: Any) -> Played:
    played = play(
        tmp_path,
        {"m1": keeper("one"), "m2": keeper("two", writes=second)},
        backend={"cwd": "ws"},
        orchestrator={"coordination": coordination},
    )
    assert played.result.exit_code == 0, played.result.message
    return played


@pytest.mark.spec("COORD-154", "COORD-155", "COORD-156", "COORD-157", "COORD-158", "LOG-009", "COORD-041")
def test_documents_are_signed_shown_to_peers_and_consolidated(tmp_path: Path) -> None:
    played = documented(tmp_path)
    assert "tasks/changedoc.md" in played.asked("m1")[0].view.system
    for model in ("m1", "m2"):
        seen = next(request for request in played.asked(model) if visible_answers(request.view)).view.text
        assert "agent1.1 -- use one" in seen and "agent2.1 -- use two" in seen
        assert "[SELF]" not in seen
    (step,) = [path.parent for path in played.attempt.glob("agent_b/*/changedoc.md")]
    for copy in (step / "changedoc.md", step / "workspace" / "tasks" / "changedoc.md"):
        assert "agent2.1 -- use two" in copy.read_text()
    assert (played.attempt / "final" / "agent_a" / "changedoc.md").read_text().endswith("consolidated")


@pytest.mark.spec("COORD-156")
def test_an_answer_without_a_document_is_no_error(tmp_path: Path) -> None:
    played = documented(tmp_path, second=False)
    assert {answer.label for answer in played.result.answers} == {"agent1.1", "agent2.1"}


@pytest.mark.spec("COORD-154")
def test_the_switch_removes_all_of_it(tmp_path: Path) -> None:
    played = documented(tmp_path, enable_changedoc=False)
    for request in (*played.asked("m1"), *played.asked("m2")):
        assert "changedoc" not in request.view.system
    assert not list(played.attempt.rglob("changedoc.md")) or all(
        path.parent.name == "tasks" for path in played.attempt.rglob("changedoc.md")
    )
    shown = next(request for request in played.asked("m2") if visible_answers(request.view)).view.text
    assert "use one" not in shown


@pytest.mark.spec("COORD-154")
def test_agents_without_files_are_not_asked_for_one(tmp_path: Path) -> None:
    played = play(tmp_path, {"m1": keeper("one", writes=False)})
    assert "changedoc" not in played.asked("m1")[0].view.system
