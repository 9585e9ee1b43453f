from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from typing import Any

import pytest

from massgen.backends.protocol import ToolCall
from massgen.errors import ConfigError, MassGenError, StorageError
from massgen.tools.protocol import ToolContext, ToolOutcome, ToolTraits
from massgen.tools.runner import RunnerLimits
from tests.tools.doubles import PlainTool, Recorder, call, context, echo, runner

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def run_one(tool: PlainTool, arguments: Any = None, **kwargs: Any) -> ToolOutcome:
    async def main() -> ToolOutcome:
        [outcome] = await runner([tool], **kwargs).run_all([call(tool.name, arguments)], context)
        return outcome

    return asyncio.run(main())


def failing(error: BaseException) -> PlainTool:
    async def body(_: Mapping[str, Any], __: ToolContext) -> ToolOutcome:
        raise error

    return PlainTool("broken", body)


@pytest.mark.spec("WS-122")
@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ('{"n": ', "not valid JSON"),
        ("[1]", "must be a JSON object"),
        ("7", "must be a JSON object"),
        ('{"n": NaN}', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"n": ' + "[" * 300 + "]" * 300 + "}", "nested more than"),
        ('{"n": "many"}', "'n'"),
        ("{}", "'n' is a required property"),
        ("", "'n' is a required property"),
    ],
)
def test_bad_arguments_come_back_as_an_error_that_says_what_is_wrong(raw: str, words: str) -> None:
    outcome = run_one(echo(schema=NUMBER), raw)
    assert outcome.is_error
    assert words in outcome.text


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        ('{"n": "5"}', {"n": 5}),
        (json.dumps('{"n": 5}'), {"n": 5}),
        ('{"n": 5, "note": null}', {"n": 5}),
        ('{"n": 5, "note": "\\ud800"}', {"n": 5, "note": "?"}),
    ],
)
def test_common_slips_of_models_are_repaired(raw: str, meant: dict[str, Any]) -> None:
    schema = {**NUMBER, "properties": {"n": {"type": "integer"}, "note": {"type": "string"}}}
    assert json.loads(run_one(echo(schema=schema), raw).text) == meant


def test_an_unknown_tool_is_refused_with_near_names() -> None:
    async def main() -> None:
        tools = runner([echo("mcp__filesystem__read_file")])
        [outcome] = await tools.run_all([call("mcp__filesystem__reed_file")], context)
        assert outcome.is_error
        assert "mcp__filesystem__read_file" in outcome.text

    asyncio.run(main())


def test_a_bare_name_finds_its_tool_only_where_it_is_unambiguous() -> None:
    async def main() -> None:
        tools = runner([echo("mcp__a__one"), echo("mcp__a__two"), echo("mcp__b__two")])
        outcomes = await tools.run_all([call("one"), call("two")], context)
        assert [outcome.is_error for outcome in outcomes] == [False, True]

    asyncio.run(main())


@pytest.mark.parametrize(
    "error", [ValueError("bug"), ConfigError("sorry"), SystemExit(3), asyncio.CancelledError(), TimeoutError()]
)
@pytest.mark.spec("WS-122")
def test_a_crashing_tool_gives_an_error_result(error: BaseException) -> None:
    outcome = run_one(failing(error))
    assert outcome.is_error
    assert outcome.text.startswith("Error: ")


def test_a_tool_that_hangs_is_stopped_at_its_limit() -> None:
    stopped: list[str] = []

    async def body(_: Mapping[str, Any], __: ToolContext) -> ToolOutcome:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append("yes")
        return ToolOutcome(text="never")

    tool = PlainTool("slow", body, traits=ToolTraits(source="custom", timeout_seconds=0.01))
    outcome = run_one(tool)
    assert outcome.is_error
    assert "took longer than" in outcome.text
    assert stopped == ["yes"]


