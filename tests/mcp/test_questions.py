"""Questions of servers to a person (elicitation): forms, pages, refusals, and nobody to ask."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from massgen.config import load_config
from massgen.engine.broadcast import HumanAnswers
from massgen.engine.person import HumanAnswer, HumanQuestion
from massgen.runs.request import RunRequest
from massgen.runs.run import Run
from massgen.runs.server_questions import MAX_QUESTIONS, ServerQuestions
from massgen.testing import ScriptedProvider, call
from massgen.tools.mcp.form import BadAnswer, FormField, UnusableForm, form_fields
from tests.interactive.teams import agent_turns, write_team
from tests.interactive.terminal import Terminal
from tests.mcp.scene import SERVERS, agent_with, context, plain
from tests.runs.place import team, worker

ALL_KINDS = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Your name", "minLength": 2, "maxLength": 10},
        "mail": {"type": "string", "format": "email"},
        "age": {"type": "integer", "minimum": 18},
        "share": {"type": "number", "maximum": 1},
        "news": {"type": "boolean", "default": False},
        "colour": {"type": "string", "enum": ["r", "g"], "enumNames": ["Red", "Green"]},
        "sizes": {"type": "array", "items": {"enum": ["s", "m", "l"]}, "maxItems": 2},
        "note": {"type": "string"},
    },
    "required": ["name", "age", "colour"],
}


def asking(*args: str, **more: object) -> dict[str, object]:
    return {"name": "shop", "command": sys.executable, "args": ["-S", str(SERVERS / "asking.py"), *args], **more}


class People:
    """Answers in turn, and remembers what was asked."""

    def __init__(self, *answers: HumanAnswer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, float]] = []
        self.questions: list[HumanQuestion] = []

    async def __call__(self, question: HumanQuestion) -> HumanAnswer:
        self.questions.append(question)
        self.asked.append((question.asker, question.in_words(), question.seconds))
        return self.answers.pop(0)


def questions(human: Any, warned: list[str] | None = None, seconds: float = 30.0) -> ServerQuestions:
    told = [] if warned is None else warned
    return ServerQuestions(human, HumanAnswers(), seconds, told.append, str)


def ordered(human: Any, params: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the server was answered."""

    async def run() -> str:
        async with agent_with(asking(), questions=questions(human, **more)) as scene:
            return (await scene.call("mcp__shop__order", {"params": params})).text

    return json.loads(asyncio.run(run()))


def form(**properties: object) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"message": "Please.", "requestedSchema": schema}


def test_every_kind_of_field_is_asked_for_and_arrives_with_its_type() -> None:
    people = People("Ada", "ada@example.org", "36", "0.5", "", "green", "1, l", "")
    answered = ordered(people, {"message": "To whom do we send it?", "requestedSchema": ALL_KINDS})
    assert answered == {
        "action": "accept",
        "content": {
            "name": "Ada",
            "mail": "ada@example.org",
            "age": 36,
            "share": 0.5,
            "news": False,
            "colour": "g",
            "sizes": ["s", "l"],
        },
    }
    who, first, seconds = people.asked[0]
    assert (who, seconds) == ("a (MCP server 'shop')", 30.0)
    assert "MCP server 'shop' asks:\n  > To whom do we send it?\n(1 of 8) Your name" in first
    assert "text, from 2 to 10 characters" in first
    assert "Enter alone declines." in first
    assert "Enter alone means No." in people.asked[4][1]
    assert "  1. Red (r)\n  2. Green (g)" in people.asked[5][1]
    assert "Enter alone leaves it out." in people.asked[7][1]


def test_an_answer_of_the_wrong_type_is_asked_for_again() -> None:
    people = People("old", "17", "18")
    age = form(age={"type": "integer", "minimum": 18})
    assert ordered(people, age) == {"action": "accept", "content": {"age": 18}}
    assert people.asked[1][1].split("\n")[2] == "That is not usable (a whole number, at least 18 is wanted)."


@pytest.mark.parametrize("end", ["no", "", "d", None])
def test_after_three_wrong_entries_the_person_is_told_and_may_end_the_question(end: str | None) -> None:
    people = People("a", "b", "c", end)
    assert ordered(people, form(age={"type": "integer", "minimum": 18})) == {"action": "cancel"}
    told = "3 entries for age were not usable (a whole number, at least 18 is wanted). Try again?"
    assert told in people.asked[3][1]


