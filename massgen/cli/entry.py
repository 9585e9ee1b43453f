"""Which command is meant: a subcommand only as the exact first word, everything else asks a question (CLI-002)."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import click

from massgen.cli.console import tell, utf8_streams
from massgen.errors import EXIT_CONFIG, EXIT_EXECUTION, EXIT_INTERRUPTED, EXIT_OK, MassGenError


class Subcommand(NamedTuple):
    """Where a subcommand lives; its module is imported when it is called."""

    module: str
    attribute: str
    summary: str


SUBCOMMANDS: dict[str, Subcommand] = {
    "logs": Subcommand("massgen.cli.logs", "logs_group", "Look at earlier runs"),
    "export": Subcommand("massgen.cli.export", "export_command", "Share a run as a Gist"),
    "shares": Subcommand("massgen.cli.shares", "shares_group", "List and delete shared runs"),
    "tools": Subcommand("massgen.cli.tools", "tools_command", "Show what each agent can do"),
    "replay": Subcommand("massgen.cli.replay", "replay_command", "Show why the winner of a run won"),
    "explain": Subcommand("massgen.cli.explain", "explain_command", "Show what a configuration will do"),
    "resume": Subcommand("massgen.cli.resume", "resume_command", "Continue a run that was cut off"),
    "serve": Subcommand("massgen.cli.serve", "serve_command", "Serve the team over HTTP, OpenAI-compatible"),
    "viewer": Subcommand("massgen.cli.viewer", "viewer_command", "Watch a run, live or past"),
}


def run(argv: Sequence[str] | None = None) -> int:
    """The exit code of the command line `argv` (default: that of the process)."""
    utf8_streams()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except click.exceptions.Exit as leave:
        return EXIT_OK if leave.exit_code == 0 else EXIT_CONFIG
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        tell(error.format_message())
        return EXIT_CONFIG
    except click.ClickException as error:
        tell(f"Error: {error.format_message()}")
        tell(f"Try: {_command_path(arguments)} --help")
        return EXIT_CONFIG
    except MassGenError as error:
        tell(f"Error: {error}")
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_EXECUTION
    except OSError as error:  # a full or read-only disk below a command
        if not _is_somewhere():
            tell("Error: The current directory does not exist any more.\n  Go to another one and start again.")
            return EXIT_CONFIG
        tell(f"Error: {error}")
        return EXIT_EXECUTION


def _dispatch(arguments: list[str]) -> int:
    found = SUBCOMMANDS.get(arguments[0]) if arguments else None
    if found is not None:
        command: click.Command = getattr(_load(found.module), found.attribute)
        result = command.main(arguments[1:], prog_name=f"massgen {arguments[0]}", standalone_mode=False)
    else:
        from massgen.cli.ask import ask_command

        result = ask_command.main(arguments, prog_name="massgen", standalone_mode=False)
    return result if isinstance(result, int) else EXIT_OK


def _is_somewhere() -> bool:
    """False where the current directory was removed."""
    try:
        os.getcwd()
    except OSError:
        return False
    return True


def _command_path(arguments: list[str]) -> str:
    """The command whose help explains a wrong use."""
    return f"massgen {arguments[0]}" if arguments and arguments[0] in SUBCOMMANDS else "massgen"


def _load(module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise click.ClickException("This command is not available in this version yet.") from error
