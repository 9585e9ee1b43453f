"""`massgen viewer [log_dir]`: watch a run, live or past (TUI-060 to TUI-068, CLI-079)."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from massgen.cli.console import one_line
from massgen.cli.display import is_terminal
from massgen.cli.viewer_web import check_installed, is_served, serve
from massgen.errors import EXIT_OK, ConfigError
from massgen.paths import logs_directory
from massgen.views.past import LogPlace, locate, log_directories, overview

RECENT = 50


@click.command()
@click.argument("log_dir", required=False, type=click.Path(path_type=Path))
@click.option("--turn", type=click.IntRange(min=1), help="Turn to open (default: the latest).")
@click.option("--attempt", type=click.IntRange(min=1), help="Attempt to open (default: the latest).")
@click.option("--replay-speed", type=click.FloatRange(min=0), default=0.0, help="0 at once, 1 real time, 2 double.")
@click.option("--pick", is_flag=True, help="Choose among recent runs.")
@click.option("--web", is_flag=True, help="Serve the viewer to a browser.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, help="Port of --web.")
def viewer_command(
    log_dir: Path | None,
    turn: int | None,
    attempt: int | None,
    replay_speed: float,
    pick: bool,
    web: bool,
    port: int,
) -> int:
    """Watch a run in the terminal, live or past. Nothing in its directory is changed."""
    if web:
        return _serve(log_dir, port)
    if not is_terminal() and not is_served():
        raise ConfigError(
            "The viewer needs a terminal.",
            hint="Without one: massgen logs summary, or read status.json in the directory.",
        )
    if pick:
        found = _pick()
        if found is None:
            return EXIT_OK
        log_dir = found
    place = _place(log_dir)
    from massgen.process import is_running
    from massgen.tui.viewer import ViewerApp, Watch, places

    wanted = _wanted(places(place.root), place, log_dir, turn, attempt)
    app = ViewerApp(Watch(root=place.root, place=wanted, speed=replay_speed), is_running)
    app.run()
    return app.return_code or EXIT_OK


def _place(log_dir: Path | None) -> LogPlace:
    if log_dir is None:
        found = log_directories(logs_directory())
        if not found:
            raise ConfigError("There are no runs below this directory yet.", hint='massgen "your question" makes one.')
        log_dir = found[0]
    place = locate(log_dir)
    if place is None:
        raise ConfigError(f"{log_dir} is no log directory.", hint="massgen logs list shows them.")
    return place


def _wanted(
    known: list[tuple[int, int]], place: LogPlace, given: Path | None, turn: int | None, attempt: int | None
) -> tuple[int, int] | None:
    """The attempt to open. A turn or attempt directory names its own; flags are more precise."""
    inside = given is not None and place.root != given.resolve()
    if inside and turn is None:
        here = place.attempt if place.attempt.name.startswith("attempt_") else None
        name = here.parent.name if here is not None else place.attempt.name
        digits = name.removeprefix("turn_")
        turn = int(digits) if digits.isdecimal() else None
        if attempt is None and here is not None and given is not None and given.resolve() == here:
            attempt = int(here.name.removeprefix("attempt_"))
    if turn is None and attempt is None:
        return None
    turn = turn if turn is not None else max((number for number, _ in known), default=1)
    attempts = [number for at, number in known if at == turn]
    chosen = attempt if attempt is not None else max(attempts, default=0)
    if chosen not in attempts:
        there = ", ".join(f"turn {a} attempt {b}" for a, b in known) or "none"
        raise ConfigError(f"The run has no turn {turn} attempt {chosen}.", hint=f"It has: {there}")
    return turn, chosen


def _pick() -> Path | None:
    found = log_directories(logs_directory())[:RECENT]
    if not found:
        raise ConfigError("There are no runs below this directory yet.", hint='massgen "your question" makes one.')
    from massgen.tui.viewer import PickerApp

    runs: list[tuple[str, Path]] = []
    for path in found:
        run = overview(path)
        when = f"{run.started:%Y-%m-%d %H:%M}" if run.started else path.name
        state = "done" if run.complete else "open"
        runs.append((f"{when}  {state:<5} {one_line(run.winner or '-'):<16} {one_line(run.question)[:80]}", path))
    return PickerApp(runs).run()


def _serve(log_dir: Path | None, port: int) -> int:
    """TUI-066: one viewer process for each browser tab, on this machine only."""
    import shlex

    check_installed()
    place = _place(log_dir)
    serve(shlex.join([sys.executable, "-m", "massgen", "viewer", str(place.root)]), port)
    return EXIT_OK
