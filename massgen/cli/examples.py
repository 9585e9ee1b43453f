"""`--list-examples`, `--example`, `--config-schema` (CFG-088). Plain text to standard output."""

from __future__ import annotations

import json
from itertools import groupby

from massgen.config.discovery import ConfigNotFound, nearest_example
from massgen.config.packaged import EXAMPLES_PREFIX, example_names, find_example
from massgen.errors import EXIT_OK


def run_list_examples() -> int:
    """Every packaged example as `@examples/<path>`, one a line, grouped by folder."""
    for _, names in groupby(example_names(), key=lambda name: name.rpartition("/")[0]):
        for name in names:
            print(EXAMPLES_PREFIX + name)
    return EXIT_OK


def run_example(name: str) -> int:
    """Print one packaged example. Raises `ConfigNotFound`."""
    path = find_example(name)
    if path is None:
        guess = nearest_example(name)
        hint = f"Did you mean {guess}?" if guess else "List them with: massgen --list-examples"
        raise ConfigNotFound(f"There is no packaged example '{name}'", value=name, hint=hint)
    print(path.read_text(encoding="utf-8"), end="")
    return EXIT_OK


def run_config_schema() -> int:
    """Print the JSON Schema of configurations, for editors."""
    from massgen.config.json_schema import json_schema

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return EXIT_OK
