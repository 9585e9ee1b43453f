"""Functions and servers in whole runs: a scripted model behind real HTTP calls them through the real engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from massgen.config import load_config
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.run import Run
from massgen.testing import Call, ReceivedRequest, ScriptedProvider, Turn, call, use
from massgen.testing.policies import visible_answers
from tests.mcp.scene import raw

SAMPLE = str(Path(__file__).parent / "sample.py")
ADD = Call(name="custom_tool__two_num_tool", arguments='{"x": 123, "y": 456}')
TWO_NUM = {
    "name": ["two_num_tool"],
    "path": "massgen/tool/_basic/_two_num_tool.py",
    "function": ["two_num_tool"],
}


def uses_then_answers(*calls: Call) -> Callable[[ReceivedRequest], Turn]:
    """Makes the calls one after the other, answers with what they gave, then votes for the first answer."""

    def decide(request: ReceivedRequest) -> Turn:
        names, results = request.view.tool_names, request.view.results
        if "vote" in names and visible_answers(request.view):
            return use(call("vote", agent_id="agent1", reason="right"))
        if "new_answer" not in names:
            return Turn(text="presented")
        if len(results) < len(calls):
            return use(calls[len(results)])
        return use(call("new_answer", content="\n".join(result.text for result in results)))

    return decide


def finished(
    launch: Path, policies: dict[str, Callable[[ReceivedRequest], Turn]], *backends: dict[str, Any], **top: Any
) -> tuple[RunResult, list[ReceivedRequest]]:
    """A run of agents with these backends, each with a model of its own in `policies`."""

    async def run() -> tuple[RunResult, list[ReceivedRequest]]:
        async with ScriptedProvider(policies) as server:
            agents = []
            for number, backend in enumerate(backends, 1):
                native = backend["type"] in ("claude", "gemini")
                address = server.base_url if native else server.openai_url
                agents.append({"id": f"a{number}", "backend": {"base_url": address, "api_key": "k-123456", **backend}})
            loaded = load_config({"agents": agents, **top}, launch=launch)
            loaded.require()
            one = Run(RunRequest(loaded=loaded, question="What is 123 + 456?", launch=launch, automation=True))
            one.prepare()
            return await one.execute(), server.requests

    return asyncio.run(run())


@pytest.mark.spec("TOOL-111", "TOOL-044", "TOOL-011")
@pytest.mark.parametrize("type_name", ["openai", "claude", "gemini", "grok", "chatcompletion", "lmstudio", "inference"])
def test_a_function_is_called_by_models_of_each_type_and_logged(type_name: str, tmp_path: Path) -> None:
    chart = Call(name="custom_tool__chart", arguments='{"title": "A chart"}')
    backend = {
        "type": type_name,
        "model": "model",
        "custom_tools": [TWO_NUM, {"path": SAMPLE, "function": "chart"}],
    }
    result, requests = finished(tmp_path, {"model": uses_then_answers(ADD, chart)}, backend)
    assert "The sum of 123 and 456 is 579" in result.answers[0].text
    assert result.exit_code == 0
    seen = "".join(json.dumps(request.json) for request in requests)
    assert "for the log only" not in seen
    logs = "".join(path.read_text() for path in result.log_dir.rglob("*.jsonl"))
    assert "custom_tool__two_num_tool" in logs
    assert "579" in logs


@pytest.mark.spec("TOOL-007", "TOOL-111")
@pytest.mark.parametrize("type_name", ["openai", "claude", "gemini", "chatcompletion"])
def test_a_function_that_takes_any_keyword_gets_them_from_models_of_each_type(type_name: str, tmp_path: Path) -> None:
    extras = Call(name="custom_tool__extras", arguments='{"text": "t", "unit": "m"}')
    backend = {"type": type_name, "model": "model", "custom_tools": [{"path": SAMPLE, "function": "extras"}]}
    result, _ = finished(tmp_path, {"model": uses_then_answers(extras)}, backend)
    assert "t 1 [('unit', 'm')]" in result.answers[0].text


@pytest.mark.spec("TOOL-020", "TOOL-040", "TOOL-042")
def test_only_the_agent_with_the_function_sees_it_and_bare_names_and_errors_reach_the_model(tmp_path: Path) -> None:
    bare = Call(name="calculator", arguments='{"operation": "add", "x": 1, "y": 2}')
    missing = Call(name="custom_tool__calculator", arguments='{"operation": "add"}')
    raises = Call(name="custom_tool__raises")
    unknown = Call(name="my_tool")
    backend = {"type": "chatcompletion", "model": "with"}
    custom = [{"path": SAMPLE, "function": ["calculator", "raises"]}]
    policies = {"with": uses_then_answers(bare, missing, raises, unknown), "without": uses_then_answers()}
    result, requests = finished(
        tmp_path,
        policies,
        {**backend, "custom_tools": custom},
        {"type": "chatcompletion", "model": "without"},
    )
    offered = {request.json["model"]: set(request.view.tool_names) for request in requests}
    assert "custom_tool__calculator" in offered["with"]
    assert not any(name.startswith("custom_tool__") for name in offered["without"])
    answers = next(answer.text for answer in result.answers if "add(1, 2) = 3" in answer.text)
    assert "no such luck" in answers
    assert "my_tool" in answers
    assert "'x'" in answers


@pytest.mark.spec("TOOL-030", "MCP-002", "MCP-004", "MCP-040")
def test_functions_and_servers_work_side_by_side_and_hidden_tools_are_refused(tmp_path: Path) -> None:
    calls = (ADD, Call(name="mcp__one__hello"), Call(name="mcp__two__noise"), Call(name="mcp__one__kill"))
    backend = {
        "type": "chatcompletion",
        "model": "model",
        "custom_tools": [TWO_NUM],
        "mcp_servers": [raw("plain", name="one"), raw("plain", name="two")],
        "exclude_tools": ["mcp__one__kill"],
    }
    result, requests = finished(tmp_path, {"model": uses_then_answers(*calls)}, backend)
    names = requests[0].view.tool_names
    assert "mcp__one__hello" in names
    assert "mcp__two__kill" in names
    assert "mcp__one__kill" not in names
    lines = result.answers[0].text.splitlines()
    assert lines[:3] == ["The sum of 123 and 456 is 579", "hello", "heard"]
    assert "mcp__one__kill" in lines[3]


@pytest.mark.spec("MCP-061", "MCP-023")
def test_a_run_goes_on_without_servers_that_cannot_start(tmp_path: Path) -> None:
    backend = {
        "type": "chatcompletion",
        "model": "model",
        "mcp_servers": [
            {"name": "gone", "command": "no-such-program"},
            {"name": "keyless", "command": "npx", "env": {"K": "${NOBODY_SET_THIS}"}},
            raw("plain", name="there"),
        ],
    }
    result, _ = finished(tmp_path, {"model": uses_then_answers(Call(name="mcp__there__hello"))}, backend)
    assert result.exit_code == 0
    assert result.answers[0].text == "hello"
