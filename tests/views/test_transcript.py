from __future__ import annotations

from pathlib import Path

import pytest

from massgen.views.transcript import Transcript
from tests.views.scene import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.fixture
def transcript(scene: Scene) -> Transcript:
    fold = Transcript()
    scene.stream.subscribe(fold.apply)
    return fold


@pytest.mark.spec("LOG-053")
def test_rounds_hold_text_reasoning_and_calls_in_order(scene: Scene, transcript: Transcript) -> None:
    scene.begin()
    scene.round("ann")
    scene.stream.text("ann", 0, "reasoning", "Hm")
    scene.stream.text("ann", 0, "text", "Let me ")
    scene.stream.flush()
    scene.stream.text("ann", 0, "text", "see.")
    scene.tool("ann", "add", "4")
    scene.answer("ann", "agent1.1", "Four.")
    (one,) = transcript.agents["ann"].rounds
    assert [(piece.kind, piece.text) for piece in one.pieces if piece.tool is None] == [
        ("reasoning", "Hm"),
        ("text", "Let me see."),
        ("text", "Four."),
    ]
    assert [piece.kind for piece in one.pieces] == ["reasoning", "text", "tool", "text"]
    call = one.pieces[2].tool
    assert call is not None
    assert (call.name, call.result, call.is_error) == ("add", "4", False)
    assert (one.end, one.label) == ("answer", "agent1.1")


@pytest.mark.spec("LOG-053")
def test_votes_restarts_and_the_presentation_end_rounds(scene: Scene, transcript: Transcript) -> None:
    scene.told()
    ends = {name: [(one.end, one.label) for one in agent.rounds] for name, agent in transcript.agents.items()}
    assert ends["ann"] == [("answer", "agent1.1"), ("vote", "agent2.1")]
    assert ends["bob"] == [("answer", "agent2.1"), ("vote", "agent2.1"), ("final", "agent2.final")]
    assert transcript.agents["bob"].rounds[-1].pieces[0].text == "2 + 2 = 4."


@pytest.mark.spec("LOG-053")
def test_rounds_of_all_turns_are_kept(scene: Scene, transcript: Transcript) -> None:
    scene.told()
    scene.begin("And 3+3?", turn=2)
    scene.round("ann")
    assert transcript.question == "And 3+3?"
    assert [one.turn for one in transcript.agents["ann"].rounds] == [1, 1, 2]


def test_text_of_a_round_that_nobody_announced_is_not_lost(scene: Scene, transcript: Transcript) -> None:
    scene.told()
    scene.stream.text("bob", 3, "text", "I judge it right.")
    scene.stream.flush()
    last = transcript.agents["bob"].rounds[-1]
    assert (last.kind, last.pieces[0].text) == ("evaluation", "I judge it right.")
