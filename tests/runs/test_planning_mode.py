"""Planning mode: what cannot be taken back waits for the presentation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from massgen.config import load_config
from massgen.testing import HttpError, ReceivedRequest, Turn, call, use
from massgen.testing.policies import visible_answers
from tests.mcp.scene import plain
from tests.runs.place import Played, play

SEND, ECHO = "mcp__plain__send_message", "mcp__plain__echo"
EXECUTE = "mcp__command_line__execute_command"


def is_analysis(request: ReceivedRequest) -> bool:
    return "cannot be taken back" in request.view.system and not request.view.tool_names


def planner(analysis: Any, calls: Sequence[Any] = ()) -> Any:
    """Tries `calls` in its first round and again when it presents."""

    def decide(request: ReceivedRequest) -> Any:
        view = request.view
        if is_analysis(request):
            return analysis
        if "vote" in view.tool_names and visible_answers(view):
            return use(call("vote", agent_id="agent1", reason="r"))
        if calls and not view.results:
            return use(*calls)
        if "new_answer" in view.tool_names:
            return use(call("new_answer", content="a plan"))
        return Turn(text="done")

    return decide


def planned(tmp_path: Path, analysis: Any, calls: Sequence[Any], **backend: Any) -> Played:
    played = play(
        tmp_path,
        {"m1": planner(analysis, calls), "m2": planner(analysis)},
        backend={"mcp_servers": [plain()], **backend},
        orchestrator={"coordination": {"enable_planning_mode": True}},
    )
    assert played.result.exit_code == 0, played.result.message
    return played


def blocking(*names: str) -> Turn:
    return Turn(text=json.dumps({"irreversible": names, "reasoning": "it cannot be unsent"}))


@pytest.mark.spec(
    "MCP-050", "MCP-051", "MCP-052", "MCP-053", "MCP-054", "MCP-056", "COORD-130", "COORD-131"
)  # fmt: skip
def test_a_blocked_tool_is_refused_until_the_winner_presents(tmp_path: Path) -> None:
    played = planned(tmp_path, blocking(SEND), [call(SEND, text="hi"), call(ECHO, text="heard")])
    asked = played.asked("m1")
    assert [is_analysis(request) for request in (*asked, *played.asked("m2"))].count(True) == 1
    refused, echoed = (result.text for result in asked[2].view.results)
    assert "Planning mode" in refused and "sent hi" not in refused
    assert echoed == "heard"
    for request in (asked[1], played.asked("m2")[0]):
        assert "describe what is to be done, do not do it" in request.view.system
    presented = [request for request in asked[2:] if "new_answer" not in request.view.tool_names]
    assert SEND in presented[0].view.tool_names
    assert "lanning mode is off" in presented[0].view.system + presented[0].view.text
    assert presented[-1].view.results[0].text == "sent hi"
    assert f"Planning Mode: ENABLED; blocked until the presentation: {SEND} (it cannot be unsent)" in played.text_log


@pytest.mark.spec("MCP-054")
def test_with_nothing_to_block_planning_mode_is_off(tmp_path: Path) -> None:
    played = planned(tmp_path, blocking(), [call(SEND, text="hi")])
    assert played.asked("m1")[2].view.results[0].text == "sent hi"
    assert "Planning Mode: DISABLED" in played.text_log


@pytest.mark.spec("MCP-051", "MCP-050")
def test_where_the_analysis_fails_all_that_may_have_effects_is_blocked(tmp_path: Path) -> None:
    calls = [call(SEND, text="hi"), call(ECHO, text="heard")]
    played = planned(tmp_path, HttpError(status=400, message="no"), calls)
    refused, echoed = (result.text for result in played.asked("m1")[2].view.results)
    assert "Planning mode" in refused
    assert echoed == "heard"
    assert "could not be analysed" in played.text_log


@pytest.mark.spec("MCP-055", "COORD-131")
def test_commands_can_be_blocked_and_work_on_own_files_goes_on(tmp_path: Path) -> None:
    write = call("mcp__filesystem__write_file", path="plan.txt", content="x")
    played = planned(
        tmp_path,
        blocking(EXECUTE, "mcp__filesystem__write_file"),
        [call(EXECUTE, command="echo ran"), write],
        cwd="ws",
        enable_mcp_command_line=True,
    )
    refused, written = played.asked("m1")[2].view.results
    assert "Planning mode" in refused.text
    assert "Planning mode" not in written.text and not written.text.startswith("Error")


@pytest.mark.spec("MCP-055")
@pytest.mark.parametrize("type_name", ["claude", "gemini", "openai"])
def test_blocking_works_in_each_providers_format(tmp_path: Path, type_name: str) -> None:
    from tests.custom_tools.test_in_a_run import finished

    policy = planner(blocking(SEND), [call(SEND, text="hi")])
    backend = {"type": type_name, "model": "model", "mcp_servers": [plain()]}
    result, requests = finished(
        tmp_path,
        {"model": policy},
        backend,
        orchestrator={"coordination": {"enable_planning_mode": True}},
    )
    assert result.exit_code == 0, result.message
    (first, *_) = [request for request in requests if request.view.results]
    assert "Planning mode" in first.view.results[0].text
    assert "sent hi" in json.dumps(requests[-1].json)


@pytest.mark.spec("COORD-133", "COORD-164", "HOOK-033")
@pytest.mark.parametrize(
    "name",
    [
        "tools/planning/five_agents_filesystem_mcp_planning_mode.yaml",
        "tools/planning/five_agents_twitter_mcp_planning_mode.yaml",
        "tools/planning/five_agents_discord_mcp_planning_mode.yaml",
        "tools/planning/five_agents_notion_mcp_planning_mode.yaml",
        "tools/mcp/five_agents_weather_mcp_test.yaml",
        "tools/todo/example_task_todo.yaml",
        "configs/tools/todo/example_task_todo.yaml",
        "debug/injection_delay_test.yaml",
    ],
)
def test_the_packaged_examples_are_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("OPENAI_API_KEY", "GEMINI_API_KEY", "XAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(key, "sk-for-the-check")
    assert load_config(f"@examples/{name}").require().agents
