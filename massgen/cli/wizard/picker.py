"""`--select`: first a group, then a file (CFG-089)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from msgspec import Struct

from massgen.cli.wizard.questions import Questions, require_person
from massgen.config.packaged import EXAMPLES_PREFIX, example_names
from massgen.errors import ConfigError
from massgen.paths import state_directory, user_config_directory

MOST_FILES = 500


class Group(Struct, frozen=True, kw_only=True):
    """Configurations of one kind: what is shown of each, and the value of `--config` it stands for."""

    title: str
    choices: tuple[tuple[str, str], ...]


def select_config(flags: Mapping[str, Any]) -> str:
    """The value for `--config` that the person chose. Raises `ConfigError`, `KeyboardInterrupt`."""
    if flags["config"] or flags["model"] or flags["backend"]:
        raise ConfigError("--select and --config, --model or --backend exclude each other.", hint="Use one of them.")
    require_person(
        "--select", flags, "Name the configuration instead: massgen --config FILE (massgen --list-examples lists some)."
    )
    return pick(Questions(), groups())


def pick(ask: Questions, found: tuple[Group, ...]) -> str:
    """Group, then file; the last entry of a group's list goes back."""
    while True:
        ask.say("Configurations:")
        group = found[ask.choose("Number", [f"{one.title} ({len(one.choices)})" for one in found])]
        ask.say(f"\n{group.title}:")
        chosen = ask.choose("Number", [*(shown for shown, _ in group.choices), "back"])
        if chosen < len(group.choices):
            return group.choices[chosen][1]


def groups() -> tuple[Group, ...]:
    """Those that are not empty: the user's, the project's, this directory's, then the packaged ones by folder."""
    user = user_config_directory()
    own = [*_files(user / "agents"), *(path for path in _files(user) if path.name == "config.yaml")] if user else []
    places = (
        ("Your configurations", own),
        ("This project, .massgen/", _files(state_directory())),
        ("This directory", _files(Path.cwd())),
    )
    files = [Group(title=title, choices=tuple((path.name, str(path)) for path in paths)) for title, paths in places]
    return (*(group for group in files if group.choices), *example_groups())


def example_groups() -> Iterator[Group]:
    """The packaged configurations, one group a folder."""
    for folder, names in groupby(example_names(), key=lambda name: name.partition("/")[0] if "/" in name else ""):
        title = f"Examples: {folder or 'general'}"
        yield Group(
            title=title,
            choices=tuple((name.removeprefix(f"{folder}/"), EXAMPLES_PREFIX + name) for name in names),
        )


def _files(directory: Path) -> list[Path]:
    try:
        found = sorted(path for path in directory.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
    except OSError:
        return []
    return found[:MOST_FILES]
