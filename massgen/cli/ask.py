"""`massgen [OPTIONS] ["question"]`: the flags of section 5 of the command-line contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from massgen import __version__
from massgen.cli.entry import SUBCOMMANDS
from massgen.cli.options import with_options, write_options


class AskCommand(click.Command):
    """Help in groups that names the subcommands as well (CLI-003)."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_options(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, found.summary) for name, found in SUBCOMMANDS.items()])
        formatter.write_paragraph()
        formatter.write_text("Exit codes: 0 success, 1 configuration, 2 no answer, 3 timeout, 4 interrupted.")


@click.command(cls=AskCommand, context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100})
@click.version_option(__version__, prog_name="massgen", message="%(prog)s %(version)s")
@click.argument("question", nargs=-1)
@with_options
def ask_command(question: tuple[str, ...], **flags: Any) -> int:
    """A team of AI agents works on QUESTION, votes, and the winner presents the result.

    Without a question: an interactive session. "-" reads the question from standard input.
    """
    from massgen.cli.errands import run_errand
    from massgen.cli.question import check_combinations, check_values, read_question

    check_values(flags)
    code = run_errand(flags, question)
    if code is not None:
        return code
    from massgen.cli.display import chosen_display

    check_combinations(flags)
    text = read_question(question, flags)
    kind = chosen_display(flags, Path.cwd())
    if kind == "textual":
        from massgen.cli.screen import run_screen

        return run_screen(text, flags)
    from massgen.cli.asking import ask

    return ask(text, flags, kind)