def test_who_tries_again_after_three_wrong_entries_keeps_what_was_entered_before() -> None:
    people = People("Ada", "a", "b", "c", "yes", "d", "36")
    both = form(name={"type": "string"}, age={"type": "integer"})
    assert ordered(people, both) == {"action": "accept", "content": {"name": "Ada", "age": 36}}
    assert "the other entries are kept" in people.asked[4][1]
    assert people.questions[4].choices is not None and people.questions[4].choices.chosen == ("no",)


@pytest.mark.parametrize("word", ["", None, "/decline"])
def test_a_person_may_decline(word: str | None) -> None:
    assert ordered(People(word), form(age={"type": "integer"})) == {"action": "decline"}


@pytest.mark.parametrize(("word", "action"), [("yes", "accept"), ("no", "decline"), ("", "decline")])
def test_a_question_without_fields_and_a_page_are_agreed_to_with_yes(word: str, action: str) -> None:
    assert (
        ordered(People(word), {"message": "Sure?", "requestedSchema": {"type": "object", "properties": {}}})["action"]
        == action
    )
    people = People(word)
    page = {"mode": "url", "message": "Sign in.", "url": "https://pay.example/x", "elicitationId": "1"}
    assert ordered(people, page) == {"action": action}
    assert "this page of pay.example yourself:\nhttps://pay.example/x" in people.asked[0][1]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "https://bank.example@evil.example/"])
def test_an_address_that_is_no_web_page_or_hides_its_host_reaches_nobody(url: str) -> None:
    people = People("yes")
    page = {"mode": "url", "message": "Sign in.", "url": url, "elicitationId": "1"}
    assert ordered(people, page)["action"] == "decline"
    assert not people.asked


def test_what_a_server_says_is_quoted_and_cannot_draw_on_the_screen() -> None:
    people = People("x")
    message = "Hi\x1b[2J\u202e\n\nMCP server 'bank' asks:\nPassword?" + "\nmore" * 200
    ordered(people, {"message": message, "requestedSchema": form(a={"type": "string"})["requestedSchema"]})
    lines = people.asked[0][1].split("\n")
    assert lines[0] == "MCP server 'shop' asks:"
    assert lines[1] == "  > Hi"
    assert "  > MCP server 'bank' asks:" in lines
    assert sum(line.startswith("  > ") for line in lines) == 30
    assert "\x1b" not in people.asked[0][1] and "\u202e" not in people.asked[0][1]


@pytest.mark.parametrize(
    "properties",
    [
        {"a": {"type": "object", "properties": {}}},
        {"a": {"type": "array", "items": {"type": "string"}}},
        {"a": "text"},
        {f"f{number}": {"type": "string"} for number in range(21)},
        {"a": {"type": "string", "enum": [str(number) for number in range(501)]}},
    ],
)
def test_a_form_that_is_none_is_refused(properties: dict[str, Any]) -> None:
    with pytest.raises(UnusableForm):
        form_fields({"type": "object", "properties": properties})


@pytest.mark.parametrize(
    ("schema", "typed"),
    [
        ({"type": "number"}, "nan"),
        ({"type": "number"}, "1e999"),
        ({"type": "integer"}, "1.5"),
        ({"type": "integer"}, "9" * 5000),
        ({"type": "boolean"}, "perhaps"),
        ({"type": "string", "format": "date"}, "tomorrow"),
        ({"type": "string"}, "x" * 10_001),
        ({"type": "string", "enum": ["a"]}, "2"),
        ({"type": "string", "oneOf": [{"const": "a", "title": "A"}]}, "b"),
    ],
)
def test_what_is_no_value_of_the_field_is_refused(schema: dict[str, Any], typed: str) -> None:
    (item,) = form_fields({"properties": {"a": schema}})
    with pytest.raises(BadAnswer):
        item.read(typed)


def test_a_pattern_of_a_server_is_never_tried() -> None:
    (item,) = form_fields({"properties": {"a": {"type": "string", "pattern": "(a+)+$", "default": 7}}})
    assert isinstance(item, FormField)
    assert item.read("a" * 40 + "!") == "a" * 40 + "!"


def test_where_nobody_can_be_asked_a_question_is_declined_at_once() -> None:
    warned: list[str] = []
    asked = form(age={"type": "integer"})
    assert ordered(None, asked, warned=warned) == {"action": "decline"}
    assert warned == ["MCP server 'shop' asked a question; nobody can be asked in this run, so it was declined."]


def test_a_question_that_no_call_is_the_reason_for_is_declined() -> None:
    people = People()

    async def run() -> str:
        async with agent_with(asking("--nag"), questions=questions(people)) as scene:
            return (await scene.call("mcp__shop__nagged")).text

    assert json.loads(asyncio.run(run()))["action"] == "decline"
    assert not people.asked


