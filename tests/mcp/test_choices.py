"""Choices in a server's question: picked from lists in the application, typed at the plain terminal."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from massgen.engine.person import Choices
from massgen.tools.mcp.form import BadAnswer, form_fields
from massgen.tui.picking import Picker, SendLine
from tests.interactive.teams import agent_turns, write_team
from tests.interactive.terminal import Terminal
from tests.mcp.scene import SERVERS, agent_with
from tests.mcp.test_questions import People, form, ordered, questions
from tests.tui.scene import play, screen_text, until
from tests.tui.sessions import application, leave

CHOOSING: dict[str, Any] = {"name": "shirts", "command": sys.executable, "args": [str(SERVERS / "choosing.py")]}
TOOL = "mcp__shirts__choose"
TITLED = {"type": "string", "oneOf": [{"const": "r", "title": "Red"}, {"const": "g", "title": "Green"}]}


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.chdir(tmp_path)


def chosen(*answers: Any) -> tuple[str, People]:
    """What the server says after these answers, and whom it asked."""
    people = People(*answers)

    async def run() -> str:
        async with agent_with(CHOOSING, questions=questions(people)) as scene:
            return (await scene.call(TOOL)).text

    return asyncio.run(run()), people


def test_choices_reach_the_person_with_their_titles_and_defaults_and_the_server_gets_values() -> None:
    said, people = chosen(("large",), ("g",), ("pocket", "zip"), ("yes",))
    assert json.loads(said) == {"size": "large", "colour": "g", "extras": ["pocket", "zip"], "gift": True}
    offered = [question.choices for question in people.questions]
    sizes, extras = ("small", "medium", "large"), ("pocket", "hood", "zip")
    assert offered == [
        Choices(options=tuple((size, size) for size in sizes), chosen=("medium",), optional=True),
        Choices(options=(("r", "Red"), ("g", "Green"), ("b", "Blue"))),
        Choices(options=tuple((extra, extra) for extra in extras), many=True, chosen=("hood",), optional=True),
        Choices(options=(("yes", "Yes"), ("no", "No")), chosen=("no",), optional=True),
    ]
    assert people.questions[1].text.endswith("(2 of 4) Colour")


def test_what_is_left_out_is_the_servers_default() -> None:
    said, _ = chosen((), ("b",), (), ())
    assert json.loads(said) == {"size": "medium", "colour": "b", "extras": ["hood"], "gift": False}


def test_no_answer_declines_and_an_empty_one_takes_the_default() -> None:
    assert chosen("", None)[0].endswith("elicitation was decline")
    assert json.loads(chosen("", "Green", "", "")[0])["size"] == "medium"


def test_a_wrong_entry_says_what_is_allowed_and_is_asked_for_again() -> None:
    said, people = chosen("", "yellow", "3", "hood, belt", "zip,1", "maybe", "2")
    assert json.loads(said) == {"size": "medium", "colour": "b", "extras": ["zip", "pocket"], "gift": False}
    again = people.questions[2].in_words()
    assert "That is not usable (one of these, by number or name is wanted)." in again
    assert "  1. Red (r)\n  2. Green (g)\n  3. Blue (b)\n" in again


def test_a_list_with_the_wrong_number_of_choices_is_shown_again_with_what_was_ticked() -> None:
    people = People(("s", "m", "l"), ("s", "l"))
    sizes = form(sizes={"type": "array", "items": {"enum": ["s", "m", "l"]}, "minItems": 1, "maxItems": 2})
    assert ordered(people, sizes)["content"] == {"sizes": ["s", "l"]}
    assert people.questions[0].text.endswith("sizes (from 1 to 2)")
    assert people.questions[1].choices is not None and people.questions[1].choices.chosen == ("s", "m", "l")


def test_consent_is_picked_too_and_refused_from_the_start() -> None:
    empty = {"message": "Sure?", "requestedSchema": {"type": "object", "properties": {}}}
    people = People(("yes",))
    assert ordered(people, empty)["action"] == "accept"
    assert people.questions[0].choices == Choices(options=(("yes", "Yes, I agree"), ("no", "No")), chosen=("no",))
    assert ordered(People(("no",)), empty)["action"] == "decline"


@pytest.mark.parametrize(
    ("schema", "options"),
    [
        (TITLED, (("r", "Red"), ("g", "Green"))),
        ({"type": "string", "enum": ["r", "g"], "enumNames": ["Red", "Green"]}, (("r", "Red"), ("g", "Green"))),
        ({"type": "string", "enum": ["r", "g", "r"]}, (("r", "r"), ("g", "g"))),
        ({"enum": ["r", "g"]}, (("r", "r"), ("g", "g"))),
        ({"type": "string", "const": "r"}, (("r", "r"),)),
        ({"anyOf": [{"type": "string", "enum": ["r"]}, {"type": "null"}], "default": None}, (("r", "r"),)),
        ({"$ref": "#/$defs/Colour", "default": "r"}, (("r", "Red"), ("g", "Green"))),
        ({"type": "array", "items": {"anyOf": TITLED["oneOf"]}}, (("r", "Red"), ("g", "Green"))),
        ({"type": "array", "items": {"$ref": "#/$defs/Colour"}}, (("r", "Red"), ("g", "Green"))),
        ({"type": "boolean"}, (("yes", "Yes"), ("no", "No"))),
        ({"type": "string"}, ()),
        ({"type": "integer"}, ()),
    ],
)
def test_every_way_to_write_choices_is_read(schema: dict[str, Any], options: tuple[tuple[str, str], ...]) -> None:
    (item,) = form_fields({"properties": {"a": schema}, "$defs": {"Colour": {**TITLED, "title": "Colours"}}})
    assert item.options == options and item.title == "a"
    with pytest.raises(BadAnswer):
        item.pick(("nothing of this",))


def test_values_and_defaults_may_hold_commas() -> None:
    items = {"enum": ["a, b", "c"]}
    (item,) = form_fields({"properties": {"a": {"type": "array", "items": items, "default": ["a, b"]}}})
    assert item.default == ["a, b"] and item.pick(("a, b", "c")) == ["a, b", "c"]


def choosing_team(directory: Path) -> None:
    """amber lets its person choose a shirt, then answers."""
    turns: list[dict[str, Any]] = [
        {"when": {"after_tool": TOOL, "answers_below": 1}, "answer": "Ordered.", "delay": 0.0},
        {"when": {"answers_below": 1}, "calls": [{"name": TOOL, "arguments": {}}], "delay": 0.0},
        *agent_turns("amber")[1:],
    ]
    write_team(directory, ("amber",), turns={"amber": turns}, backend={"mcp_servers": [CHOOSING]})


def bought(directory: Path) -> dict[str, Any]:
    """What the server was given."""
    (log,) = (directory / ".massgen" / "massgen_logs").glob("log_2*/turn_1/attempt_1/events.jsonl")
    events = [json.loads(line) for line in log.read_text().splitlines()]
    (end,) = [event["data"] for event in events if event["event_type"] == "tool_end" and event["data"]["name"] == TOOL]
    return json.loads(end["result"])


def test_in_the_application_choices_are_picked_with_keys_and_mouse(tmp_path: Path) -> None:
    choosing_team(tmp_path)
    app = application(tmp_path, "Tabs or spaces?")

    async def story(pilot):
        async def shown(words: str) -> None:
            await until(pilot, lambda: words in screen_text(app) and isinstance(app.focused, Picker))

        await shown("(1 of 4)")
        assert "amber (MCP server 'shirts') asks you" in screen_text(app)
        assert "> What shirt?" in screen_text(app) and "Esc declines" in screen_text(app)
        await pilot.press("l", "enter")
        await shown("(2 of 4)")
        await pilot.click(Picker, offset=(2, 2))
        await shown("(3 of 4)")
        assert "[x] hood" in screen_text(app)
        await pilot.press("space", "down", "space", "z", "space")
        await pilot.click(SendLine)
        await shown("(4 of 4)")
        await pilot.press("enter")
        await until(pilot, lambda: app.feed.state.complete and not app.running)
        await leave(app, pilot)

    play(app, story)
    assert bought(tmp_path) == {"size": "large", "colour": "b", "extras": ["pocket", "zip"], "gift": False}


@pytest.mark.parametrize("display", [("--no-display",), ("--display", "rich_terminal")])
def test_at_the_terminal_the_number_or_the_name_is_typed(tmp_path: Path, display: tuple[str, ...]) -> None:
    choosing_team(tmp_path)
    with Terminal(tmp_path, *display, "--config", "team.yaml", "Tabs or spaces?") as terminal:

        def answers(place: str, wanted: str, line: str) -> None:
            terminal.expect(place)
            assert wanted in terminal.expect("Your response: ")
            terminal.line(line)

        answers("(1 of 4) Size", "  1. small\n  2. medium\n  3. large\n", "3")
        answers("(2 of 4) Colour", "  1. Red (r)\n", "yellow")
        terminal.expect("That is not usable (one of these, by number or name is wanted).")
        answers("(2 of 4) Colour", "  2. Green (g)\n", "green")
        answers("(3 of 4) Extras", "Enter alone means hood.", "1, zip")
        answers("(4 of 4) Gift", "  1. Yes\n  2. No\n", "1")
        terminal.expect("Winner: amber")
    assert bought(tmp_path) == {"size": "large", "colour": "g", "extras": ["pocket", "zip"], "gift": True}


def test_at_the_terminal_the_end_of_the_input_takes_no_default(tmp_path: Path) -> None:
    choosing_team(tmp_path)
    with Terminal(tmp_path, "--no-display", "--config", "team.yaml", "Tabs or spaces?") as terminal:
        terminal.expect("(1 of 4)")
        terminal.expect("Your response: ")
        terminal.send("\x04")
        terminal.expect("Winner: amber")
    (log,) = (tmp_path / ".massgen" / "massgen_logs").glob("log_2*/turn_1/attempt_1/events.jsonl")
    assert "elicitation was decline" in log.read_text()
