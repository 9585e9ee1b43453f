"""Criteria of a checklist from files and presets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from massgen.coordination.criteria import DEFAULT_CRITERIA
from massgen.errors import EXIT_CONFIG, ConfigError
from massgen.runs.criteria import ALIASES, PRESETS, chosen_criteria, with_checklist

FIRST = {"text": "works", "category": "correctness", "verify_by": "run it"}
BROKEN = ("", "[]", "{", '{"criteria": []}', '[{"id": "E1"}]', "7", '[""]', '["a", {"id": "E1", "text": "b"}]')


@pytest.mark.spec("COORD-078")
@pytest.mark.parametrize("value", [
    {"criteria": [{"id": "E1", **FIRST}, {"text": "is short"}]},
    [FIRST, "is short"],
])  # fmt: skip
def test_a_criteria_file_may_be_an_object_or_a_bare_list(tmp_path: Path, value: object):
    path = tmp_path / "criteria.json"
    path.write_text(json.dumps(value))
    first, second = chosen_criteria(path, "analysis")
    assert (first.id, first.text, first.category, first.verify_by) == ("E1", "works", "correctness", "run it")
    assert (second.id, second.text) == ("E2", "is short")


@pytest.mark.spec("COORD-078")
@pytest.mark.parametrize("text", BROKEN)
def test_an_empty_or_broken_file_is_a_configuration_error(tmp_path: Path, text: str):
    path = tmp_path / "criteria.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        chosen_criteria(path, None)
    assert caught.value.exit_code == EXIT_CONFIG and str(path) in str(caught.value)


@pytest.mark.spec("COORD-078")
def test_a_missing_file_is_a_configuration_error(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be read"):
        chosen_criteria(tmp_path / "none.json", None)


@pytest.mark.spec("COORD-079")
def test_presets_and_their_aliases_are_there_and_differ():
    sets = {name: chosen_criteria(None, name) for name in PRESETS}
    assert len(set(sets.values())) == len(PRESETS) and all(len(found) == 4 for found in sets.values())
    assert all(chosen_criteria(None, alias) == sets[name] for alias, name in ALIASES.items())
    assert chosen_criteria(None, None) == DEFAULT_CRITERIA


@pytest.mark.spec("COORD-079")
def test_an_unknown_preset_lists_the_choices():
    with pytest.raises(ConfigError) as caught:
        chosen_criteria(None, "xyz")
    assert all(name in str(caught.value) + str(caught.value.hint) for name in PRESETS)


@pytest.mark.spec("COORD-080")
def test_criteria_make_voting_checklist_gated_and_say_whether_that_is_new():
    from massgen.config import load_config

    agents = [{"id": "a", "backend": {"type": "simulated", "model": "x", "script": "y.yaml"}}]
    config = load_config({"agents": agents}).config
    assert config is not None
    gated, changed = with_checklist(config)
    assert changed and gated.orchestrator.voting_sensitivity == "checklist_gated"
    assert with_checklist(gated) == (gated, False)
