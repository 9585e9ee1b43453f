"""The user's functions as an agent uses them: in a process that may block or crash without harm."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from massgen.errors import ConfigError
from massgen.process import is_present
from massgen.tools.custom.settings import parse_custom_tools
from massgen.tools.custom.tools import CustomTool, CustomToolOptions, CustomTools
from massgen.tools.protocol import ToolContext, ToolOutcome
from massgen.workspace.grants import Grants
from massgen.workspace.sandbox.choice import LocalSettings, choose_sandbox
from massgen.workspace.sandbox.protocol import Sandbox
from tests.sandbox.place import all_end

SAMPLE = str(Path(__file__).parent / "sample.py")


@asynccontextmanager
async def tools(
    *functions: str, options: CustomToolOptions | None = None, warnings: list[str] | None = None, **entry: object
) -> AsyncIterator[Mapping[str, CustomTool]]:
    """The functions of sample.py as tools, by their bare names."""
    raw = [{"path": SAMPLE, "function": list(functions), **entry}]
    parsed = parse_custom_tools(raw, bases=[Path.cwd()])
    assert not parsed.errors
    told = warnings if warnings is not None else []
    async with CustomTools(parsed.tools, warn=told.append, options=options) as custom:
        yield {tool.settings.name: tool for tool in custom.tools}


async def call(tool: CustomTool, arguments: Mapping[str, Any] | None = None, **more: Any) -> ToolOutcome:
    context = ToolContext(agent_id="a", agent_number=1, round=0, phase="coordination", call_id="c1", **more)
    return await tool.call(arguments or {}, context)


@pytest.mark.spec("TOOL-009", "TOOL-040")
def test_an_async_function_is_called_and_its_text_given() -> None:
    async def run() -> None:
        async with tools("calculator") as found:
            assert found["calculator"].spec.name == "custom_tool__calculator"
            outcome = await call(found["calculator"], {"operation": "multiply", "x": 15, "y": 27})
            assert outcome.text == "multiply(15, 27) = 405"

    asyncio.run(run())


@pytest.mark.spec("TOOL-003", "TOOL-006", "TOOL-011")
def test_blocks_arrive_in_order_and_meta_information_only_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with tools("chart") as found:
            outcome = await call(found["chart"], {"title": "A chart"})
            assert outcome.text == "A chart"
            assert outcome.media[0].media_type == "image/png"
            assert outcome.media[0].data.startswith(b"\x89PNG")
            assert "for the log only" not in repr(outcome)

    with caplog.at_level(logging.INFO, logger="massgen"):
        asyncio.run(run())
    assert "for the log only" in caplog.text


def test_a_picture_becomes_a_file_where_the_model_cannot_see(tmp_path: Path) -> None:
    async def run(workspace: Path | None) -> ToolOutcome:
        options = CustomToolOptions(accepts_media=lambda kind: kind.startswith("audio/"))
        async with tools("chart", options=options) as found:
            return await call(found["chart"], {"title": "A chart"}, workspace=workspace)

    saved = asyncio.run(run(tmp_path))
    assert not saved.media
    path = saved.text.partition("saved as ")[2].rstrip("]")
    assert (tmp_path / path).read_bytes().startswith(b"\x89PNG")
    assert "left out" in asyncio.run(run(None)).text


@pytest.mark.spec("TOOL-010", "IOP-005")
def test_a_generator_shows_progress_and_gives_one_result_without_its_log_lines() -> None:
    lines: list[str] = []

    async def run() -> ToolOutcome:
        async with tools("process_large_dataset") as found:
            return await call(found["process_large_dataset"], {"chunks": 12}, progress=lines.append)

    outcome = asyncio.run(run())
    assert lines == [*(f"chunk {number}" for number in range(12)), "a log line"]
    assert outcome.text.splitlines() == [*(f"chunk {number}" for number in range(12)), "complete"]


@pytest.mark.spec("TOOL-014", "IOP-017")
def test_a_plain_function_works_with_a_warning() -> None:
    warnings: list[str] = []

    async def run() -> ToolOutcome:
        async with tools("plain", warnings=warnings) as found:
            return await call(found["plain"])

    assert asyncio.run(run()).text == '{"limit": 3}'
    assert len(warnings) == 1
    assert "not async" in warnings[0]


@pytest.mark.spec("IOP-003", "IOP-004")
def test_the_conversation_reaches_a_function_that_asks_for_it_and_not_the_schema() -> None:
    options = CustomToolOptions(messages=lambda: [{"role": "user", "content": "hi"}] * 3)

    async def run() -> ToolOutcome:
        async with tools("framework", options=options) as found:
            assert set(found["framework"].spec.parameters["properties"]) == {"style"}
            return await call(found["framework"])

    assert asyncio.run(run()).text == "3 messages, short"


@pytest.mark.spec("TOOL-012", "TOOL-015", "TOOL-042")
def test_what_goes_wrong_in_a_function_is_an_error_the_model_can_read() -> None:
    async def run() -> None:
        async with tools("empty", "half", "raises", "leaves", "calculator", "bad_image") as found:
            assert "at least one content block" in (await call(found["empty"])).text
            half = await call(found["half"])
            assert half.is_error
            assert half.text.startswith("[interrupted]")
            raised = await call(found["raises"])
            assert raised.is_error
            assert "ValueError: no such luck" in raised.text
            assert (await call(found["leaves"])).is_error
            missing = await call(found["calculator"], {"operation": "add", "x": 1})
            assert "missing parameter 'y'" in missing.text
            wrong = await call(found["calculator"], {"operation": "add", "x": "one", "y": 1})
            assert "must be of type number" in wrong.text
            assert "not valid base64" in (await call(found["bad_image"])).text

    asyncio.run(run())


def test_a_crash_ends_the_call_and_nothing_else() -> None:
    async def run() -> None:
        async with tools("dies", "crashes", "counted") as found:
            died = await call(found["dies"])
            assert died.is_error
            assert "exited with code 5 (about to die)" in died.text
            crashed = await call(found["crashes"])
            assert "SIGSEGV" in crashed.text
            assert (await call(found["counted"])).text == "1"

    asyncio.run(run())


@pytest.mark.spec("BG-018")
def test_a_program_that_a_function_left_ends_with_the_tools_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    place = tmp_path / "pid"

    async def run() -> None:
        async with asyncio.timeout(250):
            async with tools("orphans") as found:
                assert (await call(found["orphans"], {"place": str(place)})).text == "left one"
                assert is_present(int(place.read_text()))

    asyncio.run(run())
    assert not Path("/proc/self").exists() or all_end([int(place.read_text())])


@pytest.mark.spec("TOOL-043")
@pytest.mark.parametrize("name", ["blocks", "blocks_thread"])
def test_a_blocking_function_stalls_nobody(name: str) -> None:
    async def run() -> None:
        async with tools(name, "counted") as found:
            slow = asyncio.ensure_future(call(found[name], {"seconds": 600}))
            await asyncio.sleep(0)
            assert (await call(found["counted"])).text == "1"
            assert not slow.done()
            slow.cancel()
            await asyncio.wait([slow])

    asyncio.run(run())


@pytest.mark.spec("TOOL-043")
@pytest.mark.parametrize("name", ["blocks", "blocks_thread"])
def test_a_blocking_function_is_stopped_at_its_limit(name: str) -> None:
    async def run() -> ToolOutcome:
        async with tools(name, options=CustomToolOptions(timeout_seconds=0.5)) as found:
            return await call(found[name], {"seconds": 600})

    outcome = asyncio.run(run())
    assert outcome.is_error
    assert "longer than 0.5 s" in outcome.text


def test_a_cancelled_call_is_cancelled_in_the_worker_and_the_worker_lives_on(tmp_path: Path) -> None:
    started, cancelled = tmp_path / "started", tmp_path / "cancelled"

    async def run() -> None:
        async with tools("marks", "counted") as found:
            assert (await call(found["counted"])).text == "1"
            names = {"started": str(started), "cancelled": str(cancelled)}
            running = asyncio.ensure_future(call(found["marks"], names))
            async with asyncio.timeout(250):
                while True:
                    if started.exists():
                        break
                    await asyncio.sleep(0.005)
            running.cancel()
            await asyncio.wait([running])
            assert running.cancelled()
            assert cancelled.exists()
            assert (await call(found["counted"])).text == "2"

    asyncio.run(run())


def test_a_long_text_loses_its_middle() -> None:
    async def run() -> ToolOutcome:
        async with tools("huge") as found:
            return await call(found["huge"])

    text = asyncio.run(run()).text
    assert len(text) < 500_000
    assert text.startswith("begin")
    assert text.endswith("end")


@pytest.mark.spec("TOOL-046")
def test_relative_paths_are_meant_from_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "sales.json").write_text("[1, 2, 3]")
    here = Path.cwd()

    async def run() -> ToolOutcome:
        async with tools("read_here") as found:
            return await call(found["read_here"], {"dataset": "sales.json"}, workspace=tmp_path)

    assert asyncio.run(run()).text == "[1, 2, 3]"
    assert Path.cwd() == here


@pytest.mark.spec("TOOL-026", "TOOL-027")
@pytest.mark.parametrize("key", ["preset_args", "config"])
def test_fixed_arguments_are_hidden_from_the_model_and_win(key: str) -> None:
    async def run() -> None:
        entry: dict[str, object] = {key: {"MAX_FILE_SIZE_MB": 15}, "description": ["Mine"]}
        async with tools("preset", **entry) as found:
            assert set(found["preset"].spec.parameters["properties"]) == {"text"}
            assert found["preset"].spec.description == "Mine"
            assert (await call(found["preset"], {"text": "size"})).text == "size 15"

    asyncio.run(run())


@pytest.mark.spec("TOOL-007", "TOOL-027")
def test_a_function_that_takes_any_keyword_gets_them_all_and_fixed_arguments_still_win() -> None:
    async def run() -> None:
        async with tools("extras", "preset", preset_args=[{"limit": 15}, {}]) as found:
            schema = found["extras"].spec.parameters
            assert (set(schema["properties"]), schema["additionalProperties"]) == ({"text"}, True)
            told = await call(found["extras"], {"text": "t", "unit": "m", "limit": 99, "where": {"a": [1]}})
            assert told.text == "t 15 [('unit', 'm'), ('where', {'a': [1]})]"
            assert "must be of type string" in (await call(found["extras"], {"text": 1, "unit": "m"})).text
            assert "additionalProperties" not in found["preset"].spec.parameters
            assert "unknown parameter 'unit'" in (await call(found["preset"], {"text": "t", "unit": "m"})).text

    asyncio.run(run())


@pytest.mark.spec("TOOL-034", "TOOL-013", "IOP-017")
@pytest.mark.parametrize(
    ("content", "function", "words"),
    [
        ("import no_such_module_here\nasync def f(): ...", "f", "no_such_module_here"),
        ("from json import no_such_name\nasync def f(): ...", "f", "ImportError"),
        ("async def other(): ...", "f", "has no function 'f'"),
        ("import os\nos._exit(4)", "f", "exited with code 4"),
        ("def broken(:", "f", "SyntaxError"),
        ("async def f(x): ...", "f", "cannot create schema for function 'f': parameter 'x'"),
    ],
)
def test_a_tool_that_cannot_be_loaded_is_named_at_the_start(
    tmp_path: Path, content: str, function: str, words: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(content)

    async def run() -> None:
        parsed = parse_custom_tools([{"path": str(file), "function": function}], bases=[])
        async with CustomTools(parsed.tools, warn=print):
            pass

    with pytest.raises(ConfigError) as raised:
        asyncio.run(run())
    assert words in str(raised.value)
    assert raised.value.exit_code == 1


@pytest.mark.spec("TOOL-023", "TOOL-070", "TOOL-071", "TOOL-072", "TOOL-073", "TOOL-074", "TOOL-075", "TOOL-076")
def test_the_built_in_functions_work_by_name_within_what_the_agent_may_touch(tmp_path: Path) -> None:
    workspace, other = tmp_path / "work", tmp_path / "other"
    workspace.mkdir()
    other.mkdir()
    (other / "secret.txt").write_text("hidden")
    names = ["run_python_script", "run_shell_script", "read_file_content", "save_file_content", "append_file_content"]
    raw = [{"func": name} for name in names]
    grants = Grants(writable=(workspace,), protected=(workspace / "locked",))
    options = CustomToolOptions(grants=lambda: grants)

    async def run() -> None:
        parsed = parse_custom_tools(raw, bases=[])
        async with CustomTools(parsed.tools, warn=print, options=options) as custom:
            found = {tool.settings.name: tool for tool in custom.tools}

            async def use(name: str, **arguments: object) -> ToolOutcome:
                return await call(found[name], arguments, workspace=workspace)

            assert "<stdout>42\n</stdout>" in (await use("run_python_script", python_code="print(6*7)")).text
            late = await use("run_python_script", python_code="while True: pass", timeout=0.3)
            assert late.is_error
            assert "TimeoutError" in late.text
            shell = (await use("run_shell_script", command="pwd; exit 3")).text
            assert str(workspace) in shell
            assert "<returncode>3</returncode>" in shell
            await use("save_file_content", file_path="deep/a.txt", content="one\ntwo\nthree\nfour\nfive\n")
            lines = await use("read_file_content", file_path="deep/a.txt", start_line=2, end_line=3)
            assert lines.text == "two\nthree\n"
            await use("append_file_content", file_path="deep/a.txt", content="six\n")
            await use("append_file_content", file_path="deep/a.txt", content="zero", line_position=1)
            assert (workspace / "deep/a.txt").read_text() == "zero\none\ntwo\nthree\nfour\nfive\nsix\n"
            for path in (str(other / "secret.txt"), "../other/secret.txt"):
                refused = await use("read_file_content", file_path=path)
                assert refused.is_error
                assert "hidden" not in refused.text
            assert (await use("save_file_content", file_path="../other/x", content="x")).is_error
            assert (await use("save_file_content", file_path="locked/x", content="x")).is_error

    asyncio.run(run())
    assert sorted(path.name for path in other.iterdir()) == ["secret.txt"]


@pytest.mark.spec("TOOL-070", "TOOL-071", "TOOL-076")
def test_code_that_a_model_writes_runs_in_the_agents_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, private = tmp_path / "work", tmp_path / "private"
    workspace.mkdir()
    private.mkdir()
    monkeypatch.setenv("SOME_API_KEY", "hidden-from-commands")
    monkeypatch.setenv("PLAIN_SETTING", "visible")

    async def run() -> None:
        sandbox = choose_sandbox(
            LocalSettings(), Grants(writable=(workspace,)), private=private, workspace=workspace, warn=print
        )

        async def agents_sandbox() -> Sandbox:
            await sandbox.start()
            return sandbox

        parsed = parse_custom_tools([{"func": "run_python_script"}, {"func": "run_shell_script"}], bases=[])
        try:
            async with CustomTools(
                parsed.tools, warn=print, options=CustomToolOptions(sandbox=agents_sandbox)
            ) as custom:
                python, shell = custom.tools
                code = {"python_code": "import os\nprint(os.getcwd(), os.environ.get('SOME_API_KEY'))"}
                assert f"{workspace} None" in (await call(python, code, workspace=workspace)).text
                ended = await call(shell, {"command": "echo here > a.txt; echo $HOME; exit 4"}, workspace=workspace)
                assert "<returncode>4</returncode>" in ended.text
                assert str(Path.home()) not in ended.text
                late = await call(shell, {"command": "sleep 600", "timeout": 0.3}, workspace=workspace)
                assert late.is_error
                assert "TimeoutError" in late.text
        finally:
            await sandbox.close()

    asyncio.run(run())
    assert (workspace / "a.txt").read_text() == "here\n"
