"""The question of a command line. Light: the first frame of the terminal application waits for it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from massgen.cli.console import tell
from massgen.errors import ConfigError

QUESTION_LIMIT = 16 * 1024 * 1024


_MAY_BE_EMPTY = ("single_agent", "validate", "system_message")
_FOR_GENERATE = ("config_backend", "config_model", "config_agents", "config_docker", "config_context_path")


def check_values(flags: Mapping[str, Any]) -> None:
    """Refuse flags that would be passed over: an empty text is no name, and some say nothing without another."""
    for name, value in flags.items():
        if isinstance(value, str) and not value.strip() and name not in _MAY_BE_EMPTY:
            raise click.ClickException(f"{_shown(name)} is empty. Name something, or leave it out.")
    alone = [_shown(name) for name in _FOR_GENERATE if flags[name]]
    if alone and not flags["generate_config"]:
        verb = "has" if len(alone) == 1 else "have"
        raise click.ClickException(f"{', '.join(alone)} {verb} no effect without --generate-config PATH.")


def _shown(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def check_combinations(flags: Mapping[str, Any]) -> None:
    if flags["config"] and (flags["model"] or flags["backend"]):
        raise click.ClickException("--config and --model/--backend exclude each other: use one of them.")
    if flags["resume"] and flags["session_id"]:
        raise click.ClickException("--continue and --session-id exclude each other: use one of them.")
    if flags["config"] and flags["system_message"]:
        tell("Note: --system-message has no effect together with --config.")
    if flags["strict"]:
        tell("Note: --strict has no effect without --validate; a run refuses warnings with --strict-validation.")
    if flags["as_json"]:
        tell("Note: --json has no effect without --validate.")


def read_question(words: Sequence[str], flags: Mapping[str, Any]) -> str:
    """The question from the words, from standard input (`-`) or from `--question-file`."""
    if flags["question_file"]:
        if words:
            raise click.ClickException("Give the question or --question-file, not both.")
        return _read_file(Path(flags["question_file"]))
    if list(words) == ["-"]:
        data = sys.stdin.buffer.read(QUESTION_LIMIT + 1)
        return _decoded(data, "standard input")
    return " ".join(words)


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return _decoded(file.read(QUESTION_LIMIT + 1), str(path))
    except OSError as error:
        raise ConfigError(f"The question file {path} cannot be read: {error.strerror}") from error


def _decoded(data: bytes, source: str) -> str:
    if len(data) > QUESTION_LIMIT:
        raise ConfigError(f"The question from {source} is larger than 16 MB.")
    return data.decode("utf-8", "replace").strip()
