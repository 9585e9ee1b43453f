"""`massgen resume LOG_DIR`: go on with a run that was killed, crashed, or lost its machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from massgen.cli.console import tell
from massgen.errors import EXIT_CONFIG, EXIT_OK, ConfigError

if TYPE_CHECKING:
    from massgen.runs.request import RunRequest


@click.command("resume", short_help="Continue a run that was cut off.")
@click.argument("log_dir", type=click.Path(path_type=Path, file_okay=False))
@click.option("--config", metavar="PATH", help="The configuration, if it is no longer where the run found it.")
def resume_command(log_dir: Path, config: str | None) -> int:
    """Continue the run in LOG_DIR in the same log; prints and ends like `massgen --automation`.

    Accepted answers, votes, costs, restarts and the time used so far are kept. A round that was in progress begins
    again. A run that has ended is left as it is.
    """
    from massgen.runs.resuming import recover

    recovered = recover(log_dir)
    if recovered.exit_code is not None:
        click.echo(f"This run has ended (exit code {recovered.exit_code}); there is nothing to resume.")
        return EXIT_OK
    request, output = _request(recovered.log_dir, recovered.question, config)
    if request is None:
        return EXIT_CONFIG
    from massgen.cli.automation import show_automation
    from massgen.runs.resumed import resumed

    return show_automation(resumed(request, recovered), output)


def _request(log_dir: Path, question: str, config: str | None) -> tuple[RunRequest | None, Path | None]:
    """The request as the run's own command line gave it; `config` beats the recorded configuration."""
    from dataclasses import replace

    from massgen.cli.asking import prepare

    recorded = _metadata(log_dir)
    launch = Path(str(recorded.get("working_directory") or "."))
    if not launch.is_dir():
        raise ConfigError(f"The directory of the run is gone: {launch}", hint="Restore it to resume the run.")
    given = Path(config).absolute() if config and Path(config).is_file() else config
    os.chdir(launch)
    flags = _flags(recorded)
    flags.update(question_file=None, resume=False, session_id=None, automation=True)
    if given is not None:
        flags.update(config=str(given), model=None, backend=None)
    elif not (flags["config"] or flags["model"] or flags["backend"]):
        flags["config"] = recorded.get("config_path")
        if not flags["config"]:
            raise ConfigError(
                "The run's configuration came from no file, so it is not known here.",
                hint="Give it: massgen resume LOG_DIR --config FILE",
            )
    tell(f"Resuming {log_dir}")
    asked = prepare(question, flags)
    if asked is None:
        return None, None
    return replace(asked.request, question=question, session_id=None), asked.output


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


def _flags(recorded: dict[str, Any]) -> dict[str, Any]:
    """All flags of the command line with the values that the run recorded."""
    from massgen.cli.ask import ask_command

    known = dict(ask_command.make_context("massgen", []).params)
    known.pop("question", None)
    given = recorded.get("cli_args")
    if isinstance(given, dict):
        known.update({name: value for name, value in given.items() if name in known})
    return known

