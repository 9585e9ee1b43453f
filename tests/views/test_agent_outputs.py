from __future__ import annotations

import random
from pathlib import Path

import pytest

from massgen.events.types import OrchestrationRestart
from massgen.views.append import MaskedText
from tests.views.scene import Scene


@pytest.mark.spec("LOG-010")
def test_an_agents_file_holds_all_it_said_in_every_round(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.begin()
    scene.round("ann")
    scene.tool("ann", "add", "boom", failed=True)
    scene.answer("ann", "agent1.1", "Round one text")
    scene.round("ann", 1, "refine", ("agent1.1",))
    scene.answer("ann", "agent1.2", "Round two text", 1)
    scene.status("ann", "error", 1, error=("api_error", "HTTP 500"))
    scene.end(2, "error")
    text = (scene.here / "agent_outputs" / "ann.txt").read_text()
    order = ["tool call] add", "tool error] add", "Round one text", "agent1.1", "Round two text", "api_error: HTTP 500"]
    positions = [text.index(part) for part in order]
    assert positions == sorted(positions)
    assert not (scene.here / "agent_outputs" / "bob.txt").exists()


@pytest.mark.spec("LOG-012")
def test_system_status_tells_phases_and_the_winner(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.told()
    text = (scene.here / "agent_outputs" / "system_status.txt").read_text()
    for line in ("Phase: enforcement", "Phase: presentation", "Winner selected: bob (agent2.1", "Turn ended: complete"):
        assert line in text


@pytest.mark.spec("LOG-010")
def test_chat_and_tool_logs_are_lines_to_follow(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.begin()
    scene.round("ann")
    scene.tool("ann", "add", "line\n" * 5000)
    scene.answer("ann", "agent1.1", "Four.")
    scene.end()
    chat = (scene.here / "agent_chat.log").read_text().splitlines()
    tools = (scene.here / "tool_calls.log").read_text().splitlines()
    assert len(tools) == 2
    assert "ann calls add" in tools[0]
    assert "25000 characters (94 ms)" in tools[1]
    assert any(line.endswith("ann answers agent1.1: Four.") for line in chat)


@pytest.mark.spec("LOG-002", "LOG-010")
def test_a_new_attempt_writes_files_of_its_own(tmp_path: Path) -> None:
    from massgen.events.types import AttemptStart

    scene = Scene(tmp_path)
    scene.begin()
    scene.answer("ann", "agent1.1", "First.")
    scene.emit(OrchestrationRestart(next_attempt=2, max_attempts=2, reason="wrong", instructions=""))
    first = scene.here
    scene.enter(1, 2)
    scene.emit(AttemptStart(reason="wrong"))
    scene.answer("ann", "agent1.1", "Second.")
    scene.end()
    assert "Second." not in (first / "agent_outputs" / "ann.txt").read_text()
    assert "First." not in (scene.here / "agent_outputs" / "ann.txt").read_text()
    assert "Second." in (scene.here / "agent_outputs" / "ann.txt").read_text()


@pytest.mark.spec("LOG-095")
def test_no_cut_of_streamed_text_lets_a_secret_through() -> None:
    secret = "sk-planted-0123456789"
    text = f"{'x' * 30_000}{secret}{'y' * 20_000}\nand {secret} again\n{secret}"
    dice = random.Random(7)
    for _ in range(30):
        out: list[str] = []
        masked = MaskedText(lambda value: value.replace(secret, "[redacted]"), out.append)
        position = 0
        while position < len(text):
            step = dice.choice((1, 3, 7, 1000, 9000))
            masked.feed(text[position : position + step])
            position += step
        masked.end()
        assert "".join(out) == text.replace(secret, "[redacted]")
