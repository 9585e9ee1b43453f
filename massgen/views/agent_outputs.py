"""`agent_outputs/`, `agent_chat.log` and `tool_calls.log`: plain text to read and to follow (LOG-010 to LOG-012)."""

from __future__ import annotations

from collections.abc import Callable

from massgen.events.types import (
    AgentStatus,
    AttemptStart,
    Content,
    ErrorOccurred,
    Event,
    FinalAnswer,
    FinalChunk,
    Injection,
    NewAnswer,
    OrchestrationRestart,
    PhaseChange,
    Restart,
    Retry,
    SessionEnd,
    SessionResume,
    SessionStart,
    StartedStreaming,
    ToolEnd,
    ToolStart,
    Vote,
    Warned,
    WinnerSelected,
)
from massgen.views.append import GrowingFile, MaskedText
from massgen.views.files import safe_name
from massgen.views.moments import clock
from massgen.views.tree import LogTree

SHOWN_RESULT = 2000
SHOWN_CALL = 500


class AgentOutputs:
    """Subscriber. Texts are masked once more, because a secret can arrive in two pieces."""

    def __init__(self, tree: LogTree, redact: Callable[[str], str]) -> None:
        self._tree = tree
        self._redact = redact
        self._agents: dict[str, _AgentFile] = {}
        self._others: dict[str, GrowingFile] = {}

    def __call__(self, event: Event) -> None:
        match event.body:
            case SessionStart() | AttemptStart():
                if isinstance(event.body, AttemptStart):
                    self.close()
                self._system(event)
            case Content(text=text, content_kind=kind):
                self._agent(event).stream(kind, text)
            case FinalChunk(text=text):
                self._agent(event).stream("text", text)
            case _:
                self._line(event)
        if isinstance(event.body, SessionEnd | OrchestrationRestart):
            self.close()

    def close(self) -> None:
        """Write what waits; later events open the files again."""
        for file in self._agents.values():
            file.close()
        for file in self._others.values():
            file.close()
        self._agents, self._others = {}, {}

    def _line(self, event: Event) -> None:
        self._system(event)
        if event.agent_id is None:
            return
        line = agent_line(event)
        if line is not None:
            self._agent(event).line(line)
        call = tool_line(event)
        if call is not None:
            self._other("tool_calls.log").write(f"{call}\n")
        chat = call or chat_line(event)
        if chat is not None:
            self._other("agent_chat.log").write(f"{chat}\n")

    def _system(self, event: Event) -> None:
        text = system_line(event)
        if text is not None:
            self._other("agent_outputs/system_status.txt").write(f"[{clock(event.timestamp)}] {text}\n")

    def _agent(self, event: Event) -> _AgentFile:
        name = event.agent_id or "unknown"
        if name not in self._agents:
            path = self._tree.here / "agent_outputs" / f"{safe_name(name)}.txt"
            self._agents[name] = _AgentFile(GrowingFile(path, "agent_outputs"), self._redact)
        return self._agents[name]

    def _other(self, name: str) -> GrowingFile:
        if name not in self._others:
            self._others[name] = GrowingFile(self._tree.here / name, name)
        return self._others[name]


class _AgentFile:
    """Everything one agent emits, in order."""

    def __init__(self, file: GrowingFile, redact: Callable[[str], str]) -> None:
        self._file = file
        self._text = MaskedText(redact, file.write)
        self._kind = ""

    def stream(self, kind: str, text: str) -> None:
        if kind != self._kind:
            self._end()
            self._file.write("[reasoning]\n" if kind == "reasoning" else "[text]\n" if self._kind else "")
            self._kind = kind
        self._text.feed(text)

    def line(self, text: str) -> None:
        self._end()
        self._kind = ""
        self._file.write(f"{text}\n")

    def _end(self) -> None:
        if self._text.end():
            self._file.write("\n")

    def close(self) -> None:
        self._end()
        self._file.close()


