"""What the command tools of one agent need to know, made from its `command_line_*` keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field

from massgen.config.schema.execution import CommandKeys
from massgen.tools.commands.filters import Filters, compile_filters
from massgen.workspace.grants import PathPolicy
from massgen.workspace.sandbox.protocol import Sandbox

Redact = Callable[[str], str]
OUTPUT_CHARACTERS = 40_000
LOGGED_CHARACTERS = 300_000


class CommandPlace(Protocol):
    """Where commands of one agent run now; the engine changes both with the phase."""

    @property
    def policy(self) -> PathPolicy: ...

    def sandbox(self) -> Awaitable[Sandbox]:
        """The sandbox of the current phase; the tools start it when they need it."""
        ...


class CommandSettings(Struct, frozen=True, kw_only=True):
    """`timeout` in seconds is the limit of one command. `checks_paths` is on in local mode (EXEC-022).

    Output that is too long for the model is kept whole below `log_directory`, its secrets removed by `redact`.
    """

    timeout: float = 60.0
    filters: Filters = field(default_factory=Filters)
    checks_paths: bool = True
    log_directory: Path | None = None
    redact: Redact = str
    max_shells: int = 10


def command_settings(keys: CommandKeys, *, log_directory: Path | None = None, redact: Redact = str) -> CommandSettings:
    """The settings for `keys`; raises `ConfigError` for a filter that is no regular expression."""
    docker = keys.command_line_execution_mode == "docker"
    return CommandSettings(
        timeout=float(keys.command_line_timeout),
        filters=compile_filters(
            [("command_line_allowed_commands", pattern) for pattern in keys.command_line_allowed_commands or ()],
            [("command_line_blocked_commands", pattern) for pattern in keys.command_line_blocked_commands or ()],
            sudo=docker and keys.command_line_docker_enable_sudo,
        ),
        checks_paths=not docker,
        log_directory=log_directory,
        redact=redact,
    )
