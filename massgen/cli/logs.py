"""`massgen logs`: what earlier runs did, from their files (LOG-070 to LOG-080)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from massgen import paths
from massgen.cli.console import one_line
from massgen.views.moments import duration
from massgen.views.past import (
    LogPlace,
    Overview,
    is_analyzed,
    locate,
    log_directories,
    overview,
    pick,
    quantity,
    read_metrics,
    read_status,
)

TOP_TOOLS = 5
QUESTION_WIDTH = 40
NONE_YET = 'No logs found below {logs}. Run massgen first: massgen "your question"'


def _common(function: Callable[..., Any]) -> Callable[..., Any]:
    function = click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)
    return click.option("--log-dir", metavar="PATH", help="A log, turn or attempt directory (default: the newest).")(
        function
    )


@click.group("logs", invoke_without_command=True, short_help="Look at earlier runs.")
@_common
@click.pass_context
def logs_group(context: click.Context, log_dir: str | None, as_json: bool) -> int | None:
    """Look at earlier runs: summary (the default), tools, list, open, analyze."""
    context.obj = (log_dir, as_json)
    if context.invoked_subcommand is not None:
        return None
    return _summary(chosen_place(log_dir), as_json)


def _both(log_dir: str | None, as_json: bool) -> tuple[str | None, bool]:
    """Options count before the subcommand too."""
    outer_dir, outer_json = click.get_current_context().obj or (None, False)
    return log_dir or outer_dir, as_json or outer_json


@logs_group.command("summary", short_help="Question, winner, cost, tokens, rounds, top tools.")
@_common
def summary_command(log_dir: str | None, as_json: bool) -> int:
    """Show what a run came to and what it took."""
    log_dir, as_json = _both(log_dir, as_json)
    return _summary(chosen_place(log_dir), as_json)


@logs_group.command("tools", short_help="Every tool with calls and times.")
@click.option("--sort", type=click.Choice(["time", "calls"]), default="time", help="Order of the rows.")
@_common
def tools_command(log_dir: str | None, as_json: bool, sort: str) -> int:
    """Show how often each tool was called, how long it took, how often it failed."""
    log_dir, as_json = _both(log_dir, as_json)
    rows = tool_rows(read_metrics(chosen_place(log_dir)), sort)
    if as_json:
        _print_json({"tools": rows, "total": _total(rows)})
    elif not rows:
        click.echo("No tool was called.")
    else:
        _tool_table(rows, total=True)
    return 0


@logs_group.command("list", short_help="Recent runs.")
@click.option("--limit", type=click.IntRange(min=1), default=10, metavar="N", help="How many (default 10).")
@click.option("--analyzed", is_flag=True, help="Only runs with an analysis report.")
@click.option("--unanalyzed", is_flag=True, help="Only runs without one.")
@_common
def list_command(log_dir: str | None, as_json: bool, limit: int, analyzed: bool, unanalyzed: bool) -> int:
    """List recent runs, newest first."""
    log_dir, as_json = _both(log_dir, as_json)
    if analyzed and unanalyzed:
        raise click.UsageError("--analyzed and --unanalyzed exclude each other.")
    logs = Path(log_dir) if log_dir else paths.logs_directory()
    single = locate(logs) if log_dir else None
    found = [single.root] if single is not None else log_directories(logs)
    if not found:
        raise click.ClickException(NONE_YET.format(logs=logs))
    if analyzed or unanalyzed:
        found = [path for path in found if is_analyzed(locate(path) or LogPlace(root=path, attempt=path)) == analyzed]
    runs = [overview(path) for path in found[:limit]]
    if as_json:
        _print_json([_list_entry(run) for run in runs])
    else:
        _list_table(runs)
    return 0


@logs_group.command("open", short_help="Show the directory in the file manager.")
@_common
def open_command(log_dir: str | None, as_json: bool) -> int:
    """Open the directory of a run in the file manager; the path is printed as well."""
    log_dir, as_json = _both(log_dir, as_json)
    place = chosen_place(log_dir)
    target = place.attempt if log_dir and locate(Path(log_dir)) is not None else place.root
    opened = _open(Path(log_dir).resolve() if log_dir else target)
    if as_json:
        _print_json({"log_dir": str(place.root), "opened": opened})
    else:
        click.echo(str(place.root))
    return 0


@logs_group.command("analyze", short_help="A prompt, or a team, that explains a run.")
@click.option("--mode", type=click.Choice(["prompt", "self"]), default="prompt", help="Print a prompt, or run a team.")
@click.option("--ui", type=click.Choice(["automation", "rich_terminal", "webui"]), default="rich_terminal")
@click.option("--config", metavar="PATH", help="The team for --mode self.")
@_common
def analyze_command(log_dir: str | None, as_json: bool, mode: str, ui: str, config: str | None) -> int:
    """Have a run explained: print a prompt for a coding assistant, or let a team of agents write a report."""
    from massgen.cli.log_analysis import analysis_prompt, run_self_analysis

    log_dir, as_json = _both(log_dir, as_json)
    place = chosen_place(log_dir)
    if mode == "self":
        return run_self_analysis(place, config, ui)
    prompt = analysis_prompt(place)
    if as_json:
        _print_json({"log_dir": str(place.root), "prompt": prompt})
    else:
        click.echo(prompt)
    return 0


def chosen_place(log_dir: str | None) -> LogPlace:
    """The directory that was named, by path or by name, or the newest one. Raises `ClickException`."""
    logs = paths.logs_directory()
    if log_dir:
        for path in (Path(log_dir), logs / log_dir):
            place = locate(path)
            if place is not None:
                return place
        raise click.ClickException(f"{log_dir} is no log directory.")
    for path in log_directories(logs):
        place = locate(path)
        if place is not None:
            return place
    raise click.ClickException(NONE_YET.format(logs=logs))


def run_state(run: Overview) -> str:
    """complete, failed, running, or interrupted (its process is gone without a word)."""
    from massgen.process import is_running

    if run.complete:
        return "complete" if run.exit_code in (0, None) else "failed"
    return "running" if run.pid and is_running(run.pid, run.process_started) else "interrupted"


def _summary(place: LogPlace, as_json: bool) -> int:
    run = overview(place.root) if place.attempt == (locate(place.root) or place).attempt else overview(place.attempt)
    metrics = read_metrics(place)
    if as_json:
        _print_json({"log_dir": str(place.root), "attempt_dir": str(place.attempt), "state": run_state(run), **metrics})
        return 0
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    console = Console(highlight=False)
    facts = [
        f"Winner: {one_line(run.winner or 'none')}",
        f"Agents: {run.agents if run.agents is not None else '-'}",
        f"Duration: {duration(run.seconds)}",
        f"Cost: {money(run.cost)}",
    ]
    question = one_line(run.question or pick(metrics, "meta", "question", kind=str, default="(question not known)"))
    console.print(Panel(Text(f"{question}\n\n{' | '.join(facts)}"), title="MassGen Run Summary"))
    for line in _summary_lines(run, place, metrics):
        click.echo(line)
    rows = tool_rows(metrics, "time")[:TOP_TOOLS]
    if rows:
        click.echo()
        _tool_table(rows, total=False)
    return 0


def _summary_lines(run: Overview, place: LogPlace, metrics: dict[str, Any]) -> list[str]:
    def count(*keys: str) -> int:
        return int(quantity(metrics, *keys) or 0)

    tokens = [f"{name.title()}: {count('totals', f'{name}_tokens'):,}" for name in ("input", "output", "reasoning")]
    kinds = pick(metrics, "rounds", "by_type", kind=dict, default={})
    rounds = [f"{one_line(str(kind))}: {int(quantity(kinds, kind) or 0)}" for kind in kinds if quantity(kinds, kind)]
    lines = [f"Tokens: {' | '.join(tokens)}", ""]
    lines.append(f"Rounds ({count('rounds', 'total')}): {' | '.join(rounds)}".rstrip())
    lines.append(f"Errors: {count('rounds', 'errors')} | Timeouts: {count('rounds', 'timeouts')}")
    state = run_state(run)
    if state != "complete":
        reason = pick(read_status(place), "end", "message", kind=str, default="")
        lines.append(f"State: {state}{f' ({one_line(reason)})' if reason else ''}")
    return lines


def money(cost: float | None) -> str:
    """`$0.54`, or `-` where it is not known."""
    if cost is None:
        return "-"
    return f"${cost:.2f}" if cost >= 0.01 or cost == 0 else f"${cost:.4f}"


def tool_rows(metrics: dict[str, Any], sort: str) -> list[dict[str, Any]]:
    """One row a tool, ordered by `time` or `calls`."""
    tools = pick(metrics, "tools", "by_tool", kind=dict, default={})
    rows = [
        {
            "name": one_line(str(name)),
            "calls": int(quantity(value, "calls") or 0),
            "total_ms": quantity(value, "total_ms") or 0.0,
            "avg_ms": quantity(value, "avg_ms") or 0.0,
            "failures": int(quantity(value, "failures") or 0),
        }
        for name, value in tools.items()
    ]
    key = "calls" if sort == "calls" else "total_ms"
    return sorted(rows, key=lambda row: (-row[key], row["name"]))


def _total(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: sum(row[name] for row in rows) for name in ("calls", "total_ms", "failures")}


def _tool_table(rows: list[dict[str, Any]], *, total: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    table.add_column("Tool", overflow="fold")
    for name in ("Calls", "Time", "Avg", "Fail"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        times = [duration(row[name] / 1000) for name in ("total_ms", "avg_ms")]
        table.add_row(Text(row["name"]), str(row["calls"]), *times, str(row["failures"] or ""))
    if total:
        table.add_section()
        sums = _total(rows)
        table.add_row("TOTAL", str(sums["calls"]), duration(sums["total_ms"] / 1000), "", str(sums["failures"] or ""))
    Console(highlight=False).print(table)


def _list_entry(run: Overview) -> dict[str, Any]:
    return {
        "log_dir": str(run.place.root),
        "timestamp": run.started.isoformat(timespec="seconds") if run.started else None,
        "duration_seconds": run.seconds,
        "cost": run.cost,
        "analyzed": run.analyzed,
        "question": run.question,
        "winner": run.winner,
        "exit_code": run.exit_code,
        "state": run_state(run),
    }


def _list_table(runs: list[Overview]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name in ("#", "Timestamp", "Duration", "Cost", "Analyzed"):
        table.add_column(name, no_wrap=True)
    table.add_column("Question", overflow="fold")
    for position, run in enumerate(runs, 1):
        question = one_line(run.question) or "(not known)"
        shown = question if len(question) <= QUESTION_WIDTH else question[: QUESTION_WIDTH - 3] + "..."
        table.add_row(
            str(position),
            f"{run.started:%Y-%m-%d %H:%M}" if run.started else "-",
            duration(run.seconds),
            money(run.cost),
            "✓" if run.analyzed else "-",
            Text(shown),
        )
    console = Console(highlight=False)
    console.width = max(console.width, 100) if not console.is_terminal else console.width
    console.print(table)


def _open(path: Path) -> bool:
    """Ask the desktop to show `path`; says whether it could."""
    if sys.platform == "win32":
        os.startfile(path)
        return True
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if opener is None:
        return False
    try:
        done = subprocess.run(
            [opener, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
