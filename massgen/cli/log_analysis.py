"""`massgen logs analyze`: a prompt for a coding assistant, or a team that reads the log and writes a report."""

from __future__ import annotations

from pathlib import Path

import click

from massgen.errors import ConfigError
from massgen.views.files import link
from massgen.views.past import REPORT, LogPlace

TEAM = "@examples/analysis/log_analysis"
SKILL = "massgen-log-analyzer"
KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
TASK = """\
Analyse the log of a MassGen run. It lies in {log} and is read-only.

Look at it from three sides:
- correctness: is the final answer right and complete, and did the vote choose the best answer?
- efficiency: which rounds, tool calls, tokens and seconds were of no use?
- behaviour: did agents misuse tools, repeat themselves, ignore each other, run into limits?

Read first: status.json, coordination_table.txt, metrics_summary.json, vote.json; then execution_trace.md of the
steps that matter. Name files and event ids as evidence. Your answer is the whole report in Markdown: a summary,
findings by side with evidence, and what to change, the most useful first."""


def analysis_prompt(place: LogPlace) -> str:
    """What to paste into a coding assistant (LOG-077)."""
    return (
        f"Use the {SKILL} skill.\n\n{TASK.format(log=place.attempt)}\n\nWrite the report to {place.attempt / REPORT}."
    )


def run_self_analysis(place: LogPlace, config: str | None, ui: str) -> int:
    """Let a team write `ANALYSIS_REPORT.md` into the log directory (LOG-078); returns the run's exit code."""
    from massgen.config import load_config, read_environment
    from massgen.runs.request import RunRequest

    environment = read_environment()
    if config is None and not any(environment.get(name) for name in KEYS):
        raise ConfigError(
            f"The analysis team needs {KEYS[0]} (or {KEYS[1]}).",
            hint="Set it, or name another team: massgen logs analyze --mode self --config FILE",
        )
    if ui == "webui":
        raise click.ClickException("--ui webui is not available in this version yet.")
    shared = [{"path": str(place.root), "permission": "read"}]
    loaded = load_config(config or TEAM, overrides={"orchestrator.context_paths": shared})
    loaded.require()
    request = RunRequest(
        loaded=loaded,
        question=TASK.format(log=place.attempt),
        launch=Path.cwd(),
        automation=ui == "automation",
        cli_args={"command": "logs analyze", "mode": "self", "ui": ui},
    )
    report = place.attempt / REPORT
    if ui == "automation":
        from massgen.cli.automation import run_automation

        code = run_automation(request, report)
    else:
        from massgen.cli.plain import run_plain

        code = run_plain(request, report)
    if report.is_file() and place.root != place.attempt:
        link(place.root / REPORT, str(report.relative_to(place.root)))
    return code
