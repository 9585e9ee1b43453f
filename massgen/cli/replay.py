"""`massgen replay LOG_DIR`: why the winner of a run won, step by step, derived again from the recorded facts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from massgen.cli.console import one_line
from massgen.errors import EXIT_CONFIG, EXIT_OK

if TYPE_CHECKING:
    from massgen.runs.replaying import ToldAttempt, ToldRun

WIDTH = 300


@click.command("replay", short_help="Show why the winner of a run won.")
@click.argument("log_dir", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--all", "every", is_flag=True, help="Show steps that changed nothing, too.")
def replay_command(log_dir: Path, as_json: bool, every: bool) -> int:
    """Fold the facts of a run again and tell in plain words what the rules made of them.

    Ends with 1 if the log reports anything that does not follow from the rules. Logs of crashed runs are shown as
    far as they go.
    """
    from massgen.runs.replaying import replay_log

    run = replay_log(log_dir)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(run), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(_lines(run, every)))
    return EXIT_OK if run.follows else EXIT_CONFIG


def _lines(run: ToldRun, every: bool) -> Iterator[str]:
    for attempt in run.attempts:
        yield from _attempt_lines(attempt, every)
    problems = [*run.problems, *(text for attempt in run.attempts for text in attempt.problems)]
    if problems:
        yield "The log does NOT follow from the rules:"
        yield from (f"  {one_line(text)}" for text in problems)
    else:
        yield "Everything the log reports follows from the rules."


def _attempt_lines(attempt: ToldAttempt, every: bool) -> Iterator[str]:
    yield f"Turn {attempt.turn}, attempt {attempt.number}"
    for step in attempt.steps:
        words = step.words or ((f"({step.fact})",) if every else ())
        for position, sentence in enumerate(words):
            head = f"{step.at:9.2f}s  #{step.seq:<5}" if position == 0 else " " * 18
            yield f"{head} {one_line(sentence)[:WIDTH]}"
    if not attempt.ended:
        yield "The log ends here; the run was cut off."
    yield "Why:" if attempt.winner else "Result:"
    yield from (f"  {one_line(text)}" for text in attempt.why)
    yield ""