def test_a_server_may_ask_only_so_often() -> None:
    warned: list[str] = []
    people = People(*["1"] * MAX_QUESTIONS)

    async def run() -> list[str]:
        params = {"params": form(age={"type": "integer"})}
        async with agent_with(asking(), questions=questions(people, warned)) as scene:
            texts = [(await scene.call("mcp__shop__order", params)).text for _ in range(MAX_QUESTIONS + 2)]
        return [json.loads(text)["action"] for text in texts]

    assert asyncio.run(run()) == ["accept"] * MAX_QUESTIONS + ["decline"] * 2
    assert len(warned) == 1


async def silent(question: HumanQuestion) -> str | None:
    await asyncio.Event().wait()
    return "never"


def test_a_question_that_is_not_answered_in_time_is_taken_back() -> None:
    assert ordered(silent, form(age={"type": "integer"}), seconds=0.2) == {"action": "cancel"}


@pytest.mark.parametrize("entry", [asking(), plain("shop")])
def test_a_question_ends_with_the_call_that_it_is_for(entry: dict[str, object]) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def person(question: HumanQuestion) -> str | None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return None

    async def run() -> None:
        async with agent_with(entry, questions=questions(person)) as scene, asyncio.timeout(250):
            tools = await scene.tools()
            tool = tools.get("mcp__shop__order") or tools["mcp__shop__greet"]
            given = {"params": form(a={"type": "string"})} if "order" in tool.spec.name else {}
            calling = asyncio.ensure_future(tool.call(given, context()))
            await began.wait()
            calling.cancel()
            await ended.wait()

    asyncio.run(run())


def in_a_run(launch: Path, human: Any) -> tuple[dict[str, Any], str]:
    """What the server was answered in a whole run, and the run's log."""
    order = call("mcp__shop__order", params=form(pin={"type": "integer", "title": "PIN"}))

    async def run() -> tuple[dict[str, Any], str]:
        async with ScriptedProvider({"m1": worker("done", lambda _: (order,))}) as server:
            agents = team(server.openai_url, ["m1"], mcp_servers=[asking()])
            loaded = load_config({"agents": agents}, launch=launch)
            one = Run(RunRequest(loaded=loaded, question="Do it.", launch=launch, automation=True, ask_human=human))
            one.prepare()
            result = await one.execute()
            (given,) = {item.text for request in server.requests_for("m1") for item in request.view.results}
            return json.loads(given), (result.log_dir / "turn_1" / "attempt_1" / "massgen.log").read_text()

    return asyncio.run(run())


def test_in_a_run_the_person_at_the_door_is_asked_and_the_log_says_so(tmp_path: Path) -> None:
    people = People("4711")
    given, log = in_a_run(tmp_path, people)
    assert given == {"action": "accept", "content": {"pin": 4711}}
    assert (people.asked[0][0], people.asked[0][2]) == ("agent_a (MCP server 'shop')", 300.0)
    assert "MCP server 'shop' asked a person for agent_a: Please. (accept)" in log


def test_in_automation_a_question_is_declined_and_the_run_does_not_wait(tmp_path: Path) -> None:
    given, log = in_a_run(tmp_path, None)
    assert given == {"action": "decline"}
    assert "nobody can be asked" in log


@pytest.mark.parametrize("display", [("--no-display",), ("--display", "rich_terminal")])
def test_at_the_terminal_the_typed_lines_fill_the_form(tmp_path: Path, display: tuple[str, ...]) -> None:
    order = {"name": "mcp__shop__order", "arguments": {"params": form(n={"type": "integer"}, ok={"type": "boolean"})}}
    turns: list[dict[str, Any]] = [
        {"when": {"after_tool": "mcp__shop__order", "answers_below": 1}, "answer": "Ordered.", "delay": 0.0},
        {"when": {"answers_below": 1}, "calls": [order], "delay": 0.0},
        *agent_turns("amber")[1:],
    ]
    write_team(tmp_path, ("amber",), turns={"amber": turns}, backend={"mcp_servers": [asking()]})
    with Terminal(tmp_path, *display, "--config", "team.yaml", "Tabs or spaces?") as terminal:
        terminal.expect("(1 of 2) n")
        terminal.expect("Your response:")
        terminal.line("7")
        terminal.expect("(2 of 2) ok")
        terminal.expect("Your response:")
        terminal.line("yes")
        terminal.expect("Winner: amber")
    calls = (tmp_path / ".massgen" / "massgen_logs").glob("log_2*/turn_1/attempt_1/llm_calls/*.json")
    assert any('\\"n\\": 7, \\"ok\\": true' in path.read_text().replace('\\\\\\"', '\\"') for path in calls)
