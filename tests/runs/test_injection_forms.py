"""What a hook adds after a tool call, in the form of each provider."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from massgen.cli.console import Writer
from massgen.cli.plain import PlainDisplay
from massgen.events.types import Event, Injection
from massgen.testing import ReceivedRequest, Turn, call, use
from tests.custom_tools.test_in_a_run import finished

SHOWN = "<runtime_update>\nMIND THIS\n</runtime_update>"
LIST = "mcp__filesystem__list_directory"


def lists_once(request: ReceivedRequest) -> Turn:
    view = request.view
    if "new_answer" not in view.tool_names:
        return Turn(text="done")
    return use(call("new_answer", content="answer")) if view.results else use(call(LIST, path="."))


def second_request(tmp_path: Path, type_name: str, strategy: str) -> tuple[dict[str, Any], str]:
    """The body sent after the tool call, and the texts of the log."""
    reply = json.dumps({"decision": "allow", "inject": {"content": "MIND THIS", "strategy": strategy}})
    (tmp_path / "hook.py").write_text(f"print({reply!r})\n")
    hook = {"matcher": "*", "handler": f"python3 {tmp_path}/hook.py", "type": "command"}
    backend = {"type": type_name, "model": "model", "cwd": "ws"}
    result, requests = finished(tmp_path, {"model": lists_once}, backend, hooks={"PostToolUse": [hook]})
    assert result.exit_code == 0, result.message
    log = (result.log_dir / "events.jsonl").read_text() + (result.log_dir / "massgen.log").read_text()
    return requests[1].json, log


@pytest.mark.spec("HOOK-024")
def test_anthropic_gets_the_result_and_a_text_in_one_message(tmp_path: Path) -> None:
    body, _ = second_request(tmp_path, "claude", "user_message")
    content = body["messages"][-1]["content"]
    assert body["messages"][-1]["role"] == "user"
    assert [block["type"] for block in content] == ["tool_result", "text"]
    assert content[0]["tool_use_id"] == body["messages"][-2]["content"][-1]["id"]
    assert content[1]["text"] == SHOWN


@pytest.mark.spec("HOOK-025")
def test_openai_gets_a_tool_message_and_then_a_users(tmp_path: Path) -> None:
    body, _ = second_request(tmp_path, "chatcompletion", "user_message")
    tool, user = body["messages"][-2:]
    assert (tool["role"], user["role"]) == ("tool", "user")
    assert tool["tool_call_id"] == body["messages"][-3]["tool_calls"][0]["id"]
    assert user["content"] == SHOWN
    assert "MIND THIS" not in tool["content"]


@pytest.mark.spec("HOOK-031", "HOOK-023")
@pytest.mark.parametrize("type_name", ["claude", "chatcompletion", "openai", "gemini"])
def test_what_is_added_to_a_result_reaches_each_provider_and_stands_in_the_log(tmp_path: Path, type_name: str) -> None:
    body, log = second_request(tmp_path, type_name, "tool_result")
    assert json.dumps(body).count("MIND THIS") == 1
    assert "📥 [INJECTION]" in log
    assert "MIND THIS" in log


@pytest.mark.spec("HOOK-031")
def test_people_see_that_something_was_added() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="utf-8")
    event = Event(
        seq=1, timestamp=1.0, turn=1, attempt=1, agent_id="agent_a", round=1, body=Injection(source="hook", text="MIND")
    )
    PlainDisplay(Writer(out))(event)
    assert raw.getvalue().decode() == "[agent_a] 📥 [INJECTION] MIND\n"


@pytest.mark.spec("HOOK-008")
def test_people_are_told_once_of_a_hook_that_cannot_be_loaded(tmp_path: Path) -> None:
    hook = {"matcher": "*", "handler": "no_such_module.f"}
    backend = {"type": "chatcompletion", "model": "model", "cwd": "ws"}
    result, _ = finished(tmp_path, {"model": lists_once}, backend, hooks={"PreToolUse": [hook]})
    events = (result.log_dir / "events.jsonl").read_text().splitlines()
    told = [line for line in events if "calls of '*' are denied" in line and '"tool_end"' not in line]
    assert len(told) == 1
    assert "No module named 'no_such_module'" in told[0]
