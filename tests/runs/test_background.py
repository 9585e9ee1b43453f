"""Jobs that go on while the agent works, in whole runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from massgen.events.types import Injection, ToolEnd, ToolStart
from massgen.runs.run import Run
from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, answer_then_vote, call, use
from massgen.testing.policies import visible_answers
from tests.runs.place import play

FUNCTIONS = '''
import asyncio
from pathlib import Path


async def quick(text: str) -> str:
    """Say it back."""
    return f"quick said {text}"


async def slow(gate: str) -> str:
    """Wait for a file."""
    while not Path(gate).exists():
        await asyncio.sleep(0.02)
    return "slow is done"
'''
START = "custom_tool__start_background_tool"
WAIT = "custom_tool__wait_for_background_tool"


@pytest.fixture
def functions(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    return {"custom_tools": [{"path": str(tmp_path / "functions.py"), "function": ["quick", "slow"]}]}


def steps(*responses: Any) -> Any:
    """One response after the other in the first round, then votes and presents."""

    rest = iter(responses)

    def decide(request: ReceivedRequest) -> Any:
        view = request.view
        if "new_answer" not in view.tool_names:
            return Turn(text="done")
        if "vote" in view.tool_names and visible_answers(view):
            return use(call("vote", agent_id="agent1", reason="r"))
        reply = next(rest)
        return reply(request) if callable(reply) else reply

    return decide


@pytest.mark.spec("BG-001", "BG-002", "BG-014", "BG-012", "COORD-033")
def test_a_result_comes_with_a_later_tool_result_and_stays_in_the_agents_context(
    tmp_path: Path, functions: dict[str, Any]
) -> None:
    gate = tmp_path / "gate"

    def open_gate(_: ReceivedRequest) -> Turn:
        gate.touch()
        return use(call(WAIT, timeout_seconds=200), call("custom_tool__quick", text="b"))

    script = steps(
        use(call(START, tool_name="custom_tool__quick", arguments={"text": "a"})),
        use(call(START, tool_name="slow", arguments={"gate": str(gate)})),
        use(call("custom_tool__quick", text="meanwhile")),
        open_gate,
        use(call("new_answer", content="answer")),
    )
    played = play(tmp_path, {"m1": script, "m2": answer_then_vote("other")}, backend=functions)
    assert played.result.exit_code == 0, played.result.message
    asked = played.asked("m1")
    assert {START, WAIT, "custom_tool__list_background_tools"} <= set(asked[0].view.tool_names)
    told = [result.text for result in asked[4].view.results]
    job = json.loads(told[0])
    assert job["status"] == "running" and job["job_id"].startswith("job_")
    everything = "\n".join(told)
    assert everything.count("quick said a") == 1
    assert everything.count("slow is done") == 1
    assert "quick said meanwhile" in everything
    (text, *_) = [body.text for body in played.bodies(Injection) if body.source == "background"]
    assert job["job_id"] in text
    presented = asked[-1].view
    assert "new_answer" not in presented.tool_names
    assert "quick said a" in presented.text
    ended = {body.call_id for body in played.bodies(ToolEnd)}
    assert job["job_id"] in ended


@pytest.mark.spec("BG-007")
def test_hooks_and_filters_apply_to_what_a_job_calls(tmp_path: Path, functions: dict[str, Any]) -> None:
    script = steps(
        use(
            call(START, tool_name="custom_tool__slow", arguments={"gate": "x"}),
            call(START, tool_name="custom_tool__quick", arguments={"text": "a"}),
        ),
        use(call(WAIT, timeout_seconds=200)),
        use(call("new_answer", content="answer")),
    )
    (tmp_path / "deny.py").write_text('print(\'{"decision": "deny", "reason": "never quick"}\')\n')
    hook = {"matcher": "custom_tool__quick", "handler": f"python3 {tmp_path}/deny.py", "type": "command"}
    backend = {**functions, "exclude_tools": ["custom_tool__slow"]}
    played = play(tmp_path, {"m1": script}, backend=backend, top={"hooks": {"PreToolUse": [hook]}})
    assert played.result.exit_code == 0, played.result.message
    told = [result.text for result in played.asked("m1")[2].view.results]
    assert "no tool 'custom_tool__slow'" in told[0]
    assert "never quick" in "\n".join(told)
    assert "quick said" not in "\n".join(told)


@pytest.mark.spec("BG-010", "BG-011")
def test_a_person_who_speaks_interrupts_the_wait(tmp_path: Path, functions: dict[str, Any]) -> None:
    gate = tmp_path / "gate"

    def speak(run: Run, _: ScriptedProvider) -> None:
        def on_event(event: Any) -> None:
            if isinstance(event.body, ToolStart) and event.body.name == WAIT and not gate.exists():
                run.inject("Please hurry")
                gate.touch()

        run.stream.subscribe(on_event)

    script = steps(
        use(call(START, tool_name="slow", arguments={"gate": str(tmp_path / "never")})),
        use(call(WAIT, timeout_seconds=200)),
        use(call("new_answer", content="answer")),
    )
    played = play(tmp_path, {"m1": script}, backend=functions, before=speak)
    assert played.result.exit_code == 0, played.result.message
    waited = json.loads(played.asked("m1")[2].view.results[-1].text)
    assert waited["interrupt_reason"] == "runtime_injection_available"
    assert waited["injected_content"] == "Please hurry"


@pytest.mark.spec("BG-001")
def test_an_agent_with_files_only_has_no_tools_of_jobs(tmp_path: Path) -> None:
    script = steps(use(call("new_answer", content="answer")))
    played = play(tmp_path, {"m1": script}, backend={"cwd": "ws"})
    names = played.asked("m1")[0].view.tool_names
    assert "mcp__filesystem__read_file" in names
    assert not any("background" in name for name in names)


@pytest.mark.spec("TOOL-045")
@pytest.mark.parametrize("mark", [{"background": True}, {"mode": "background"}], ids=["background", "mode"])
def test_a_function_called_with_a_mark_goes_to_the_background_and_does_not_see_the_mark(
    tmp_path: Path, functions: dict[str, Any], mark: dict[str, Any]
) -> None:
    gate = tmp_path / "gate"
    job: list[str] = []

    def open_gate(request: ReceivedRequest) -> Turn:
        (started,) = [json.loads(result.text) for result in request.view.results]
        job.append(started["job_id"])
        gate.touch()
        return use(call(WAIT, timeout_seconds=200))

    def fetch(_: ReceivedRequest) -> Turn:
        return use(call("custom_tool__get_background_tool_result", job_id=job[0]))

    script = steps(
        use(call("custom_tool__slow", gate=str(gate), **mark)),
        open_gate,
        fetch,
        use(call("new_answer", content="answer")),
    )
    played = play(tmp_path, {"m1": script}, backend=functions)
    assert played.result.exit_code == 0, played.result.message
    results = [result.text for result in played.asked("m1")[3].view.results]
    fetched = json.loads(results[2].partition("\n\n")[0])
    assert (fetched["job_id"], fetched["status"], fetched["result"]) == (job[0], "completed", "slow is done")
