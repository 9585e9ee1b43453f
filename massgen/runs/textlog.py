"""`massgen.log` and `massgen_debug.log`: records for people and for grep, secrets masked (LOG-016, LOG-017)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path

from massgen.events.types import (
    AgentStatus,
    AttemptStart,
    Content,
    ErrorOccurred,
    Event,
    FactRecorded,
    FinalAnswer,
    FinalChunk,
    Injection,
    ModelCall,
    NewAnswer,
    OrchestrationRestart,
    PhaseChange,
    Restart,
    RestartCompleted,
    Retry,
    SessionEnd,
    SessionStart,
    StartedStreaming,
    ToolEnd,
    ToolStart,
    Vote,
    Warned,
    WinnerSelected,
)
from massgen.views.append import GrowingFile

_QUIET = (Content, FinalChunk, RestartCompleted)


def describe(event: Event) -> tuple[int, str] | None:
    """(logging level, line) for an event, None for one that says nothing by itself."""
    match event.body:
        case SessionStart(question=question, agents=agents):
            return logging.INFO, f"Turn started: {len(agents)} agents ({', '.join(agents)}); question: {question[:500]}"
        case AttemptStart():
            return logging.INFO, f"Starting coordination (attempt {event.attempt})"
        case StartedStreaming(context=context, round_kind=kind):
            return logging.INFO, f"Round {event.round} ({kind}) started; context: {', '.join(context) or 'none'}"
        case AgentStatus(status=status, error_type=error_type, error_message=message):
            if error_type is not None:
                return logging.ERROR, f"error: agent is {status} ({error_type}): {message}"
            return logging.DEBUG, f"state: {status}"
        case ModelCall() as call:
            tokens = f"{call.input_tokens} in, {call.output_tokens} out"
            level = logging.ERROR if call.error_type else logging.INFO
            ending = f"error: {call.error_type}" if call.error_type else f"{call.finish}; tokens: {tokens}"
            target = f"{call.provider}/{call.model}"
            return level, f"backend call {call.call} to {target}: {ending}; {call.milliseconds:.0f} ms"
        case ToolStart(name=name, arguments=arguments):
            return logging.DEBUG, f"tool {name} called with {arguments[:2000]}"
        case ToolEnd(name=name, is_error=is_error, result=result, milliseconds=milliseconds):
            level = logging.ERROR if is_error else logging.INFO
            ending = f"error: {result[:500]}" if is_error else f"{len(result)} characters"
            return level, f"tool {name} ended after {milliseconds:.0f} ms: {ending}"
        case _:
            return _describe_decision(event)


def _describe_decision(event: Event) -> tuple[int, str] | None:
    match event.body:
        case NewAnswer(label=label, preview=preview):
            return logging.INFO, f"New answer {label}: {preview}"
        case Vote(agent=agent, label=label, reason=reason):
            return logging.INFO, f"Vote for {agent} ({label}): {reason[:200]}"
        case Restart(reason=reason, labels=labels):
            return logging.INFO, f"Restart triggered by {', '.join(labels)}: {reason}"
        case Injection(source=source, labels=labels, text=text):
            if source == "peer_answers":
                return logging.INFO, f"Mid-stream injection for {event.agent_id}: {len(labels)} new answer(s)"
            return logging.INFO, f"📥 [INJECTION] {source}: {text}"
        case PhaseChange(phase=phase):
            return logging.INFO, f"Phase: {phase}"
        case WinnerSelected(agent=agent, label=label, how=how):
            return logging.INFO, f"Final agent selected: {agent} ({label}, {how})"
        case FinalAnswer(label=label, preview=preview):
            return logging.INFO, f"Final answer {label}: {preview}"
        case OrchestrationRestart(next_attempt=number, reason=reason):
            text = f"🔄 Handling orchestration restart (attempt {number - 1} -> {number}): {reason}"
            return logging.INFO, text
        case Retry(try_number=number, delay_seconds=delay, error_type=kind, reason=reason):
            return logging.WARNING, f"backend error ({kind}), try {number - 1} failed, again in {delay:.1f} s: {reason}"
        case Warned(text=text):
            return logging.WARNING, text
        case ErrorOccurred(error_type=kind, message=message):
            return logging.ERROR, f"error ({kind}): {message}"
        case SessionEnd(exit_code=code, reason=reason, message=message):
            level = logging.INFO if code == 0 else logging.ERROR
            return level, f"Turn ended: {reason} (exit code {code}) {message}".rstrip()
        case FactRecorded(fact=fact, values=values):
            return logging.DEBUG, f"fact {fact}: {str(dict(values))[:2000]}"
        case _:
            return None


_current: ContextVar[TextLog | None] = ContextVar("massgen_text_log", default=None)


class _Bridge(logging.Handler):
    """Takes records of the program's loggers to the log of the run they belong to."""

    def emit(self, record: logging.LogRecord) -> None:
        found = _current.get()
        if found is not None:
            found.handle(record)


class TextLog:
    """Subscriber and logging handler in one: `open` for an attempt, `close` at the end."""

    def __init__(self, redact: Callable[[str], str], *, debug: bool) -> None:
        self._redact = redact
        self._debug = debug
        self._handlers: list[logging.Handler] = []

    def open(self, directory: Path) -> None:
        """Go on in the files of `directory`."""
        self.close()
        self._add(directory / "massgen.log", logging.INFO)
        if self._debug:
            self._add(directory / "massgen_debug.log", logging.DEBUG)

    def _add(self, path: Path, level: int) -> None:
        handler = _Growing(GrowingFile(path, path.name))
        handler.setLevel(level)
        handler.setFormatter(_Masked(self._redact))
        self._handlers.append(handler)

    def __call__(self, event: Event) -> None:
        if isinstance(event.body, _QUIET):
            return
        found = describe(event)
        if found is None:
            return
        level, text = found
        name = f"massgen.{event.agent_id}" if event.agent_id else "massgen"
        record = logging.LogRecord(name, level, "", 0, text, None, None)
        record.created = event.timestamp
        self.handle(record)

    def note(self, text: str) -> None:
        """One line for who reads the log; no display shows it."""
        self.handle(logging.LogRecord("massgen", logging.INFO, "", 0, text, None, None))

    def handle(self, record: logging.LogRecord) -> None:
        """Write a record of the program's own loggers too."""
        for handler in self._handlers:
            if record.levelno >= handler.level:
                handler.handle(record)

    def activate(self) -> None:
        """From here on the program's own loggers write here, for the running task and those it starts."""
        _current.set(self)
        logger = logging.getLogger("massgen")
        if not any(isinstance(handler, _Bridge) for handler in logger.handlers):
            logger.addHandler(_Bridge())
        if logger.level == logging.NOTSET or (self._debug and logger.level > logging.DEBUG):
            logger.setLevel(logging.DEBUG if self._debug else logging.INFO)

    def close(self) -> None:
        for handler in self._handlers:
            handler.close()
        self._handlers = []


class _Growing(logging.Handler):
    """Records go to a file that may fail to be written without anybody but the reader missing it."""

    def __init__(self, file: GrowingFile) -> None:
        super().__init__()
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        self._file.write(f"{self.format(record)}\n")

    def close(self) -> None:
        self._file.close()
        super().close()


class _Masked(logging.Formatter):
    """One line a record (more for a stack trace), without secrets."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        stamp = datetime.fromtimestamp(record.created).isoformat(sep=" ", timespec="milliseconds")
        text = f"{stamp} | {record.levelname:<7} | {record.name} | {record.getMessage()}"
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        return self._redact(text)
