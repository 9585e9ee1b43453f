"""What every command passes before it runs, in the foreground and in the background (EXEC-080)."""

from __future__ import annotations

import logging
from pathlib import Path

from massgen.errors import MassGenError
from massgen.tools.commands.settings import CommandPlace, CommandSettings
from massgen.tools.commands.written_paths import refused_write

log = logging.getLogger(__name__)


class CommandRefused(MassGenError):
    """A command is not run; the message names the rule (EXEC-023)."""


def checked_directory(
    command: str, work_dir: str | None, place: CommandPlace, settings: CommandSettings, agent_id: str
) -> Path:
    """The directory to run `command` in; raises `CommandRefused` or `PathRefused`."""
    if not command.strip():
        raise CommandRefused("The command is empty.")
    directory = place.policy.workspace
    if work_dir:
        directory = place.policy.resolve(work_dir, "read")
        if not directory.is_dir():
            raise CommandRefused(f"work_dir {work_dir} is not a directory.")
    objection = settings.filters.objection(command)
    if objection is None and settings.checks_paths:
        objection = refused_write(command, place.policy, directory)
    if objection is not None:
        log.warning("Command of %s refused: %s", agent_id, objection)
        raise CommandRefused(f"Command refused: {objection}")
    return directory
