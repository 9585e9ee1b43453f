"""Where names in `${NAME}` and API keys come from (CFG-011). Only reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from massgen.paths import user_config_directory

MAX_KEY_FILE = 1_000_000
PLACES = "the environment, ./.env, ~/.config/massgen/.env, ~/.massgen/.env"


class Environment(Struct, frozen=True, kw_only=True):
    """Variables of the process, then of the key files in their order; the first value wins."""

    process: Mapping[str, str]
    files: tuple[tuple[Path, Mapping[str, str]], ...] = ()

    def get(self, name: str) -> str | None:
        """The value of `name`, or None; a blank value counts as none."""
        for values in (self.process, *(values for _, values in self.files)):
            if values.get(name, "").strip():
                return values[name]
        return None

    def file_values(self) -> dict[str, str]:
        """All entries of the key files, the first file winning."""
        merged: dict[str, str] = {}
        for _, values in reversed(self.files):
            merged.update(values)
        return merged


def read_environment(launch: Path | None = None) -> Environment:
    """The environment of a run started in `launch` (default: the current directory)."""
    found = tuple((path, values) for path in key_files(launch) if (values := read_key_file(path)))
    return Environment(process=dict(os.environ), files=found)


def key_files(launch: Path | None = None) -> tuple[Path, ...]:
    """The key files that are read, in order; they need not exist."""
    places = [(launch or Path.cwd()) / ".env"]
    user = user_config_directory()
    if user:
        places += [user / ".env", user.parent.parent / ".massgen" / ".env"]
    return tuple(places)


def read_key_file(path: Path) -> dict[str, str]:
    """The entries of one `.env` file; {} where it is missing or no text."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_KEY_FILE)
    except (OSError, ValueError):
        return {}
    return parse_key_file(data.decode("utf-8-sig", "replace"))


def parse_key_file(text: str) -> dict[str, str]:
    """`NAME=value` lines; `export `, quotes and `# comments` as in a shell, no expansion."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, raw = line.strip().removeprefix("export ").partition("=")
        name = name.strip()
        if equals and name.isidentifier():
            values[name] = _value(raw.strip())
    return values


def _value(raw: str) -> str:
    quote = raw[:1]
    if quote in {"'", '"'} and (end := raw.find(quote, 1)) > 0:
        inner = raw[1:end]
        return inner.replace("\\n", "\n") if quote == '"' else inner
    return raw.split(" #", 1)[0].strip() if not raw.startswith("#") else ""