def test_a_tool_that_bounds_itself_is_not_stopped_by_the_runner() -> None:
    async def body(_: Mapping[str, Any], __: ToolContext) -> ToolOutcome:
        await asyncio.sleep(0.02)
        return ToolOutcome(text="done")

    tool = PlainTool("own", body, traits=ToolTraits(source="custom", timeout_seconds=math.inf))
    assert run_one(tool, limits=RunnerLimits(call_seconds=0.001)).text == "done"


class Meeting:
    """Tools that end only when all of them run at the same time."""

    def __init__(self, size: int) -> None:
        self.size, self.present, self.full = size, 0, asyncio.Event()
        self.most = 0

    async def attend(self, arguments: Mapping[str, Any], _: ToolContext) -> ToolOutcome:
        self.present += 1
        self.most = max(self.most, self.present)
        if self.present == self.size:
            self.full.set()
        await self.full.wait()
        self.present -= 1
        return ToolOutcome(text=str(arguments["n"]))


@pytest.mark.spec("BE-031")
def test_concurrent_calls_run_side_by_side_and_answer_in_call_order() -> None:
    async def main() -> None:
        tools = runner([PlainTool("meet", Meeting(3).attend)], limits=RunnerLimits(concurrent=True))
        calls = [call("meet", {"n": n}, f"c{n}") for n in range(3)]
        async with asyncio.timeout(250):
            outcomes = await tools.run_all(calls, context)
        assert [outcome.text for outcome in outcomes] == ["0", "1", "2"]

    asyncio.run(main())


@pytest.mark.spec("BE-031")
@pytest.mark.parametrize(("concurrent", "parallel"), [(False, True), (True, False)])
def test_calls_run_one_after_the_other_unless_both_setting_and_tool_allow(concurrent: bool, parallel: bool) -> None:
    async def main() -> None:
        meeting = Meeting(1)
        traits = ToolTraits(source="custom", parallel=parallel)
        tools = runner([PlainTool("meet", meeting.attend, traits=traits)], limits=RunnerLimits(concurrent=concurrent))
        await tools.run_all([call("meet", {"n": n}, f"c{n}") for n in range(3)], context)
        assert meeting.most == 1

    asyncio.run(main())


def test_cancelling_reaches_the_tool_and_the_observer() -> None:
    async def main() -> None:
        started, recorder = asyncio.Event(), Recorder()
        cleaned: list[bool] = []

        async def body(_: Mapping[str, Any], __: ToolContext) -> ToolOutcome:
            try:
                started.set()
                await asyncio.Event().wait()
            finally:
                cleaned.append(True)
            return ToolOutcome(text="never")

        tools = runner([PlainTool("slow", body)], recorder=recorder)
        task = asyncio.ensure_future(tools.run_all([call("slow")], context))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert cleaned == [True]
        assert [told[0] for told in recorder.told] == ["started", "finished"]

    asyncio.run(main())


def test_the_observer_hears_of_every_call_before_and_after_it() -> None:
    async def main() -> None:
        recorder = Recorder()
        tools = runner([echo(schema=NUMBER)], recorder=recorder)
        await tools.run_all([call("echo", {"n": 1}, "a"), call("echo", "{", "b"), call("nope", {}, "c")], context)
        assert [told[:3] for told in recorder.told] == [
            ("started", "a", "echo"),
            ("finished", "a", "echo"),
            ("started", "b", "echo"),
            ("finished", "b", "echo"),
            ("started", "c", "nope"),
            ("finished", "c", "nope"),
        ]
        assert recorder.told[0][3] == {"n": 1}

    asyncio.run(main())


def test_an_observer_that_cannot_write_ends_the_calls() -> None:
    class Full(Recorder):
        def started(self, call_id: str, name: str, arguments: Mapping[str, Any]) -> None:
            raise StorageError("disk full")

    async def main() -> None:
        tools = runner([echo()], recorder=Full(), limits=RunnerLimits(concurrent=True))
        with pytest.raises(MassGenError, match="disk full"):
            await tools.run_all([call("echo"), call("echo")], context)

    asyncio.run(main())


