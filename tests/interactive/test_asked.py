"""An agent asks the person at the terminal, through the real program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.interactive.teams import agent_turns, write_team
from tests.interactive.terminal import Terminal

ASKED = "Your response (or Enter to skip):"


def asking_team(directory: Path, seconds: int = 300, delay: float = 0.0) -> None:
    ask: dict[str, Any] = {"name": "ask_others", "arguments": {"question": "Which editor do you use?"}}
    reading = {"when": {"after_tool": "ask_others", "answers_below": 1}, "answer": "A formatter.", "delay": 0.0}
    turns = [
        reading,
        {"when": {"answers_below": 1}, "calls": [ask], "delay": delay},
        *agent_turns("amber")[1:],
    ]
    more = {
        "orchestrator": {
            "voting_sensitivity": "lenient",
            "coordination": {"broadcast": "human", "broadcast_timeout": seconds},
        }
    }
    write_team(directory, ("amber",), turns={"amber": turns}, more=more)


def results_in(directory: Path) -> list[str]:
    """What `ask_others` answered, as the agent's next call to its model shows it."""
    calls = (directory / ".massgen" / "massgen_logs").glob("log_2*/turn_1/attempt_1/llm_calls/*.json")
    return [path.read_text() for path in calls]


@pytest.mark.spec("COORD-147")
@pytest.mark.parametrize("display", [("--no-display",), ("--display", "rich_terminal")])
def test_the_question_stands_in_a_block_and_the_typed_line_answers_it(tmp_path: Path, display: tuple[str, ...]):
    asking_team(tmp_path)
    with Terminal(tmp_path, *display, "--config", "team.yaml", "Tabs or spaces?") as terminal:
        terminal.expect("📢 BROADCAST FROM AMBER")
        block = terminal.expect(ASKED)
        assert "Which editor do you use?" in block and "=" * 70 in block
        for line in ("Type your response and press Enter", "Press Enter alone to skip", "You have 300 seconds"):
            assert line in block
        terminal.line("Only ed.")
        terminal.expect("Winner: amber")
        if display == ("--no-display",):
            assert terminal.wait() == 0
    assert any("Only ed." in text for text in results_in(tmp_path))


@pytest.mark.spec("COORD-147")
def test_enter_alone_skips_in_a_session(tmp_path: Path):
    asking_team(tmp_path)
    with Terminal(tmp_path, "--no-display", "--config", "team.yaml") as terminal:
        terminal.expect("User: ")
        terminal.line("Tabs or spaces?")
        terminal.expect(ASKED)
        terminal.line("")
        terminal.expect("Winner: amber")
        terminal.expect("User: ")
        terminal.line("/quit")
        assert terminal.wait() == 0
    assert any('\\"responses\\": []' in text and '\\"complete\\"' in text for text in results_in(tmp_path))


@pytest.mark.spec("COORD-147")
def test_when_the_time_is_over_the_agents_go_on(tmp_path: Path):
    asking_team(tmp_path, seconds=1)
    with Terminal(tmp_path, "--no-display", "--config", "team.yaml", "Tabs or spaces?") as terminal:
        terminal.expect(ASKED)
        terminal.expect("The time to respond is over")
        terminal.expect("Winner: amber")
        assert terminal.wait() == 0
    assert any('\\"timeout\\"' in text for text in results_in(tmp_path))


@pytest.mark.spec("COORD-147")
def test_who_has_ended_the_input_is_not_waited_for(tmp_path: Path):
    asking_team(tmp_path, delay=2.0)
    with Terminal(tmp_path, "--no-display", "--config", "team.yaml", "Tabs or spaces?") as terminal:
        terminal.expect("amber")
        terminal.send("\x04")
        terminal.expect(ASKED)
        assert "The time to respond is over" not in terminal.expect("Winner: amber")
        assert terminal.wait() == 0
    assert any('\\"responses\\": []' in text and '\\"complete\\"' in text for text in results_in(tmp_path))
