"""`massgen resume LOG_DIR`: go on with a run that was killed, crashed, or lost its machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from massgen.cli.console import Writer, tell
from massgen.errors import EXIT_CONFIG, EXIT_OK, ConfigError

if TYPE_CHECKING:
    from massgen.cli.person import Person
    from massgen.runs.request import RunRequest
    from massgen.runs.resuming import Recovered

OTHER_DOORS = ("server", "python", "self")
"""Modes of runs that no command line started: what they record are no flags."""
CHANGED = "⚠️ The configuration has changed since the run began; the run goes on with what it says now."


@click.command("resume", short_help="Continue a run that was cut off.")
@click.argument("log_dir", type=click.Path(path_type=Path, file_okay=False))
@click.option("--config", metavar="PATH", help="The configuration, if it is no longer where the run found it.")
def resume_command(log_dir: Path, config: str | None) -> int:
    """Continue the run in LOG_DIR in the same log.

    A run that was started at a terminal is shown there again, and asks what it would have asked; any other prints and
    ends like `massgen --automation`. Accepted answers, votes, costs, restarts and the time used so far are kept, and so
    are rounds that were in progress: only the model call that was cut off is made again. A run that has ended is left
    as it is.
    """
    from massgen.runs.resuming import recover

    recovered = recover(log_dir)
    if recovered.exit_code is not None:
        click.echo(f"This run has ended (exit code {recovered.exit_code}); there is nothing to resume.")
        return EXIT_OK
    recorded = _metadata(recovered.log_dir)
    flags = _flags(recorded)
    request, output = _request(recovered, recorded, flags, config)
    if request is None:
        return EXIT_CONFIG
    if recovered.requested.get("reviewed"):
        from massgen.cli.plain import person_here

        out = Writer()
        person = person_here(out)
        if person is not None:
            return _beside(person, out, person.asked_by(request), output, recovered, flags)
    from massgen.cli.automation import show_automation
    from massgen.runs.resumed import resumed

    return show_automation(resumed(request, recovered), output)


def _beside(
    person: Person,
    out: Writer,
    request: RunRequest,
    output: Path | None,
    recovered: Recovered,
    flags: Mapping[str, Any],
) -> int:
    """A run that a person watched, in the display it had; the application's place takes the live table."""
    from massgen.cli.display import chosen_display
    from massgen.cli.plain import show_plain
    from massgen.runs.resumed import resumed

    chosen = chosen_display({**flags, "automation": False}, request.launch)
    kind = "rich_terminal" if chosen == "textual" else chosen
    return show_plain(resumed(request, recovered), output, kind, out, person, recovered.events)


def _request(
    recovered: Recovered, recorded: Mapping[str, Any], flags: dict[str, Any], config: str | None
) -> tuple[RunRequest | None, Path | None]:
    """The request as it was put; `config` beats the recorded configuration."""
    from msgspec.structs import replace

    from massgen.runs.resuming import asked_again

    launch = Path(str(recorded.get("working_directory") or "."))
    if not launch.is_dir():
        raise ConfigError(f"The directory of the run is gone: {launch}", hint="Restore it to resume the run.")
    given = Path(config).absolute() if config and Path(config).is_file() else config
    os.chdir(launch)
    flags.update(question_file=None, resume=False, session_id=None, automation=True)
    if given is not None:
        flags.update(config=str(given), model=None, backend=None)
    tell(f"Resuming {recovered.log_dir}")
    base, output = _base(flags, recorded, recovered)
    if base is None:
        return None, None
    _say_changes(base, recorded)
    base = replace(base, question=recovered.question, session_id=None, cli_args=_arguments(recorded))
    return asked_again(base, recovered), output


def _base(
    flags: dict[str, Any], recorded: Mapping[str, Any], recovered: Recovered
) -> tuple[RunRequest | None, Path | None]:
    """A request with the configuration of the run: that of the command line, its file, or as it was recorded."""
    from massgen.cli.asking import prepare

    if not (flags["config"] or flags["model"] or flags["backend"]):
        flags["config"] = recorded.get("config_path")
    if flags["config"] or flags["model"] or flags["backend"]:
        asked = prepare("" if recovered.requested else recovered.question, flags)
        return (asked.request, asked.output) if asked is not None else (None, None)
    from massgen.config import load_config
    from massgen.config.secrets import MASK
    from massgen.runs.request import RunRequest

    values = recorded.get("config")
    if not isinstance(values, dict) or MASK in str(values):
        raise ConfigError(
            "The run's configuration came from no file, and it held keys, so it is not known here.",
            hint="Give it: massgen resume LOG_DIR --config FILE",
        )
    return RunRequest(loaded=load_config(values), question="", launch=Path.cwd(), automation=True), None


def _say_changes(request: RunRequest, recorded: Mapping[str, Any]) -> None:
    """A configuration that was edited meanwhile is no error, but it is said."""
    from massgen.config import Redactor

    loaded = request.loaded
    now = Redactor.for_run(loaded.values, loaded.environment).value(dict(loaded.values))
    if isinstance(recorded.get("config"), dict) and now != recorded["config"]:
        tell(CHANGED)


def _metadata(log_dir: Path) -> dict[str, Any]:
    import yaml

    path = log_dir / "execution_metadata.yaml"
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read, so it is not known what was run ({error}).") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{path} does not say what was run.")
    return found


def _arguments(recorded: Mapping[str, Any]) -> Mapping[str, Any]:
    given = recorded.get("cli_args")
    return given if isinstance(given, dict) else {}


def _flags(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """All flags of the command line with the values that the run recorded, if it was started there."""
    from massgen.cli.ask import ask_command

    known = dict(ask_command.make_context("massgen", []).params)
    known.pop("question", None)
    given = _arguments(recorded)
    if given.get("mode") not in OTHER_DOORS:
        known.update({name: value for name, value in given.items() if name in known})
    return known
