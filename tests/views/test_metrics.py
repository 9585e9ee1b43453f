from __future__ import annotations

import json
from pathlib import Path

import pytest

from massgen.events.types import FactRecorded
from tests.views.scene import Scene


@pytest.mark.spec("LOG-060")
def test_tokens_cost_and_rounds_of_a_run_are_summed(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.begin()
    for name in scene.agents:
        scene.round(name)
        scene.call(name, (1000, 50), 0.02)
        scene.answer(name, f"agent{scene.agents.index(name) + 1}.1", "One.")
        scene.round(name, 1, "refine", ("agent1.1",))
        scene.vote(name, "ann", "agent1.1")
    scene.call("ann", (500, 5), None, kind="post_evaluation")
    scene.present("ann", "agent1.1", "One.")
    scene.end()
    found = scene.json("metrics_summary.json")
    assert found["totals"]["estimated_cost"] == 0.04
    assert found["totals"]["agent_cost"] + found["totals"]["subagent_cost"] == found["totals"]["estimated_cost"]
    assert (found["totals"]["input_tokens"], found["totals"]["output_tokens"]) == (2500, 105)
    assert found["totals"]["unpriced_calls"] == 1
    by_type = found["rounds"]["by_type"]
    assert by_type == {"answer": 2, "vote": 2, "presentation": 1, "post_evaluation": 1}
    assert found["rounds"]["total"] == 6
    assert found["meta"]["winner"] == "ann"
    assert (found["meta"]["question"], found["meta"]["num_agents"]) == ("What is 2+2?", 2)
    assert set(found["agents"]) == {"ann", "bob"}
    assert found["agents"]["ann"]["input_tokens"] == 1500


@pytest.mark.spec("LOG-060")
def test_subagents_count_in_the_totals(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.begin()
    scene.call("ann", (10, 10), 0.5)
    for number, text in enumerate(['{"costs": {"total_input_tokens": 7, "total_estimated_cost": 0.25}}', "{torn"]):
        path = scene.here / "subagents" / f"sub{number}" / "full_logs" / "status.json"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    scene.end()
    found = scene.json("metrics_summary.json")
    assert found["subagents"]["total_subagents"] == 2
    assert found["subagents"]["total_input_tokens"] == 7
    assert (found["totals"]["subagent_cost"], found["totals"]["estimated_cost"]) == (0.25, 0.75)


@pytest.mark.spec("LOG-061")
def test_every_tool_call_is_counted_and_failures_apart(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.begin()
    scene.tool("ann", "mcp__files__read", "text")
    scene.tool("bob", "mcp__files__read", "no such file", failed=True)
    scene.tool("bob", "add", "3")
    scene.end()
    tools = scene.json("metrics_summary.json")["tools"]
    assert tools["by_tool"]["mcp__files__read"] == {"calls": 2, "total_ms": 188.0, "avg_ms": 94.0, "failures": 1}
    assert tools["by_tool"]["add"]["failures"] == 0
    assert tools["total_calls"] == 3


@pytest.mark.spec("LOG-060")
def test_errors_and_timeouts_are_counted_once_an_agent(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.begin()
    scene.status("ann", "error", error=("api_error", "500"))
    scene.status("ann", "error", error=("api_error", "500"))
    scene.status("bob", "timeout", error=("timeout", "Agent timeout after 180s"))
    scene.emit(FactRecorded(fact="RoundClosed", at=3.0, values={"text": ""}), "bob", 1)
    scene.end(2, "error")
    rounds = scene.json("metrics_summary.json")["rounds"]
    assert (rounds["errors"], rounds["timeouts"]) == (1, 2)
    assert json.loads((scene.here / "metrics_summary.json").read_text())["meta"]["exit_code"] == 2
