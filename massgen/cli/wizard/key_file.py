"""Writing one key into a `.env` file: for its owner only, other lines untouched (CFG-011, CFG-082, CFG-092)."""

from __future__ import annotations

import re
from pathlib import Path

from massgen.cli.wizard.writing import put
from massgen.config.environment import parse_key_file
from massgen.errors import ConfigError, StorageError

OWNER_ONLY = 0o600


def usable_key(text: str) -> bool:
    """Whether `text` can be a key at all: one printable word."""
    return bool(re.fullmatch(r"[!-~]{8,4096}", text)) and "'" not in text


def store_key(path: Path, name: str, value: str) -> None:
    """Set `name` in the file, which is made if need be; a link to it stays a link.

    Raises `ConfigError` for a value that is no key, `StorageError` where the disk fails.
    """
    if not usable_key(value):
        raise ConfigError(f"What was typed for {name} is no key.", hint="Keys are one word without quotes.")
    place = Path(path).resolve()
    try:
        old = place.read_bytes().decode("utf-8", "surrogateescape") if place.exists() else ""
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        put(place, with_entry(old, name, value), mode=OWNER_ONLY, replace=True)
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror}") from error


def with_entry(text: str, name: str, value: str) -> str:
    """`text` with one line for `name`: in the place of the last one there was, else at the end."""
    line = f"{name}='{value}'" if re.search(r"[#\"\\$` ]", value) else f"{name}={value}"
    lines = text.splitlines(keepends=True)
    places = [number for number, old in enumerate(lines) if name in parse_key_file(old)]
    if places:
        end = "\r\n" if lines[places[-1]].endswith("\r\n") else "\n"
        lines[places[-1]] = line + end
        return "".join(old for number, old in enumerate(lines) if number not in places[:-1])
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join([*lines, f"{line}\n"])