def test_secrets_are_masked_in_result_and_observed_arguments_but_not_for_the_tool() -> None:
    seen: list[Any] = []

    async def body(arguments: Mapping[str, Any], _: ToolContext) -> ToolOutcome:
        seen.append(arguments["key"])
        return ToolOutcome(text=f"key is {arguments['key']}")

    recorder = Recorder()
    outcome = run_one(
        PlainTool("use", body), {"key": "s3cret"}, recorder=recorder, redact=lambda t: t.replace("s3cret", "***")
    )
    assert seen == ["s3cret"]
    assert outcome.text == "key is ***"
    assert "s3cret" not in repr(recorder.told)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("bell\x07 nul\x00 tab\t line\n", "bell nul tab\t line\n"),
        ("\x9b31mx", "31mx"),
        ("half \ud800", "half \ufffd"),
    ],
)
def test_terminal_sequences_and_control_characters_are_removed(raw: str, clean: str) -> None:
    async def body(_: Mapping[str, Any], __: ToolContext) -> ToolOutcome:
        return ToolOutcome(text=raw)

    assert run_one(PlainTool("say", body)).text == clean


def test_a_huge_result_loses_its_middle_and_says_so() -> None:
    async def body(_: Mapping[str, Any], __: ToolContext) -> ToolOutcome:
        return ToolOutcome(text="a" * 5_000 + "z")

    text = run_one(PlainTool("say", body), limits=RunnerLimits(result_characters=300)).text
    assert len(text) < 400
    assert text.endswith("z")
    assert "characters left out" in text


@pytest.mark.parametrize("name", ["vote", "new_answer", "submit_checklist", "restart_orchestration"])
def test_no_tool_can_take_the_name_of_a_workflow_tool(name: str) -> None:
    tools = runner([echo(name)])
    assert tools.specs() == ()
    assert name in tools.problems[0]


def test_no_tool_can_shadow_another() -> None:
    async def main() -> None:
        async def wrong(_: Mapping[str, Any], __: ToolContext) -> ToolOutcome:
            return ToolOutcome(text="wrong")

        tools = runner([echo("same"), PlainTool("same", wrong)])
        [outcome] = await tools.run_all([call("same", {"n": 1})], context)
        assert outcome.text == '{"n": 1}'
        assert len(tools.specs()) == 1
        assert "same" in tools.problems[0]

    asyncio.run(main())


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"type": "object", "properties": {"n": {"$ref": "http://127.0.0.1:9/none.json"}}},
        {"type": "object", "properties": {"n": {"$ref": "#/properties/n"}}},
        {"type": "object", "properties": {"n": {"type": "string", "pattern": "^(a+)+$"}}},
        {"type": "object", "patternProperties": {"^(n+)+$": {}}, "additionalProperties": False},
        {"type": "object", "patternProperties": {"^(n+)+$": {}}, "unevaluatedProperties": False},
    ],
)
def test_a_broken_or_hostile_schema_of_a_server_does_no_harm(schema: dict[str, Any]) -> None:
    outcome = run_one(echo(schema=schema), {"n": "a" * 50 + "!", "n" * 50 + "!": 1})
    assert not outcome.is_error


def test_progress_of_a_tool_is_cleaned() -> None:
    lines: list[str] = []

    async def body(_: Mapping[str, Any], where: ToolContext) -> ToolOutcome:
        where.progress("\x1b[2Jhalf")
        return ToolOutcome(text="done")

    def make(one: ToolCall) -> ToolContext:
        return ToolContext(
            agent_id="a", agent_number=1, round=0, phase="coordination", call_id=one.call_id, progress=lines.append
        )

    asyncio.run(runner([PlainTool("work", body)]).run_all([call("work")], make))
    assert lines == ["half"]
