"""Where the wizards save: project or user directory, under a name that is only a name."""

from __future__ import annotations

import re
from pathlib import Path
from shlex import quote

from massgen.cli.wizard.questions import Questions
from massgen.config.discovery import DEFAULT_NAME
from massgen.errors import ConfigError
from massgen.paths import state_directory, user_config_directory


def file_name(given: str) -> str:
    """`given` with `.yaml`, added only where it is missing (CFG-083). Raises `ConfigError` for paths."""
    name = given if given.endswith((".yaml", ".yml")) else f"{given}.yaml"
    if not re.fullmatch(r"[^/\\\x00-\x1f]{1,200}", name) or name.startswith("."):
        raise ConfigError(f"'{given}' is not a plain file name.", hint="Such as: team-config")
    return name


def user_directory() -> Path:
    """`~/.config/massgen`; `ConfigError` where there is no home directory."""
    found = user_config_directory()
    if found is None:
        raise ConfigError("There is no home directory (HOME is not set).", hint="Use --quickstart, or set HOME.")
    return found


def named_place(given: str) -> Path:
    """Where `--init` saves under a name (CFG-081)."""
    return user_directory() / "agents" / file_name(given)


def project_place(given: str = DEFAULT_NAME) -> Path:
    """Where `--quickstart` saves (CFG-083)."""
    return state_directory() / file_name(given)


def ask_place(ask: Questions) -> Path:
    """The save location of quickstart: project or user, and a free name (CFG-086)."""
    ask.say("\nWhere to save:")
    labels = ("for this directory, in .massgen/", "for all your projects, in ~/.config/massgen/")
    everywhere = ask.choose("Number", labels) == 1
    while True:
        given = ask.text("File name", DEFAULT_NAME)
        try:
            name = file_name(given)
        except ConfigError as error:
            ask.say(str(error))
            continue
        if not everywhere:
            return project_place(name)
        return user_directory() / name if name == DEFAULT_NAME else named_place(name)


def how_to_use(path: Path) -> str:
    """The command that runs the team of a saved file."""
    everywhere = user_config_directory()
    if path.name == DEFAULT_NAME and path.parent in (state_directory(), everywhere):
        return 'massgen "your question"'
    named = path.parent == state_directory() or (everywhere is not None and path.parent == everywhere / "agents")
    return f'massgen --config {quote(path.stem if named else str(path))} "your question"'


def ask_elsewhere(ask: Questions) -> Path | None:
    """Another place for what could not be saved, or not there; None where the person does not want one."""
    given = ask.text("Save it as another file? Its path, such as ./team.yaml (Enter: nowhere)")
    path = Path(given).expanduser().absolute()
    return (path if path.suffix in (".yaml", ".yml") else path.with_name(f"{path.name}.yaml")) if given else None
