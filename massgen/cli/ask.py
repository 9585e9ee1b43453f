"""`massgen [OPTIONS] ["question"]`: the flags of section 5 of the command-line contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from massgen import __version__
from massgen.cli.entry import SUBCOMMANDS

Option = Callable[[Any], Any]


class AskCommand(click.Command):
    """Help that names the subcommands as well (CLI-003)."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, found.summary) for name, found in SUBCOMMANDS.items()])
        formatter.write_paragraph()
        formatter.write_text("Exit codes: 0 success, 1 configuration, 2 no answer, 3 timeout, 4 interrupted.")


def _choice(*values: str) -> click.Choice:
    return click.Choice(values)


_POSITIVE = click.IntRange(min=1)

_OPTIONS: tuple[Option, ...] = (
    click.option("--config", metavar="PATH", help="Configuration: a file, a saved name or @examples/NAME."),
    click.option("--select", is_flag=True, help="Choose a configuration from a list."),
    click.option("--backend", metavar="TYPE", help="Quick setup: backend type."),
    click.option("--model", metavar="NAME", help="Quick setup: model, also as provider/model."),
    click.option("--base-url", metavar="URL", help="Quick setup: endpoint."),
    click.option("--system-message", metavar="TEXT", help="Quick setup: system prompt."),
    click.option("--question-file", metavar="FILE", type=click.Path(dir_okay=False), help="Read the question."),
    click.option("--cwd-context", type=_choice("ro", "rw", "read", "write"), help="Share the launch directory."),
    click.option("--orchestrator-timeout", type=_POSITIVE, metavar="SECONDS", help="Limit of the whole run."),
    click.option("--no-display", is_flag=True, help="Plain text instead of a live display."),
    click.option("--display", type=_choice("textual", "rich_terminal", "simple"), help="Kind of display."),
    click.option("--no-logs", is_flag=True, help="No text logs; status and results are kept."),
    click.option("--debug", is_flag=True, help="Write massgen_debug.log as well."),
    click.option("--automation", is_flag=True, help="Headless: contract lines on stdout, an exit code."),
    click.option("--output-file", metavar="PATH", help="Also write the final answer here."),
    click.option("--status-file", metavar="PATH", help="Also write the live status here."),
    click.option("--session-id", metavar="ID", help="Continue or name a session."),
    click.option("--list-sessions", is_flag=True, help="List sessions."),
    click.option("--continue", "resume", is_flag=True, help="Continue the newest session."),
    click.option("--logfire", is_flag=True, help="Send traces to Logfire."),
    click.option(
        "--single-agent", is_flag=False, flag_value="", default=None, metavar="[AGENT_ID]", help="Only one agent."
    ),
    click.option("--coordination-mode", type=_choice("parallel", "decomposition"), help="Shape of the team work."),
    click.option("--quick", is_flag=True, help="One answer each, one ballot, no refinement."),
    click.option("--personas", type=_choice("off", "perspective", "implementation", "methodology")),
    click.option("--plan", is_flag=True, help="Write a task plan."),
    click.option("--plan-depth", type=_choice("dynamic", "shallow", "medium", "deep")),
    click.option("--plan-steps", type=_POSITIVE, metavar="N"),
    click.option("--plan-chunks", type=_POSITIVE, metavar="N"),
    click.option("--plan-and-execute", is_flag=True, help="Plan, then carry it out."),
    click.option("--execute-plan", metavar="PLAN", help="Carry out a plan."),
    click.option("--plan-report", is_flag=True, help="Report on an executed plan."),
    click.option("--broadcast", type=_choice("human", "agents", "false"), help="Whom agents may ask."),
    click.option("--eval-criteria", metavar="FILE", help="Criteria of a checklist-gated run."),
    click.option("--checklist-criteria-preset", metavar="NAME", help="Named criteria."),
    click.option("--web", is_flag=True, help="Web interface instead of the terminal."),
    click.option("--web-host", metavar="HOST", default="127.0.0.1"),
    click.option("--web-port", metavar="PORT", type=click.IntRange(0, 65535), default=8000),
    click.option("--no-browser", is_flag=True),
    click.option(
        "--validate", is_flag=False, flag_value="", default=None, metavar="[FILE]", help="Check a configuration."
    ),
    click.option("--strict", is_flag=True, help="With --validate: warnings are errors."),
    click.option("--json", "as_json", is_flag=True, help="With --validate: a JSON report."),
    click.option("--skip-validation", is_flag=True, help="Run without the validator's warnings."),
    click.option("--strict-validation", is_flag=True, help="Refuse to run with warnings."),
    click.option("--init", is_flag=True, help="Setup wizard."),
    click.option("--setup", is_flag=True, help="Set up API keys."),
    click.option("--quickstart", is_flag=True, help="Make a first configuration."),
    click.option("--setup-docker", is_flag=True, help="Pull the container images."),
    click.option("--setup-skills", is_flag=True, help="Install skills."),
    click.option("--list-examples", is_flag=True, help="List the packaged configurations."),
    click.option("--example", metavar="NAME", help="Print a packaged configuration."),
    click.option("--config-schema", is_flag=True, help="Print the JSON Schema of configurations."),
    click.option("--generate-config", metavar="PATH", help="Write a configuration without asking."),
    click.option("--config-backend", metavar="TYPE"),
    click.option("--config-model", metavar="NAME"),
    click.option("--config-agents", type=_POSITIVE, metavar="N"),
    click.option("--config-docker", is_flag=True),
    click.option("--config-context-path", metavar="PATH"),
)


def _with_options(function: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command(cls=AskCommand, context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100})
@click.version_option(__version__, prog_name="massgen", message="%(prog)s %(version)s")
@click.argument("question", nargs=-1)
@_with_options
def ask_command(question: tuple[str, ...], **flags: Any) -> int:
    """A team of AI agents works on QUESTION, votes, and the winner presents the result.

    Without a question: an interactive session. "-" reads the question from standard input.
    """
    from massgen.cli.errands import run_errand

    code = run_errand(flags, question)
    if code is not None:
        return code
    from massgen.cli.display import chosen_display
    from massgen.cli.question import check_combinations, read_question

    check_combinations(flags)
    text = read_question(question, flags)
    kind = chosen_display(flags, Path.cwd())
    if kind == "textual":
        from massgen.cli.screen import run_screen

        return run_screen(text, flags)
    from massgen.cli.asking import ask

    return ask(text, flags, kind)
