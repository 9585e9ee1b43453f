"""Simple text for people: who works, answers, votes, the winner, and the final answer as it streams (TUI-004)."""

from __future__ import annotations

import sys
from pathlib import Path

from massgen.cli.console import Writer, one_line, printable, tell
from massgen.cli.lines import cancel_lines, end_lines, restart_lines
from massgen.cli.session import check_output, run_to_end, write_output
from massgen.errors import EXIT_OK
from massgen.events.types import (
    AgentStatus,
    Event,
    FinalChunk,
    NewAnswer,
    Restart,
    Retry,
    StartedStreaming,
    ToolStart,
    Vote,
    Warned,
    WinnerSelected,
)
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.run import Run

RULE = "─" * 60


class PlainDisplay:
    """Subscriber: one line for each thing that matters, no cursor control."""

    def __init__(self, out: Writer) -> None:
        self._out = out
        self._streaming = False

    def __call__(self, event: Event) -> None:
        if isinstance(event.body, FinalChunk):
            self._final(event.body.text)
            return
        for line in (*self._lines(event), *restart_lines(event)):
            if self._streaming:
                self._out.line()
                self._streaming = False
            self._out.line(line)

    def _final(self, text: str) -> None:
        if not self._streaming:
            self._out.line(RULE)
            self._streaming = True
        self._out.piece(printable(text))

    def _lines(self, event: Event) -> tuple[str, ...]:
        who = one_line(event.agent_id or "")
        match event.body:
            case StartedStreaming(round_kind="presentation"):
                return (f"[{who}] presents the final answer",)
            case StartedStreaming(context=context):
                seen = f"having seen {', '.join(context)}" if context else "on its own"
                return (f"[{who}] works, {seen}",)
            case ToolStart(name=name):
                return (f"[{who}] uses {one_line(name)}",)
            case NewAnswer(label=label, preview=preview):
                return (f"[{who}] answer {label}: {one_line(preview)[:100]}",)
            case Vote(label=label, reason=reason):
                return (f"[{who}] votes for {label}: {one_line(reason)[:100]}",)
            case Restart(labels=labels):
                return (f"[{who}] looks again because of {', '.join(labels)}",)
            case Retry(try_number=number, delay_seconds=delay, reason=reason):
                return (f"[{who}] try {number} failed ({one_line(reason)[:120]}); again in {delay:.1f} s",)
            case AgentStatus(error_type=kind, error_message=message) if kind is not None:
                return (f"[{who}] {kind}: {one_line(message or '')}",)
            case WinnerSelected(agent=agent, label=label, how=how):
                return (f"Winner: {one_line(agent)} ({label}, {how.replace('_', ' ')})",)
            case Warned(text=text):
                return (f"Warning: {one_line(text)}",)
            case _:
                return ()

    def say_cancelled(self) -> None:
        """At the first Ctrl+C."""
        for line in cancel_lines():
            self._out.line(line)

    def finish(self, result: RunResult) -> None:
        """The answer if it did not stream, then how it ended."""
        if self._streaming:
            self._out.line()
        elif result.answer:
            self._out.line(RULE)
            self._out.line(printable(result.answer))
        self._out.line(RULE)


def run_plain(request: RunRequest, output: Path | None) -> int:
    """Run and show it as plain text; the exit code is the run's."""
    check_output(output)
    run = Run(request)
    run.prepare()
    out = Writer(sys.stdout)
    display = PlainDisplay(out)
    names = ", ".join(one_line(agent) for agent in run.agents)
    out.line(f"Team: {names}")
    out.line(f"Log: {run.log_dir}")
    run.stream.subscribe(display)
    result = run_to_end(run, display.say_cancelled)
    display.finish(result)
    if result.exit_code != EXIT_OK and result.message:
        tell(f"Error: {result.message}")
    for line in end_lines(result, run.time_limit):
        out.line(line)
    if output is not None and result.answer and not write_output(output, result.answer):
        tell(f"Error: the answer could not be written to {output}; it is kept in {result.answer_file}")
    return result.exit_code
