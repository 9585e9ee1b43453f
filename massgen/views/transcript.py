"""What each agent did, round by round: text, reasoning, tool calls, answers, votes. Displays and traces start here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

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
    Restart,
    Retry,
    SessionStart,
    StartedStreaming,
    ToolEnd,
    ToolStart,
    Vote,
    Warned,
)

PieceKind = Literal["text", "reasoning", "tool", "note", "error"]


@dataclass(slots=True, kw_only=True)
class ToolCallView:
    """A tool call; `result` is None while it runs (or for ever, where its process died)."""

    call_id: str
    name: str
    arguments: str
    started: float
    result: str | None = None
    is_error: bool = False
    milliseconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class Piece:
    """A stretch of one kind. Streamed text grows; `text` joins it when it is asked for.

    `length` counts the characters that were streamed, also those that were forgotten since.
    """

    kind: PieceKind
    timestamp: float
    tool: ToolCallView | None = None
    parts: list[str] = field(default_factory=list)
    length: int = 0
    _forgotten: int = 0

    @property
    def text(self) -> str:
        if len(self.parts) > 1:
            self.parts[:] = ["".join(self.parts)]
        return self.parts[0] if self.parts else ""

    def keep_end(self, most: int) -> None:
        """Forget all but the last `most` characters, where twice as many are held."""
        if self.length - self._forgotten > 2 * most:
            self.parts[:] = [self.text[-most:]]
            self._forgotten = self.length - most


@dataclass(slots=True, kw_only=True)
class RoundView:
    """One round of an agent. `end` is how it ended: answer, vote, restart, final, error, skipped; empty before that.

    `label` is the answer given or voted for; `answer` of an accepted answer is the end of its streamed text.
    """

    turn: int
    attempt: int
    number: int
    kind: str
    started: float
    context: tuple[str, ...] = ()
    pieces: list[Piece] = field(default_factory=list)
    end: str = ""
    ended: float | None = None
    label: str = ""
    reason: str = ""
    preview: str = ""


@dataclass(slots=True, kw_only=True)
class AgentTranscript:
    """All rounds of an agent in the order they began, over all attempts and turns."""

    agent_id: str
    number: int
    model: str = ""
    rounds: list[RoundView] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Transcript:
    """Feed every event to `apply`, in order; `agents` is by real id, in the order of the configuration."""

    question: str = ""
    agents: dict[str, AgentTranscript] = field(default_factory=dict)
    _running: dict[tuple[str, str], ToolCallView] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        if isinstance(event.body, SessionStart):
            self._begin_turn(event.body)
            return
        if isinstance(event.body, AttemptStart):
            self._running.clear()
            return
        agent = self.agents.get(event.agent_id or "")
        if agent is not None:
            self._apply(event, agent)

    def take(self, agent_id: str) -> list[RoundView]:
        """The rounds of an agent, which are forgotten here; what follows begins a new list."""
        agent = self.agents.get(agent_id)
        if agent is None:
            return []
        rounds, agent.rounds = agent.rounds, []
        return rounds

    def _begin_turn(self, body: SessionStart) -> None:
        self.question = body.question
        models = (*body.models, *([""] * len(body.agents)))
        for number, name in enumerate(body.agents, 1):
            agent = self.agents.setdefault(name, AgentTranscript(agent_id=name, number=number))
            agent.number, agent.model = number, models[number - 1]

    def _apply(self, event: Event, agent: AgentTranscript) -> None:
        match event.body:
            case StartedStreaming(context=context, round_kind=kind):
                agent.rounds.append(_round(event, kind, context))
            case Content(content_kind=kind, text=text):
                _stream(event, agent, kind, text)
            case FinalChunk(text=text):
                _stream(event, agent, "text", text)
            case ToolStart() as body:
                call = ToolCallView(
                    call_id=body.call_id, name=body.name, arguments=body.arguments, started=event.timestamp
                )
                self._running[agent.agent_id, body.call_id] = call
                _here(event, agent).pieces.append(Piece(kind="tool", timestamp=event.timestamp, tool=call))
            case ToolEnd() as body:
                self._end_tool(event, agent, body)
            case Injection(source=source, text=text):
                _note(event, agent, "note", f"{source}: {text}")
            case Retry(reason=reason) | Warned(text=reason):
                _note(event, agent, "note", reason)
            case ErrorOccurred(message=message):
                _note(event, agent, "error", message)
            case _:
                _decide(event, agent)

    def _end_tool(self, event: Event, agent: AgentTranscript, body: ToolEnd) -> None:
        call = self._running.pop((agent.agent_id, body.call_id), None)
        if call is None:
            call = ToolCallView(call_id=body.call_id, name=body.name, arguments="", started=event.timestamp)
            _here(event, agent).pieces.append(Piece(kind="tool", timestamp=event.timestamp, tool=call))
        call.result, call.is_error, call.milliseconds = body.whole or body.result, body.is_error, body.milliseconds


def _decide(event: Event, agent: AgentTranscript) -> None:
    """How a round came to its end."""
    match event.body:
        case NewAnswer() as body:
            _end(event, agent, "answer", body.label)
            agent.rounds[-1].preview = body.preview
        case Vote() as body:
            _end(event, agent, "vote", body.label)
            agent.rounds[-1].reason = body.reason
        case FinalAnswer() as body:
            _end(event, agent, "final", body.label)
            agent.rounds[-1].preview = body.preview
        case Restart(reason=reason, labels=labels):
            if agent.rounds and not agent.rounds[-1].end:
                _end(event, agent, "restart", ", ".join(labels))
                agent.rounds[-1].reason = reason
        case AgentStatus(error_type="skipped", error_message=message):
            _note(event, agent, "note", message or "skipped")
            if not agent.rounds[-1].end:
                _end(event, agent, "skipped", "")
        case AgentStatus(error_type=kind, error_message=message) if kind is not None:
            _note(event, agent, "error", f"{kind}: {message}")
            if not agent.rounds[-1].end:
                _end(event, agent, "error", "")
        case _:
            return


def _round(event: Event, kind: str, context: tuple[str, ...] = ()) -> RoundView:
    return RoundView(
        turn=event.turn,
        attempt=event.attempt,
        number=event.round,
        kind=kind,
        started=event.timestamp,
        context=context,
    )


def _here(event: Event, agent: AgentTranscript) -> RoundView:
    """The round that is going on; rounds that nobody announced (an evaluation, a damaged log) begin with their text."""
    last = agent.rounds[-1] if agent.rounds else None
    if last is None or (last.end and last.end != "restart"):
        agent.rounds.append(_round(event, "evaluation" if last is not None and last.end == "final" else ""))
    return agent.rounds[-1]


def _stream(event: Event, agent: AgentTranscript, kind: PieceKind, text: str) -> None:
    pieces = _here(event, agent).pieces
    if not pieces or pieces[-1].kind != kind:
        pieces.append(Piece(kind=kind, timestamp=event.timestamp))
    pieces[-1].parts.append(text)
    pieces[-1].length += len(text)


def _note(event: Event, agent: AgentTranscript, kind: PieceKind, text: str) -> None:
    _here(event, agent).pieces.append(Piece(kind=kind, timestamp=event.timestamp, parts=[text]))


def _end(event: Event, agent: AgentTranscript, how: str, label: str) -> None:
    if not agent.rounds:
        agent.rounds.append(_round(event, ""))
    last = agent.rounds[-1]
    last.end, last.ended, last.label = how, event.timestamp, label
