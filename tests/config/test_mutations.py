"""The file with every key, damaged in many ways: findings, never a crash."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from massgen.config import LoadedConfig, Redactor, effective_timeouts, load_text
from massgen.config.keys import walk_sections
from massgen.config.running import ready_config
from massgen.config.source import parse_yaml, plain
from massgen.errors import ConfigError

TEXT = (Path(__file__).parent / "all_keys.yaml").read_text()
TREE = plain(parse_yaml(TEXT))
KEYS = sorted({key for _, model in walk_sections() for key in (*model.model_fields, *model.also) if key.isidentifier()})
ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, float("inf"), "", "x", "${HOME}", "${NOT_SET_ANYWHERE}", "${cwd}", "yes",
    "123", "auto", "openai", "\0", "ä/..", "a" * 300, [], {}, [[]], {"a": {}}, "http://[x", "(", "@examples/x",
]  # fmt: skip


def damaged(value: Any, chance: random.Random) -> Any:
    if chance.random() < 0.05:
        return chance.choice(ODD)
    match value:
        case dict():
            kept = {key: damaged(item, chance) for key, item in value.items() if chance.random() > 0.05}
            if chance.random() < 0.1:
                kept[chance.choice(KEYS)] = chance.choice([*ODD, dict(kept)])
            return kept
        case list():
            items = [damaged(item, chance) for item in value]
            return items + items[:1] if chance.random() < 0.1 else items
        case _:
            return value


def examine(loaded: LoadedConfig) -> None:
    """Everything that is done with a loaded configuration before a run."""
    assert (loaded.config is None) == bool(loaded.errors)
    assert all(item.format() and item.to_dict() for item in loaded.diagnostics)
    Redactor.for_run(loaded.values, loaded.environment).value(dict(loaded.values))
    for each in (loaded, loaded.unchecked()):
        try:
            effective_timeouts(ready_config(each).config)
        except ConfigError as error:
            assert str(error)


@pytest.mark.parametrize("seed", range(6))
def test_a_tree_with_damaged_values_gives_findings(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(12):
        tree = damaged(TREE, chance)
        if isinstance(tree, dict):
            examine(load_text(json.dumps(tree)))


@pytest.mark.parametrize("seed", range(4))
def test_a_text_with_damaged_letters_gives_findings(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        letters = list(TEXT)
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(letters))
            letters[place : place + chance.randint(0, 3)] = chance.choice(
                [" ", "\n", ":", "- ", "{", "]", "'", "#", "\t", "&a", "*a", "é"]
            )
        examine(load_text("".join(letters)))
