"""The flags of `massgen [OPTIONS] ["question"]`, in the groups that `--help` shows (CLI-003)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Option = Callable[[Any], Any]

_POSITIVE = click.IntRange(min=1)


def _choice(*values: str) -> click.Choice:
    return click.Choice(values)


GROUPS: tuple[tuple[str, tuple[Option, ...]], ...] = (
    (
        "Team",
        (
            click.option("--config", metavar="PATH", help="Configuration: a file, a saved name or @examples/NAME."),
            click.option("--select", is_flag=True, help="Choose a configuration from a list."),
            click.option("--backend", metavar="TYPE", help="Quick setup: backend type."),
            click.option("--model", metavar="NAME", help="Quick setup: model, also as provider/model."),
            click.option("--base-url", metavar="URL", help="Quick setup: endpoint."),
            click.option("--system-message", metavar="TEXT", help="Quick setup: system prompt."),
            click.option(
                "--single-agent",
                is_flag=False,
                flag_value="",
                default=None,
                metavar="[AGENT_ID]",
                help="Only one agent.",
            ),
        ),
    ),
    (
        "Question",
        (
            click.option("--question-file", metavar="FILE", type=click.Path(dir_okay=False), help="Read the question."),
            click.option(
                "--cwd-context", type=_choice("ro", "rw", "read", "write"), help="Share the launch directory."
            ),
            click.option("--orchestrator-timeout", type=_POSITIVE, metavar="SECONDS", help="Limit of the whole run."),
        ),
    ),
    (
        "Way of working",
        (
            click.option(
                "--coordination-mode", type=_choice("parallel", "decomposition"), help="Shape of the team work."
            ),
            click.option("--quick", is_flag=True, help="One answer each, one ballot, no refinement."),
            click.option(
                "--personas",
                type=_choice("off", "perspective", "implementation", "methodology"),
                help="How the agents differ in approach.",
            ),
            click.option("--broadcast", type=_choice("human", "agents", "false"), help="Whom agents may ask."),
            click.option("--eval-criteria", metavar="FILE", help="Criteria of a checklist-gated run."),
            click.option("--checklist-criteria-preset", metavar="NAME", help="Named criteria."),
        ),
    ),
    (
        "Display and output",
        (
            click.option("--display", type=_choice("textual", "rich_terminal", "simple"), help="Kind of display."),
            click.option("--no-display", is_flag=True, help="Plain text instead of a live display."),
            click.option("--automation", is_flag=True, help="Headless: contract lines on stdout, an exit code."),
            click.option("--output-file", metavar="PATH", help="Also write the final answer here."),
            click.option("--status-file", metavar="PATH", help="Also write the live status here."),
            click.option("--no-logs", is_flag=True, help="No text logs; status and results are kept."),
            click.option("--debug", is_flag=True, help="Write massgen_debug.log as well."),
            click.option("--logfire", is_flag=True, help="Send traces to Logfire."),
        ),
    ),
    (
        "Sessions",
        (
            click.option("--continue", "resume", is_flag=True, help="Continue the newest session."),
            click.option("--session-id", metavar="ID", help="Continue or name a session."),
            click.option("--list-sessions", is_flag=True, help="List sessions."),
        ),
    ),
    (
        "Planning (not available yet)",
        (
            click.option("--plan", is_flag=True, help="Write a task plan."),
            click.option(
                "--plan-depth", type=_choice("dynamic", "shallow", "medium", "deep"), help="How fine the plan is."
            ),
            click.option("--plan-steps", type=_POSITIVE, metavar="N", help="Steps of the plan."),
            click.option("--plan-chunks", type=_POSITIVE, metavar="N", help="Chunks of the plan."),
            click.option("--plan-and-execute", is_flag=True, help="Plan, then carry it out."),
            click.option("--execute-plan", metavar="PLAN", help="Carry out a plan."),
            click.option("--plan-report", is_flag=True, help="Report on an executed plan."),
        ),
    ),
    (
        "Web interface (not available yet)",
        (
            click.option("--web", is_flag=True, help="Web interface instead of the terminal."),
            click.option("--web-host", metavar="HOST", default="127.0.0.1", help="Address of the web interface."),
            click.option(
                "--web-port",
                metavar="PORT",
                type=click.IntRange(0, 65535),
                default=8000,
                help="Port of the web interface.",
            ),
            click.option("--no-browser", is_flag=True, help="Do not open a browser."),
        ),
    ),
    (
        "Checks",
        (
            click.option(
                "--validate",
                is_flag=False,
                flag_value="",
                default=None,
                metavar="[FILE]",
                help="Check a configuration.",
            ),
            click.option("--strict", is_flag=True, help="With --validate: warnings are errors."),
            click.option("--json", "as_json", is_flag=True, help="With --validate: a JSON report."),
            click.option("--skip-validation", is_flag=True, help="Run without the validator's warnings."),
            click.option("--strict-validation", is_flag=True, help="Refuse to run with warnings."),
            click.option("--config-schema", is_flag=True, help="Print the JSON Schema of configurations."),
        ),
    ),
    (
        "Set-up",
        (
            click.option("--init", is_flag=True, help="Setup wizard."),
            click.option("--setup", is_flag=True, help="Set up API keys."),
            click.option("--quickstart", is_flag=True, help="Make a first configuration."),
            click.option("--setup-docker", is_flag=True, help="Pull the container images."),
            click.option("--setup-skills", is_flag=True, help="Install skills (not available yet)."),
            click.option("--list-examples", is_flag=True, help="List the packaged configurations."),
            click.option("--example", metavar="NAME", help="Print a packaged configuration."),
            click.option("--generate-config", metavar="PATH", help="Write a configuration without asking."),
            click.option("--config-backend", metavar="TYPE", help="Backend type of the agents."),
            click.option("--config-model", metavar="NAME", help="Model of the agents."),
            click.option("--config-agents", type=_POSITIVE, metavar="N", help="How many agents."),
            click.option("--config-docker", is_flag=True, help="Commands run in containers."),
            click.option("--config-context-path", metavar="PATH", help="A directory that agents may read."),
        ),
    ),
)


def with_options(function: Callable[..., int]) -> Callable[..., int]:
    """`function` with every flag as a keyword, in the order of `GROUPS`."""
    for _, options in reversed(GROUPS):
        for option in reversed(options):
            function = option(function)
    return function


def write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """The flags below their headings; what click adds itself (`--help`, `--version`) comes last."""
    flags = [parameter for parameter in command.get_params(ctx) if isinstance(parameter, click.Option)]
    rest = [flag for flag in flags if flag.name in ("help", "version")]
    ours = iter(flag for flag in flags if flag not in rest)
    for heading, options in GROUPS:
        _write(heading, [next(ours) for _ in options], ctx, formatter)
    _write("Other", rest, ctx, formatter)


def _write(heading: str, flags: list[click.Option], ctx: click.Context, formatter: click.HelpFormatter) -> None:
    with formatter.section(heading):
        formatter.write_dl([record for flag in flags if (record := flag.get_help_record(ctx)) is not None])
