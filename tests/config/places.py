"""What the tests of this room share: load YAML text, and look at what was found."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import dedent

from massgen.config import Config, Diagnostic, LoadedConfig, load_text

MINIMAL = """
agents:
  - id: a
    backend: {type: openai, model: gpt-5}
"""


def load(text: str) -> LoadedConfig:
    return load_text(dedent(text).lstrip("\n"))


def config(text: str) -> Config:
    return load(text).require()


def one_agent(backend: str, rest: str = "") -> LoadedConfig:
    """A configuration of one agent whose backend has these lines."""
    lines = dedent(backend).strip("\n").splitlines()
    text = "agents:\n  - id: a\n    backend:\n" + "".join(f"      {line}\n" for line in lines)
    return load_text(text + dedent(rest).lstrip("\n"))


def errors(loaded: LoadedConfig) -> list[tuple[str, str]]:
    return [(item.path, item.message) for item in loaded.errors]


def messages(found: Iterable[Diagnostic]) -> str:
    return "\n".join(f"{item.path}: {item.message} {item.suggestion or ''}" for item in found)
