from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from massgen.views.trace import fenced, render_trace
from massgen.views.transcript import Transcript
from tests.views.scene import CUT, Scene

SECRET = "sk-planted-0123456789"


def only(paths: list[Path]) -> Path:
    (path,) = paths
    return path


@pytest.mark.spec("LOG-006")
def test_the_context_of_a_step_holds_the_question_and_what_its_author_saw(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.told()
    steps = sorted((scene.here / "ann").iterdir())
    assert all(re.fullmatch(r"\d{8}_\d{6}_\d{6}", step.name) for step in steps)
    first, second = ((step / "context.txt").read_text() for step in steps)
    assert "What is 2+2?" in first
    assert "anyone can count" not in first
    assert "anyone can count" in second
    assert (steps[0] / "answer.txt").read_text() == "Four."


@pytest.mark.spec("LOG-015")
def test_labels_lead_to_existing_files(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.told()
    mapping = scene.json("snapshot_mappings.json")
    assert (scene.here / mapping["agent1.1"]["path"]).read_text() == "Four."
    assert (scene.here / mapping["agent2.final"]["path"]).read_text() == "2 + 2 = 4."
    assert "agent2.1" in (scene.here / mapping["agent1.vote1"]["path"]).read_text()
    kinds = {entry["type"] for entry in mapping.values()}
    assert kinds == {"answer", "vote", "final"}
    assert all(set(entry) == {"type", "agent_id", "timestamp", "path", "workspace_path"} for entry in mapping.values())


@pytest.mark.spec("LOG-011", "LOG-013", "LOG-003")
def test_the_presentation_lies_where_it_is_documented_and_only_once_on_disk(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.told()
    answer = scene.here / "final" / "bob" / "answer.txt"
    shown = scene.here / "agent_outputs" / "final_presentation_bob.txt"
    latest = scene.here / "agent_outputs" / "final_presentation_bob_latest.txt"
    assert answer.read_text() == shown.read_text() == latest.read_text() == "2 + 2 = 4."
    assert os.readlink(latest) == shown.name
    assert (scene.here / "final" / "bob" / "context.txt").is_file()
    assert (scene.root / "turn_1" / "final" / "bob" / "answer.txt").read_text() == "2 + 2 = 4."
    assert answer.stat().st_ino == shown.stat().st_ino


@pytest.mark.spec("LOG-014")
@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "../../up", "nul\0byte", "päpstin", "x" * 90])
def test_no_agent_id_leaves_the_log_directory(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("untouched")
    scene = Scene(tmp_path / "logs" / "log", agents=(name, "bob"))
    scene.begin()
    scene.round(name)
    scene.answer(name, "agent1.1", "Mine.")
    scene.present(name, "agent1.1", "Mine.")
    scene.end()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "outside.txt"]
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["log", "log_latest"]
    assert only(list((scene.here / "final").iterdir())).joinpath("answer.txt").read_text() == "Mine."
    assert scene.json("snapshot_mappings.json")["agent1.1"]["agent_id"] == name


@pytest.mark.spec("LOG-007")
def test_the_trace_has_whole_calls_results_reasoning_and_the_answer(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.begin()
    scene.round("ann")
    scene.stream.text("ann", 0, "reasoning", "I need to see ")
    scene.stream.text("ann", 0, "reasoning", "the file.")
    scene.tool("ann", "mcp__filesystem__read_file", "z" * 100_000)
    scene.tool("ann", "broken", "no such thing", failed=True)
    scene.answer("ann", "agent1.1", "Created the feature.")
    text = only(list((scene.here / "ann").glob("*/execution_trace.md"))).read_text()
    lines = text.splitlines()
    assert lines[0] == "# Execution Trace: ann"
    assert re.fullmatch(r"\*\*Model\*\*: model-of-ann \| \*\*Started\*\*: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", lines[2])
    assert "## Round 1 (Answer 1.1)" in lines
    assert "### Tool Call: mcp__filesystem__read_file" in lines
    assert '**Args**:\n\n```json\n{\n  "path": "main.py"\n}\n```' in text
    assert "z" * 100_000 in text
    assert "### Tool Error: broken" in lines
    assert "### Reasoning" in lines
    assert "I need to see the file." in text
    assert "### Answer Submitted (1.1)" in lines
    assert text.count("Created the feature.") == 1


@pytest.mark.spec("LOG-007")
def test_what_an_agent_did_before_it_failed_is_traced_too(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.begin()
    scene.round("ann")
    scene.tool("ann", "broken", "no such thing", failed=True)
    scene.status("ann", "error", error=("api_error", "HTTP 500"))
    scene.end(2, "error")
    text = only(list((scene.here / "ann").glob("*/execution_trace.md"))).read_text()
    assert "### Tool Error: broken" in text
    assert "HTTP 500" in text


@pytest.mark.spec("LOG-007")
def test_fences_in_a_result_cannot_break_out_of_the_trace() -> None:
    assert fenced("a\n```\n# Title\n````\n").startswith("`````\n")


@pytest.mark.spec("LOG-008")
def test_a_trace_for_agents_carries_the_anonymous_name_and_no_model(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    transcript = Transcript()
    scene.stream.subscribe(transcript.apply)
    scene.begin()
    scene.round("ann")
    scene.tool("ann", "read", "text")
    scene.answer("ann", "agent1.1", "Four.")
    text = render_trace("agent1", "", transcript.take("ann"), answer="Four.")
    assert text.startswith("# Execution Trace: agent1\n")
    assert "model-of-ann" not in text
    assert "ann" not in text.split()


@pytest.mark.spec("LOG-018")
def test_without_text_logs_there_are_answers_but_no_traces(tmp_path: Path) -> None:
    scene = Scene(tmp_path, texts=False)
    scene.told()
    assert (scene.here / "final" / "bob" / "answer.txt").is_file()
    assert list(scene.here.rglob("execution_trace.md")) == []
    assert list(scene.here.rglob("final_presentation*")) == []


@pytest.mark.spec("LOG-095")
def test_a_secret_that_arrives_in_two_pieces_is_masked_in_every_text(tmp_path: Path) -> None:
    scene = Scene(tmp_path, redact=lambda text: text.replace(SECRET, "[redacted]"))
    scene.begin()
    scene.round("ann")
    scene.stream.text("ann", 0, "reasoning", f"It is {SECRET[:9]}")
    scene.stream.flush()
    scene.stream.text("ann", 0, "reasoning", f"{SECRET[9:]} indeed")
    scene.answer("ann", "agent1.1", "Four.")
    scene.present("ann", "agent1.1", f"Use {SECRET[:5]}{CUT}{SECRET[5:]}")
    scene.end()
    texts = [path.read_text(encoding="utf-8") for path in scene.root.rglob("*") if path.is_file()]
    assert not [text for text in texts if SECRET in text]
    assert (scene.here / "final" / "ann" / "answer.txt").read_text() == "Use [redacted]"


@pytest.mark.spec("LOG-006")
def test_a_long_answer_lies_once_on_disk_and_contexts_name_it(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.begin()
    long = "word " * 40_000
    scene.answer("ann", "agent1.1", long, stream=False)
    seen = ("agent1.1",)
    scene.vote("ann", "ann", "agent1.1", context=seen)
    scene.vote("bob", "ann", "agent1.1", context=seen)
    sizes = {path.stat().st_ino: path.stat().st_size for path in scene.here.rglob("*.txt")}
    assert sum(sizes.values()) < 1.5 * len(long)
    context = only(list((scene.here / "bob").glob("*/context.txt"))).read_text()
    assert f"{len(long)} characters" in context
    assert scene.json("snapshot_mappings.json")["agent1.1"]["path"] in context
    quoted = scene.steps.abridged(f"before {long} after")
    assert len(quoted) < 200
    assert quoted.startswith("before [agent1.1: ")
