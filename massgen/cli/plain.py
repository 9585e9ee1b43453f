"""Simple text for people: who works, answers, votes, the winner, and the final answer as it streams (TUI-004)."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from massgen.cli.console import Writer, one_line, printable, tell
from massgen.cli.lines import cancel_lines, end_lines, restart_lines
from massgen.cli.person import Person, Screen
from massgen.cli.session import check_output, run_to_end, write_output
from massgen.cli.typed import TypedLine
from massgen.errors import EXIT_OK
from massgen.events.types import (
    AgentStatus,
    Event,
    FinalChunk,
    Injection,
    NewAnswer,
    OrchestrationRestart,
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
KEPT = NewAnswer | Vote | OrchestrationRestart | WinnerSelected | FinalChunk
"""What of a run that died is shown again when it goes on."""
_TAGS = re.compile("</?runtime_instructions>")
"""Of the block in which an agent reads what it was told; a person needs the words only."""


def _cut(text: str, most: int) -> str:
    """On one line, and marked where something is left out."""
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


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

    def recall(self, event: Event) -> None:
        """Something that happened before the process that goes on with a run."""
        if isinstance(event.body, KEPT):
            self(event)

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
                return (f"[{who}] answer {label}: {_cut(preview, 100)}",)
            case Vote(label=label, reason=reason):
                return (f"[{who}] votes for {label}: {_cut(reason, 100)}",)
            case Restart(labels=labels):
                return (f"[{who}] looks again because of {', '.join(labels)}",)
            case Injection(text=text):
                words = _cut(_TAGS.sub("", text), 100)
                return (f"[{who}] 📥 [INJECTION] {words}",)
            case Retry(try_number=number, delay_seconds=delay, reason=reason):
                return (f"[{who}] try {number - 1} failed ({_cut(reason, 120)}); again in {delay:.1f} s",)
            case AgentStatus(error_type=kind, error_message=message) if kind is not None:
                return (f"[{who}] {kind}: {one_line(message or '')}",)
            case WinnerSelected(agent=agent, label=label, how=how):
                return (f"Winner: {one_line(agent)} ({label}, {how.replace('_', ' ')})",)
            case Warned(text=text):
                return (f"Warning: {one_line(text)}",)
            case _:
                return ()

    def quiet(self) -> contextlib.AbstractContextManager[None]:
        """Lines are never drawn over."""
        return contextlib.nullcontext()

    def watch_typing(self, line: TypedLine) -> bool:
        """The terminal shows what is typed."""
        return False

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


class TurnDisplay(Screen, Protocol):
    """What shows one turn: a subscriber that also hears of the cancellation and of the result. `recall` tells what
    happened before a run that is gone on with."""

    def __call__(self, event: Event) -> None: ...

    def recall(self, event: Event) -> None: ...

    def say_cancelled(self) -> None: ...

    def finish(self, result: RunResult) -> None: ...


def turn_display(kind: str, out: Writer, agents: Sequence[str]) -> TurnDisplay:
    """The display of that kind."""
    if kind == "rich_terminal":
        from massgen.cli.rich_display import RichDisplay

        return RichDisplay(agents, PlainDisplay(out))
    return PlainDisplay(out)


def run_plain(request: RunRequest, output: Path | None, kind: str = "simple") -> int:
    """Run and show it as plain text, or with a live table; the exit code is the run's."""
    out = Writer()
    person = person_here(out)
    return show_plain(Run(person.asked_by(request) if person is not None else request), output, kind, out, person)


def person_here(out: Writer) -> Person | None:
    """Who sits at the terminal, None without one."""
    return Person(out) if sys.stdin.isatty() and sys.stdout.isatty() else None


def show_plain(
    run: Run, output: Path | None, kind: str, out: Writer, person: Person | None, past: Sequence[Event] = ()
) -> int:
    """Prepare and run `run`, whose `past` events happened in a process that died; the exit code is the run's."""
    check_output(output)
    run.prepare()
    display = turn_display(kind, out, run.agents)
    if person is not None:
        person.look_at(display)
    names = ", ".join(one_line(agent) for agent in run.agents)
    out.line(f"Team: {names}")
    out.line(f"Log: {run.log_dir}")
    for event in past:
        display.recall(event)
    run.stream.subscribe(display)
    result = run_to_end(run, display.say_cancelled, person)
    display.finish(result)
    if result.exit_code != EXIT_OK and result.message:
        tell(f"Error: {result.message}")
    for line in end_lines(result, run.time_limit):
        out.line(line)
    if output is not None and result.answer and not write_output(output, result.answer):
        kept = f"; it is kept in {result.answer_file}" if result.answer_file is not None else "."
        tell(f"Error: the answer could not be written to {output}{kept}")
    if kind == "rich_terminal" and person is not None and result.exit_code == EXIT_OK:
        look_around(out, run)
    return result.exit_code


def look_around(out: Writer, run: Run) -> None:
    """The menu after a single question (SESS-010)."""
    from massgen.cli.inspection import Inspection
    from massgen.runs.past_turns import find_turn

    found = find_turn(run.session, run.turn)
    if not isinstance(found, str):
        with contextlib.suppress(KeyboardInterrupt):
            Inspection(out, found, input).run()