def agent_line(event: Event) -> str | None:
    """What stands in an agent's own file besides its streamed text."""
    when = clock(event.timestamp)
    match event.body:
        case StartedStreaming(round_kind=kind, context=context):
            seen = f", sees {', '.join(context)}" if context else ""
            return f"\n=== {when} Round {event.round} ({kind}){seen} ==="
        case ToolStart(name=name, arguments=arguments):
            return f"[tool call] {name} {arguments}"
        case ToolEnd(name=name, result=result, is_error=failed):
            word = "tool error" if failed else "tool result"
            more = f"\n... {len(result)} characters; all of them are in execution_trace.md"
            return f"[{word}] {name}\n{result[:SHOWN_RESULT]}{more if len(result) > SHOWN_RESULT else ''}"
        case NewAnswer(label=label):
            return f"[{when} answer accepted] {label}"
        case Vote(label=label, reason=reason):
            return f"[{when} vote] {label}: {reason}"
        case Restart(labels=labels):
            return f"[{when} restart] new: {', '.join(labels)}"
        case Injection(source=source, text=text):
            return f"[injected: {source}] {text[:SHOWN_RESULT]}"
        case Retry(reason=reason, delay_seconds=delay):
            return f"[retry in {delay:.1f} s] {reason}"
        case Warned(text=text):
            return f"[warning] {text}"
        case ErrorOccurred(error_type=kind, message=message):
            return f"[error] {kind}: {message}"
        case AgentStatus(error_type=kind, error_message=message) if kind is not None:
            return f"[error] {kind}: {message}"
        case FinalAnswer(label=label):
            return f"[{when} final answer] {label}"
        case _:
            return None


def chat_line(event: Event) -> str | None:
    """One line of `agent_chat.log`: what people want to see of the talk."""
    match event.body:
        case StartedStreaming(round_kind=kind):
            said = f"begins round {event.round} ({kind})"
        case NewAnswer(label=label, preview=preview):
            said = f"answers {label}: {preview}"
        case Vote(label=label, reason=reason):
            said = f"votes for {label}: {_flat(reason)}"
        case FinalAnswer(label=label, preview=preview):
            said = f"delivers {label}: {preview}"
        case AgentStatus(error_type=kind, error_message=message) if kind is not None:
            said = f"fails ({kind}): {_flat(message or '')}"
        case _:
            return None
    return f"{clock(event.timestamp)} {event.agent_id} {said}"


def tool_line(event: Event) -> str | None:
    """One line of `tool_calls.log`."""
    match event.body:
        case ToolStart(name=name, arguments=arguments):
            said = f"calls {name} {_flat(arguments)}"
        case ToolEnd(name=name, result=result, is_error=failed, milliseconds=milliseconds):
            ending = f"failed: {_flat(result)}" if failed else f"{len(result)} characters"
            said = f"{name} {ending} ({milliseconds:.0f} ms)"
        case _:
            return None
    return f"{clock(event.timestamp)} {event.agent_id} {said}"


def _flat(text: str) -> str:
    flat = " ".join(text[: SHOWN_CALL * 2].split())
    return flat if len(flat) <= SHOWN_CALL else flat[:SHOWN_CALL] + "..."


def system_line(event: Event) -> str | None:
    """What the program itself has to say (LOG-012)."""
    match event.body:
        case SessionStart(question=question, agents=agents, mode=mode, session_id=name):
            team = f"{len(agents)} agents ({', '.join(agents)})"
            return f"Turn {event.turn} of {name}: {team}, {mode}\nQuestion: {question}"
        case AttemptStart(reason=reason):
            return f"Attempt {event.attempt} started{f' because: {reason}' if reason else ''}"
        case PhaseChange(phase=phase):
            return f"Phase: {phase}"
        case WinnerSelected(agent=agent, label=label, how=how, votes=votes):
            counts = ", ".join(f"{name}: {count}" for name, count in votes.items())
            return f"Winner selected: {agent} ({label}, {how}); votes: {counts or 'none'}"
        case FinalAnswer(label=label):
            return f"Final answer {label} of {event.agent_id}"
        case OrchestrationRestart(next_attempt=number, max_attempts=most, reason=reason):
            return f"Restart: attempt {number} of {most}: {reason}"
        case AgentStatus(status=status, error_type=kind, error_message=message) if kind is not None:
            return f"Error: {event.agent_id} is {status} ({kind}): {message}"
        case ErrorOccurred(error_type=kind, message=message):
            return f"Error ({kind}): {message}"
        case Warned(text=text):
            return f"Warning: {text}"
        case SessionResume():
            return "The run is continued by another process"
        case SessionEnd(reason=reason, exit_code=code, message=message):
            return f"Turn ended: {reason} (exit code {code}) {message}".rstrip()
        case _:
            return None
