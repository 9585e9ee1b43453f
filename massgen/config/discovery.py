"""Where a configuration is found (CFG-001, CFG-003, CFG-004, CFG-005, CFG-008)."""

from __future__ import annotations

import os
from pathlib import Path

from massgen.config.diagnostics import nearest
from massgen.config.packaged import EXAMPLES_PREFIX, example_name, example_names, find_example, root_directory
from massgen.errors import ConfigError
from massgen.paths import state_directory, user_config_directory

DEFAULT_NAME = "config.yaml"
NO_CONFIG = "No config specified and no default config found. Run `massgen --init` to create a default configuration."


class ConfigNotFound(ConfigError):
    """There is no configuration of that name; `value` is what was asked for, None for the default."""

    def __init__(self, message: str, *, value: str | None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.value = value


def default_config(launch: Path | None = None) -> Path | None:
    """`./.massgen/config.yaml`, else `~/.config/massgen/config.yaml`, else None (CFG-001)."""
    user = user_config_directory()
    places = [state_directory(launch) / DEFAULT_NAME, *([user / DEFAULT_NAME] if user else [])]
    return next((place for place in places if _is_file(place)), None)


def find_config(value: str | Path | None, launch: Path | None = None) -> Path:
    """The file that `value` names; raises `ConfigNotFound` (CFG-008)."""
    if value is None or not str(value).strip():
        found = default_config(launch)
        if found is None:
            raise ConfigNotFound(NO_CONFIG, value=None)
        return found
    text = str(value)
    if text.startswith(("@examples", "@massgen")):
        example = find_example(text)
        if example is None:
            raise _not_found(text, [f"packaged examples in {root_directory()}"])
        return example
    places = candidates(text, launch)
    found = next((place for place in places if _is_file(place)), None)
    if found is None and text.startswith("massgen/configs/"):
        found = find_example(text)
    if found is None:
        raise _not_found(text, [f"{place} (a directory)" if os.path.isdir(place) else str(place) for place in places])
    return found


def candidates(text: str, launch: Path | None = None) -> list[Path]:
    """The places of a name that is no built-in one, in order (CFG-003)."""
    base = launch or Path.cwd()
    try:
        given = base / Path(text).expanduser()
    except RuntimeError:
        given = base / text
    name = text if text.endswith((".yaml", ".yml")) else f"{text}.yaml"
    places = [given]
    if not text.endswith((".yaml", ".yml", ".json")):
        places.append(given.with_name(given.name + ".yaml"))
    if not Path(text).is_absolute():
        places.append(state_directory(base) / name)
        user = user_config_directory()
        if user:
            places.append(user / "agents" / name)
    return places


def _is_file(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):
        return False


def _not_found(text: str, places: list[str]) -> ConfigNotFound:
    message = f"Configuration file not found: {text}"
    lines = [*(f"Looked for {place}" for place in places)]
    suggestion = nearest_example(text)
    if suggestion:
        lines.append(f"Did you mean {suggestion}?")
    lines.append("List the packaged examples with: massgen --list-examples")
    return ConfigNotFound(message, value=text, hint="\n  ".join(lines))


def nearest_example(text: str) -> str | None:
    """The packaged example that `text` was probably meant to be, as `@examples/...`."""
    wanted = example_name(text)
    names = example_names()
    if wanted in names:
        return EXAMPLES_PREFIX + wanted
    short, ends = wanted.rsplit("/", 1)[-1], {name.rsplit("/", 1)[-1] for name in names}
    found = nearest(wanted, names) or nearest(short, ends) or _begun(short, ends)
    full = next((name for name in names if found and (name == found or name.endswith("/" + found))), None)
    return EXAMPLES_PREFIX + full if full else None


def _begun(word: str, names: set[str]) -> str | None:
    """The first name that `word` is a part of, where it is long enough to mean something."""
    return next((name for name in sorted(names) if len(word) > 3 and word in name), None)
