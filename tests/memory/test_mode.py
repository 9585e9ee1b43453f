"""Memory files in whole runs (section 10)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from massgen.config import load_config
from massgen.events.types import Injection
from massgen.runs.run import Run
from massgen.testing import answer_then_vote, call
from massgen.testing.policies import visible_answers
from massgen.testing.replies import Hold, Turn
from massgen.testing.requests import ReceivedRequest
from tests.engine.scene import is_presentation, play, scene, use

MODE = {"coordination": {"enable_memory_filesystem_mode": True}}
WORKSPACE = {"cwd": "workspace"}
HEAD = "---\nname: {0}\ndescription: about {0}\ncreated: 2025-11-23T20:00:00\nupdated: 2025-11-23T20:00:00\n---\n"
VOTE = use(call("vote", agent_id="agent1", reason="clear"))
Policy = Callable[[ReceivedRequest], Any]


def write(tier: str, name: str, content: str) -> Turn:
    text = HEAD.format(name) + content
    return use(call("write_file", path=f"memory/{tier}/{name}.md", content=text))


def steps(*turns: Turn, then: Policy) -> Policy:
    """Plays the turns one after the other, then goes on as `then`."""
    left = list(turns)
    return lambda request: left.pop(0) if left else then(request)


def section(request: ReceivedRequest) -> str:
    return request.view.system.partition("## Memory\n")[2]


def archives(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob(".massgen/sessions/*/archived_memories/*"))


@pytest.mark.spec("MEM-090", "MEM-104")
def test_every_workspace_has_the_directories_from_the_start_and_again_after_an_answer(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    async def story() -> None:
        def look(request: ReceivedRequest) -> Any:
            (place,) = re.findall(r"^- (/.+) \(write\): your workspace", request.view.system, re.MULTILINE)
            seen.append(sorted(path.name for path in Path(place).glob("memory/*") if path.is_dir()))
            return answer_then_vote("four")(request)

        async with scene(tmp_path, look, look, orchestrator=MODE, backend=WORKSPACE) as team:
            await team.ask()
            assert "memory directories are set up for amber, birch (enable_memory_filesystem_mode)" in team.text_log

    play(story)
    assert seen and all(names == ["long_term", "short_term"] for names in seen)


@pytest.mark.spec("MEM-090")
def test_without_the_mode_there_is_no_memory(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, answer_then_vote("four"), backend=WORKSPACE) as team:
            await team.ask()
            assert all("## Memory" not in request.view.system for request in team.server.requests)
            assert not list(tmp_path.glob(".massgen/workspaces/*/memory")) and not archives(tmp_path)

    play(story)


@pytest.mark.spec("MEM-091")
def test_an_agent_without_a_workspace_is_warned_about_and_runs_without_the_mode(tmp_path: Path) -> None:
    async def story() -> None:
        agents = {"amber": {"backend": WORKSPACE}}
        scripts = (answer_then_vote("four"), answer_then_vote("five"))
        async with scene(tmp_path, *scripts, orchestrator=MODE, agents=agents) as team:
            loaded = load_config(team.config)
            sentence = "Memory files need a workspace"
            found = [item for item in loaded.diagnostics if (item.level, sentence in item.message) == ("warning", True)]
            assert len(found) == 1
            result = await team.ask()
            assert result.exit_code == 0
            assert all("## Memory" in request.view.system for request in team.requests("model-a"))
            assert all("## Memory" not in request.view.system for request in team.requests("model-b"))

    play(story)


@pytest.mark.spec("MEM-094", "MEM-095", "MEM-096", "MEM-100")
def test_the_next_request_of_another_agent_holds_what_was_written(tmp_path: Path) -> None:
    read: list[str] = []

    async def story() -> None:
        a = steps(
            write("short_term", "tips", "use the heron"),
            write("long_term", "analysis", "a detailed story"),
            then=answer_then_vote("four"),
        )

        def late(request: ReceivedRequest) -> Any:
            if not request.view.results:
                return replace(use(call("list_directory", path=".")), hold=Hold(model="model-a", count=3))
            if len(request.view.results) == 1 and "Long-term files: " in section(request):
                place = section(request).partition("Long-term files: ")[2].partition("/agentN")[0]
                return use(call("read_file", path=f"{place}/agent1/long_term/analysis.md"))
            read.extend(result.text for result in request.view.results[1:])
            return answer_then_vote("five")(request)

        async with scene(tmp_path, a, late, orchestrator=MODE, backend=WORKSPACE) as team:
            await team.ask()
            first, second = team.requests("model-b")[:2]
            assert "### Current" not in first.view.system
            text = section(second)
            assert "**agent1:**\n*short_term:*\n- `tips.md`\n  ```\n  use the heron\n  ```" in text
            assert "- `analysis.md`: about analysis" in text and "a detailed story" not in text
            assert "amber" not in text
            injected = [body for body in team.bodies(Injection, "birch") if body.source == "memory"]
            assert any("use the heron" in body.text for body in injected)

    play(story)
    assert "a detailed story" in read[0]


@pytest.mark.spec("MEM-093")
def test_changes_and_deletions_are_seen_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        script = steps(
            write("short_term", "tips", "first"),
            write("short_term", "tips", "second"),
            use(call("move_file", source="memory/short_term/tips.md", destination="memory/long_term/tips.md")),
            use(call("delete_file", path="memory/long_term/tips.md")),
            then=answer_then_vote("four"),
        )
        async with scene(tmp_path, script, orchestrator=MODE, backend=WORKSPACE) as team:
            await team.ask()
            texts = [section(request) for request in team.server.requests[:5]]
            assert "tips.md" not in texts[0]
            assert "  first\n" in texts[1]
            assert "  second\n" in texts[2] and "first" not in texts[2]
            assert "*long_term:*\n- `tips.md`: about tips" in texts[3] and "second" not in texts[3]
            assert "tips.md" not in texts[4]
            assert not list(tmp_path.glob(".massgen/temp_workspaces/*/memory/agent1/long_term/*"))

    play(story)


@pytest.mark.spec("MEM-094")
def test_the_section_stands_between_planning_guidance_and_what_follows(tmp_path: Path) -> None:
    async def story() -> None:
        mode = {"coordination": {**MODE["coordination"], "enable_planning_mode": True}}
        async with scene(
            tmp_path, answer_then_vote("four"), answer_then_vote("four"), orchestrator=mode, backend=WORKSPACE
        ) as team:
            await team.ask()
            asked = [one for one in team.server.requests if "new_answer" in one.view.tool_names]
            text = asked[0].view.system
            places = [text.index(part) for part in ("CURRENT ANSWERS", "Planning mode:", "## Memory", "Files:\n")]
            assert places == sorted(places)
            assert any("## Memory" in one.view.system for one in team.server.requests if is_presentation(one))

    play(story)


@pytest.mark.spec("MEM-097", "MEM-098", "MEM-099", "MEM-101", "MEM-094")
def test_each_answer_leaves_an_archive_that_later_rounds_and_turns_see(tmp_path: Path) -> None:
    def twice(request: ReceivedRequest) -> Any:
        names, seen = request.view.tool_names, visible_answers(request.view)
        if "new_answer" not in names:
            return VOTE if "vote" in names else Turn(text="presented")
        if seen.get("agent1", "").endswith("answer 2"):
            return VOTE
        answer = 2 if "agent1" in seen else 1
        if not request.view.results:
            return write("short_term", "tips", f"tip of answer {answer}")
        return use(call("new_answer", content=f"answer {answer}"))

    def other(request: ReceivedRequest) -> Any:
        names, seen = request.view.tool_names, visible_answers(request.view)
        if "vote" in names and ("agent2" in seen or "new_answer" not in names):
            return VOTE
        return use(call("new_answer", content="something else")) if "new_answer" in names else Turn(text="presented")

    async def story() -> None:
        rules = {**MODE, "max_new_answers_per_agent": 2}
        async with scene(tmp_path, twice, other, orchestrator=rules, backend=WORKSPACE) as team:
            first = team.prepare()
            result = await first.execute()
            assert [one.label for one in result.answers if one.agent_id == "amber"] == ["agent1.1", "agent1.2"]
            assert archives(tmp_path) == ["amber_answer_0", "amber_answer_1", "birch_answer_0"]
            for reader in ("amber", "birch"):
                view = tmp_path / ".massgen" / "temp_workspaces" / reader / "agent1"
                assert (view / "memory" / "short_term" / "tips.md").read_text().endswith("tip of answer 2")
            rounds = [section(request) for request in team.requests("model-a")]
            assert "- `tips.md` (from agent1 Answer 0)\n  ```\n  tip of answer 1\n  ```" in rounds[2]
            assert "**agent1:**" not in rounds[2]
            assert all("amber" not in text.replace("temp_workspaces/amber", "") for text in rounds)
            count = len(rounds)
            second = Run(replace(first.request, question="And 3+3?"), previous=first.end)
            second.prepare()
            await second.execute()
            later = section(team.requests("model-a")[count])
            assert "(from agent1 Answer 1)\n  ```\n  tip of answer 2" in later
            assert archives(tmp_path)[:3] == ["amber_answer_0", "amber_answer_1", "amber_answer_2"]

    play(story)


@pytest.mark.spec("MEM-104")
def test_a_high_priority_task_that_is_done_brings_the_reminder(tmp_path: Path) -> None:
    async def story() -> None:
        plan = {"tasks": [{"id": "t1", "description": "important", "priority": "high"}]}
        script = steps(
            use(call("create_task_plan", **plan)),
            use(call("update_task_status", task_id="t1", status="completed", completion_notes="done")),
            then=answer_then_vote("four"),
        )
        mode = {"coordination": {**MODE["coordination"], "enable_agent_task_planning": True}}
        async with scene(tmp_path, script, orchestrator=mode, backend=WORKSPACE) as team:
            await team.ask()
            text = json.dumps([request.json for request in team.server.requests])
            assert "SYSTEM REMINDER" in text and "memory/long_term/lessons_learned.md" in text

    play(story)


@pytest.mark.spec("MEM-094")
def test_secrets_in_memories_are_masked(tmp_path: Path) -> None:
    async def story() -> None:
        script = steps(write("short_term", "tips", "the key is sk-test-key"), then=answer_then_vote("four"))
        async with scene(tmp_path, script, orchestrator=MODE, backend=WORKSPACE) as team:
            await team.ask()
            assert all("sk-test-key" not in section(request) for request in team.server.requests)

    play(story)
