"""`--automation`: contract lines on standard output, everything else on standard error (section 1)."""

from __future__ import annotations

from pathlib import Path

from massgen.cli.console import Writer, contract_stream, one_line, tell
from massgen.cli.lines import cancel_lines, end_lines, restart_lines
from massgen.cli.session import check_output, run_to_end, write_output
from massgen.errors import EXIT_OK
from massgen.events.types import Event, Warned
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.run import Run

PREVIEW = 200
RULE = "=" * 60


def run_automation(request: RunRequest, output: Path | None) -> int:
    """Run headless; the exit code is the run's. Raises `ConfigError` before anything is printed."""
    return show_automation(Run(request), output)


def show_automation(run: Run, output: Path | None) -> int:
    """Prepare and run `run`, which may be one that is resumed."""
    check_output(output)
    run.prepare()
    out = Writer(contract_stream())
    _head(out, run, run.request)
    run.stream.subscribe(_narrate)
    result = run_to_end(run, _say_cancelled)
    for line in end_lines(result, run.time_limit):
        tell(line)
    if result.exit_code == EXIT_OK:
        _success(out, result)
    elif result.message:
        tell(f"Error: {result.message}")
    written = output is not None and bool(result.answer) and _write(out, output, result.answer)
    if result.answer and result.answer_file is None and not written:
        tell(f"Warning: the answer could not be written to the log directory. It is:\n{result.answer}")
    if result.exit_code == EXIT_OK:
        out.line(f"COMPLETED: {len(result.agents)} agents, {result.total_seconds:.1f}s total")
    return result.exit_code


def _head(out: Writer, run: Run, request: RunRequest) -> None:
    agents = run.agents
    question = one_line(request.question)
    out.line(f"LOG_DIR: {run.log_dir}")
    out.line(f"STATUS: {run.log_dir / 'status.json'}")
    out.line("🤖 Multi-Agent Mode" if len(agents) > 1 else "🤖 Single-Agent Mode")
    out.line(f"Agents: {', '.join(one_line(agent) for agent in agents)}")
    out.line(f"Question: {question}")
    out.line(RULE)
    out.line(f"QUESTION: {question}")
    out.line("[Coordination in progress - monitor status.json for real-time updates]")


def _success(out: Writer, result: RunResult) -> None:
    out.line(f"WINNER: {result.winner}")
    if result.answer_file is not None:
        out.line(f"ANSWER_FILE: {result.answer_file}")
    out.line(f"DURATION: {result.coordination_seconds:.1f}s")
    flat = one_line(result.answer)
    out.line(f"ANSWER_PREVIEW: {flat[:PREVIEW]}{'...' if len(flat) > PREVIEW else ''}")


def _write(out: Writer, output: Path, answer: str) -> bool:
    if write_output(output, answer):
        out.line(f"OUTPUT_FILE: {output}")
        return True
    tell(f"Error: the answer could not be written to {output}.")
    return False


def _say_cancelled() -> None:
    for line in cancel_lines():
        tell(line)


def _narrate(event: Event) -> None:
    for line in restart_lines(event):
        tell(line)
    if isinstance(event.body, Warned):
        tell(one_line(event.body.text))
