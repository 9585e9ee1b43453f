"""Personas, paraphrases, criteria and subtasks that are worked out before the team starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from massgen.testing import HttpError, ReceivedRequest, ScriptedProvider, Turn, answer_then_vote
from massgen.testing.policies import visible_answers
from tests.runs.place import KEY, Played, massgen, play, write_config

PERSONAS = ("You value speed.\nMore about speed.", "You value care.\nMore about care.")


def prepared_by(marker: str, reply: Any, answer: str = "Four.") -> Any:
    """Gives `reply` to the preparing call whose system text holds `marker`; else a good team member."""
    member = answer_then_vote(answer)

    def decide(request: ReceivedRequest) -> Any:
        return reply if marker in request.view.system and not request.view.tool_names else member(request)

    return decide


def rounds(played: Played, model: str) -> list[ReceivedRequest]:
    return [request for request in played.asked(model) if request.view.tool_names]


def with_personas(tmp_path: Path, reply: Any, **coordination: Any) -> Played:
    played = play(
        tmp_path,
        {"m1": prepared_by("personas for 2 experts", reply), "m2": answer_then_vote("It is 4.")},
        orchestrator={"coordination": {"persona_generator": {"enabled": True, **coordination}}},
    )
    assert played.result.exit_code == 0
    return played


@pytest.mark.spec("COORD-139", "COORD-140")
@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("perspective", "different values and priorities"),
        ("implementation", "different kinds of solution"),
        ("methodology", "different ways of working"),
    ],
)
def test_each_agent_gets_its_persona_and_a_softened_one_with_answers_in_view(
    tmp_path: Path, mode: str, words: str
) -> None:
    played = with_personas(tmp_path, Turn(text=json.dumps({"personas": PERSONAS})), diversity_mode=mode)
    calls = [request for request in played.asked("m1") if "personas for 2 experts" in request.view.system]
    assert len(calls) == 1 and words in calls[0].view.system
    for model, persona in zip(("m1", "m2"), PERSONAS, strict=True):
        exploring, *later = rounds(played, model)
        assert persona in exploring.view.system
        converging = next(request for request in later if visible_answers(request.view))
        first, rest = persona.split("\n")
        assert first in converging.view.system and rest not in converging.view.system
        assert "on their merit" in converging.view.system


@pytest.mark.spec("COORD-141")
def test_without_useful_personas_the_team_works_without(tmp_path: Path) -> None:
    played = with_personas(tmp_path, Turn(text="I would rather not."))
    assert "No personas could be generated" in played.text_log


@pytest.mark.spec("COORD-141")
def test_a_single_agent_ignores_personas_with_a_notice(tmp_path: Path) -> None:
    played = play(
        tmp_path,
        {"m1": answer_then_vote("Four.")},
        orchestrator={"coordination": {"persona_generator": {"enabled": True}}},
    )
    assert len(played.asked("m1")) == 1
    assert "Personas need more than one agent" in played.text_log


@pytest.mark.spec("COORD-141")
def test_personas_with_decomposition_are_a_configuration_error(tmp_path: Path) -> None:
    path = write_config(tmp_path, "http://127.0.0.1:9/v1", ("a", "b"))
    flags = ("--personas", "perspective", "--coordination-mode", "decomposition")
    done = massgen(tmp_path, "--automation", "--config", path, *flags, "Q")
    assert (done.returncode, done.stdout) == (1, "")
    assert "personas" in done.stderr.lower() and "decomposition" in done.stderr


CRITERIA = [f"criterion number {n}" for n in range(1, 6)]


def with_criteria(tmp_path: Path, reply: Any) -> Played:
    played = play(
        tmp_path,
        {"m1": prepared_by("criteria by which", reply), "m2": answer_then_vote("It is 4.")},
        orchestrator={
            "voting_sensitivity": "checklist_gated",
            "max_new_answers_per_agent": 1,
            "evaluation_criteria_generator": {"enabled": True, "min_criteria": 4, "max_criteria": 7},
        },
    )
    assert played.result.exit_code == 0, played.result.message
    return played


@pytest.mark.spec("COORD-077")
def test_generated_criteria_are_shown_and_saved(tmp_path: Path) -> None:
    played = with_criteria(tmp_path, Turn(text=json.dumps({"criteria": CRITERIA})))
    for model in ("m1", "m2"):
        assert "E5" in rounds(played, model)[0].view.system
        assert "criterion number 5" in rounds(played, model)[0].view.system
    saved = json.loads((played.attempt / "evaluation_criteria.json").read_text())
    assert [item["id"] for item in saved["criteria"]] == ["E1", "E2", "E3", "E4", "E5"]


@pytest.mark.spec("COORD-077")
@pytest.mark.parametrize("count", [2, 9])
def test_criteria_out_of_range_give_way_to_the_defaults(tmp_path: Path, count: int) -> None:
    reply = Turn(text=json.dumps({"criteria": [f"thing {n}" for n in range(count)]}))
    played = with_criteria(tmp_path, reply)
    assert "thing 1" not in rounds(played, "m1")[0].view.system
    assert "the default ones are used" in played.text_log


@pytest.mark.spec("COORD-090")
def test_the_presenter_splits_a_task_that_has_no_subtasks(tmp_path: Path) -> None:
    reply = Turn(text=json.dumps({"subtasks": ["the front", "the back"]}))
    played = play(
        tmp_path,
        {"m1": answer_then_vote("front"), "m2": prepared_by("2 subtasks", reply, "back")},
        orchestrator={"coordination_mode": "decomposition", "presenter_agent": "agent_b"},
    )
    assert played.result.exit_code == 0, played.result.message
    for model, subtask in (("m1", "the front"), ("m2", "the back")):
        text = rounds(played, model)[0].view.text
        assert f"Your subtask: {subtask}" in text
        assert "agent1: the front" in text and "agent2: the back" in text


@pytest.mark.spec("COORD-090")
def test_a_task_that_cannot_be_split_is_owned_by_role(tmp_path: Path) -> None:
    played = play(
        tmp_path,
        {"m1": answer_then_vote("front"), "m2": prepared_by("2 subtasks", Turn(text="no"), "back")},
        orchestrator={"coordination_mode": "decomposition", "presenter_agent": "agent_b"},
    )
    assert played.result.exit_code == 0, played.result.message
    assert "Your subtask: the part of the task that fits your role" in rounds(played, "m1")[0].view.text


def paraphrasing(tmp_path: Path, script: Any, question: str, times: int = 1, **dspy: Any) -> Played:
    """A team whose third model only paraphrases."""

    def point(url: str) -> dict[str, Any]:
        backend = {"type": "vllm", "model": "rephraser", "base_url": url, "api_key": KEY}
        return {"dspy": {"enabled": True, "backend": backend, **dspy}}

    from tests.runs.place import played_with

    scripts = {"m1": answer_then_vote("Four."), "m2": answer_then_vote("It is 4.")}
    played = played_with(tmp_path, scripts, {"rephraser": script}, point, question=question, times=times)
    assert played.result.exit_code == 0, played.result.message
    return played


def rephrase(request: ReceivedRequest) -> Turn:
    if "likeness" in request.view.system:
        likeness = 0.2 if "astray" in request.view.text else 0.95
        return Turn(text=json.dumps({"likeness": likeness}))
    temperature = request.json["temperature"]
    return Turn(text="astray" if temperature == 0.7 else f"The question at {temperature}?")


@pytest.mark.spec("COORD-134", "COORD-136", "COORD-137", "COORD-142")
def test_agents_get_the_original_and_different_paraphrases_that_ask_for_the_same(tmp_path: Path) -> None:
    played = paraphrasing(tmp_path, rephrase, "What is 2+2 here?")
    made = [request for request in played.asked("rephraser") if "Rephrase" in request.view.system]
    assert sorted(request.json["temperature"] for request in made) == [0.5, 0.6, 0.7]
    texts = [rounds(played, model)[0].view.text for model in ("m1", "m2")]
    assert all("What is 2+2 here?" in text for text in texts)
    assert {text.partition("The question at ")[2][:3] for text in texts} == {"0.5", "0.6"}
    assert "astray" not in "".join(texts)
    assert "✅ DSPy question paraphrasing enabled (strategy=balanced, variants=3)" in played.text_log


@pytest.mark.spec("COORD-137")
@pytest.mark.parametrize(("cached", "calls"), [(True, 3), (False, 6)])
def test_paraphrases_of_the_same_question_are_kept(tmp_path: Path, cached: bool, calls: int) -> None:
    played = paraphrasing(tmp_path, rephrase, "Again?", times=2, cache_enabled=cached)
    made = [request for request in played.asked("rephraser") if "Rephrase" in request.view.system]
    assert len(made) == calls


@pytest.mark.spec("COORD-136")
def test_a_temperature_range_is_spread_evenly(tmp_path: Path) -> None:
    played = paraphrasing(tmp_path, rephrase, "Evenly?", temperature_range=[0.1, 0.9], num_variants=5)
    made = [request for request in played.asked("rephraser") if "Rephrase" in request.view.system]
    assert sorted(request.json["temperature"] for request in made) == [0.1, 0.3, 0.5, 0.7, 0.9]


@pytest.mark.spec("COORD-138")
def test_where_paraphrasing_fails_the_original_question_is_used(tmp_path: Path) -> None:
    fails = HttpError(status=400, message="broken")
    played = paraphrasing(tmp_path, lambda request: fails, "Broken?")
    assert "No paraphrase could be used" in played.text_log


@pytest.mark.spec("COORD-135")
def test_paraphrasing_without_a_model_is_a_configuration_error(tmp_path: Path) -> None:
    dspy = {"enabled": True, "backend": {"type": "openai"}}
    path = write_config(tmp_path, "http://127.0.0.1:9/v1", ("a",), orchestrator={"dspy": dspy})
    done = massgen(tmp_path, "--automation", "--config", path, "Q")
    assert done.returncode == 1
    assert "dspy" in done.stderr and "model" in done.stderr


@pytest.mark.spec("COORD-078", "COORD-080", "AUTO-012")
def test_criteria_of_a_flag_switch_the_team_to_a_checklist_with_a_notice(tmp_path: Path) -> None:
    (tmp_path / "criteria.json").write_text(json.dumps(["it is short", "it is right"]))
    with ScriptedProvider({"m1": answer_then_vote("Four."), "m2": answer_then_vote("4")}).in_thread() as server:
        path = write_config(tmp_path, server.openai_url, ("m1", "m2"), orchestrator={"max_new_answers_per_agent": 1})
        done = massgen(tmp_path, "--automation", "--config", path, "--eval-criteria", "criteria.json", "Q")
        assert done.returncode == 0, done.stderr
        assert "checklist-gated" in done.stderr and "checklist-gated" not in done.stdout
        first = server.requests_for("m1")[0].view
        assert "it is short" in first.system and "submit_checklist" in first.system + " ".join(first.tool_names)


@pytest.mark.spec("COORD-079", "AUTO-031")
def test_an_unknown_preset_is_a_configuration_error(tmp_path: Path) -> None:
    path = write_config(tmp_path, "http://127.0.0.1:9/v1", ("a",))
    done = massgen(tmp_path, "--automation", "--config", path, "--checklist-criteria-preset", "beauty", "Q")
    assert (done.returncode, done.stdout) == (1, "")
    assert "persona" in done.stderr
