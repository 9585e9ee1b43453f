"""Where names in `${NAME}` and API keys come from (CFG-011). Only reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from massgen.errors import ConfigError
from massgen.paths import user_config_directory

MAX_KEY_FILE = 1_000_000
SHOWN_LINES = 5
QUOTES = frozenset({"'", '"'})
ON = frozenset({"1", "true", "yes", "on"})
OFF = frozenset({"0", "false", "no", "off"})
PLACES = "the environment, ./.env, ~/.config/massgen/.env, ~/.massgen/.env"


class Environment(Struct, frozen=True, kw_only=True):
    """Variables of the process, then of the key files in their order; the first value wins.

    `flaws` are sentences about lines of the key files that say nothing; never with what stands there.
    """

    process: Mapping[str, str]
    files: tuple[tuple[Path, Mapping[str, str]], ...] = ()
    flaws: tuple[str, ...] = ()

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
    files: list[tuple[Path, Mapping[str, str]]] = []
    flaws: list[str] = []
    for path in key_files(launch):
        text = _text_of(path)
        if values := parse_key_file(text):
            files.append((path, values))
        flaws += _flaws(path, text)
    return Environment(process=dict(os.environ), files=tuple(files), flaws=tuple(flaws))


def switch(variables: Mapping[str, str], name: str, default: bool) -> bool:
    """What the variable `name` says in one of the usual words; `default` where it is missing or blank.

    Raises `ConfigError` for another word.
    """
    word = variables.get(name, "").strip().lower()
    if word in ON or word in OFF or not word:
        return word in ON if word else default
    raise ConfigError(f"{name} must be true or false, not {variables[name][:60]!r}.")


def key_files(launch: Path | None = None) -> tuple[Path, ...]:
    """The key files that are read, in order; they need not exist."""
    places = [(launch or Path.cwd()) / ".env"]
    user = user_config_directory()
    if user:
        places += [user / ".env", user.parent.parent / ".massgen" / ".env"]
    return tuple(places)


def read_key_file(path: Path) -> dict[str, str]:
    """The entries of one `.env` file; {} where it is missing or no text."""
    return parse_key_file(_text_of(path))


def key_file_flaws(path: Path) -> list[str]:
    """Sentences about lines of one `.env` file that say nothing, as in `Environment.flaws`."""
    return _flaws(path, _text_of(path))


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_KEY_FILE)
    except (OSError, ValueError):
        return ""
    return data.decode("utf-8-sig", "replace")


def parse_key_file(text: str) -> dict[str, str]:
    """`NAME=value` lines; `export `, quotes and `# comments` as in a shell, no expansion."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, raw = _parts(line)
        if equals and name.isidentifier():
            values[name] = _value(raw)
    return values


def _parts(line: str) -> tuple[str, str, str]:
    """Name, equals sign and value; empty where the line is blank."""
    name, equals, raw = line.strip().removeprefix("export ").partition("=")
    return name.strip(), equals, raw.strip()


def _flaws(path: Path, text: str) -> list[str]:
    """Sentences that name the lines that are no entry, no comment and not blank, and quotes that are left open."""
    lines = list(enumerate((_parts(line) for line in text.splitlines()), 1))
    idle = [number for number, (name, equals, _) in lines if not _says_something(name, equals)]
    torn = [number for number, (name, _, raw) in lines if name.isidentifier() and _is_open(raw)]
    found = []
    if idle:
        rule = "ignored, because it is not NAME=value with letters, digits and _ in the name"
        found.append(f"{path}, {_listed(idle)}: {rule}.")
    if torn:
        found.append(f"{path}, {_listed(torn)}: the quote is not closed, so it counts as part of the value.")
    return found


def _listed(numbers: list[int]) -> str:
    rest = f" and {len(numbers) - SHOWN_LINES} more" if len(numbers) > SHOWN_LINES else ""
    return f"line{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers[:SHOWN_LINES]))}{rest}"


def _says_something(name: str, equals: str) -> bool:
    """True also of blank lines and comments."""
    blank = not (name or equals)
    return blank or name.startswith("#") or (equals != "" and name.isidentifier())


def _is_open(raw: str) -> bool:
    return raw[:1] in QUOTES and raw.find(raw[0], 1) < 0


def _value(raw: str) -> str:
    quote = raw[:1]
    if quote in QUOTES and (end := raw.find(quote, 1)) > 0:
        inner = raw[1:end]
        return inner.replace("\\n", "\n") if quote == '"' else inner
    return raw.split(" #", 1)[0].strip() if not raw.startswith("#") else ""
