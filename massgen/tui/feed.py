"""Everything that is known of a run, folded from its events, and what changed since the last frame."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct

from massgen.events.types import (
    AttemptStart,
    BackgroundJob,
    Content,
    ErrorOccurred,
    Event,
    FinalAnswer,
    FinalChunk,
    NewAnswer,
    OrchestrationRestart,
    PhaseChange,
    Restart,
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
from massgen.tui.symbols import one_line
from massgen.views.coordination_log import CoordinationLog
from massgen.views.jobs import JobsView
from massgen.views.run_state import AnswerView, RunState
from massgen.views.states import PHASES
from massgen.views.transcript import RoundView, Transcript

MOST_PIECES = 1000
MOST_CHUNKS = 2000
LONGEST_PIECE = 100_000
LONGEST_FINAL = 1_000_000
MOST_MOMENTS = 5000


class Moment(Struct, frozen=True, kw_only=True):
    """One line of the timeline."""

    timestamp: float
    who: str
    text: str


class PastTurn(Struct, frozen=True, kw_only=True):
    """A turn of the conversation that is over."""

    number: int
    question: str
    answer: str
    winner: str


@dataclass(slots=True)
class RunFeed:
    """`apply` every event in order; `changed` are agents to draw again, `None` among them for the run itself."""

    state: RunState = field(default_factory=RunState)
    transcript: Transcript = field(default_factory=Transcript)
    log: CoordinationLog = field(default_factory=CoordinationLog)
    jobs: JobsView = field(default_factory=JobsView)
    moments: list[Moment] = field(default_factory=list)
    past: list[PastTurn] = field(default_factory=list)
    answers: list[AnswerView] = field(default_factory=list)
    changed: set[str | None] = field(default_factory=set)
    last_seen: float = 0.0
    _used: list[int] = field(default_factory=lambda: [0, 0])

    def apply(self, event: Event) -> None:
        if isinstance(event.body, SessionStart) and self.state.agents:
            self._used[0] += self.state.usage.input_tokens
            self._used[1] += self.state.usage.output_tokens
        self.state.apply(event)
        self.transcript.apply(event)
        self.log.apply(event)
        self.jobs.apply(event)
        self.last_seen = event.timestamp or self.last_seen
        self.changed.add(event.agent_id)
        if not isinstance(event.body, Content | FinalChunk):
            self.changed.add(None)
            self._remember(event)
        else:
            self._trim(event)

    @property
    def tokens(self) -> tuple[int, int]:
        """Input and output tokens over all turns."""
        usage = self.state.usage
        return self._used[0] + usage.input_tokens, self._used[1] + usage.output_tokens

    def rounds(self, agent_id: str) -> list[RoundView]:
        """The agent's rounds in the attempt that is shown."""
        agent = self.transcript.agents.get(agent_id)
        here = (self.state.turn, self.state.attempt)
        return [r for r in agent.rounds if (r.turn, r.attempt) == here] if agent is not None else []

    def _trim(self, event: Event) -> None:
        """A stream of any length uses bounded memory: the end of a piece, and the newest pieces, are kept."""
        agent = self.transcript.agents.get(event.agent_id or "")
        if agent is not None and agent.rounds:
            pieces = agent.rounds[-1].pieces
            if pieces:
                pieces[-1].keep_end(LONGEST_PIECE)
            if len(pieces) > 2 * MOST_PIECES:
                del pieces[:-MOST_PIECES]
        chunks = self.state.final_chunks
        if len(chunks) > MOST_CHUNKS:
            chunks[:] = ["".join(chunks)[-LONGEST_FINAL:]]

    def _remember(self, event: Event) -> None:
        text = describe(event)
        if text:
            self.moments.append(Moment(timestamp=event.timestamp, who=event.agent_id or "", text=text))
            if len(self.moments) > MOST_MOMENTS:
                del self.moments[: MOST_MOMENTS // 10]
        match event.body:
            case NewAnswer() if self.state.answers:
                self.answers.append(self.state.answers[-1])
            case AttemptStart():
                self.answers = []
                for agent in self.transcript.agents.values():
                    agent.rounds = [r for r in agent.rounds if (r.turn, r.attempt) == (event.turn, event.attempt)]
            case SessionEnd():
                turn = PastTurn(
                    number=event.turn,
                    question=self.state.question,
                    answer=self.state.final_text(),
                    winner=self.state.winner or "",
                )
                self.past = [*(old for old in self.past if old.number != event.turn), turn]
            case _:
                return


ROUNDS = {"initial": "works on a first answer", "vote_only": "may vote", "presentation": "presents"}


def describe(event: Event) -> str:
    """What an event means for people, on one line; empty for what no timeline needs."""
    match event.body:
        case SessionStart(question=question):
            return f"turn {event.turn} begins: {one_line(question)[:200]}"
        case AttemptStart() if event.attempt > 1:
            return f"attempt {event.attempt} begins"
        case StartedStreaming(round_kind=kind, context=context):
            seen = f", sees {', '.join(context)}" if context else ""
            return f"{ROUNDS.get(kind, f'round {event.round}')}{seen}"
        case ToolStart(name=name):
            return f"uses {one_line(name)}"
        case ToolEnd(name=name, is_error=True, result=result):
            return f"{one_line(name)} failed: {one_line(result)[:120]}"
        case BackgroundJob(tool=tool, status="running"):
            return f"background job: {one_line(tool)}"
        case BackgroundJob(tool=tool, status=status):
            return f"background job {status}: {one_line(tool)}"
        case NewAnswer(label=label, preview=preview):
            return f"answer {label}: {one_line(preview)[:120]}"
        case Vote(label=label, reason=reason):
            return f"votes for {label}: {one_line(reason)[:120]}"
        case Restart(labels=labels, reason=reason):
            return f"looks again: {', '.join(labels) or one_line(reason)}"
        case PhaseChange(phase=phase):
            return f"phase: {PHASES.get(phase, phase)}"
        case WinnerSelected(agent=agent, label=label, how=how):
            return f"winner {one_line(agent)} ({label}, {how})"
        case FinalAnswer(label=label):
            return f"final answer {label}"
        case OrchestrationRestart(reason=reason):
            return f"the team starts over: {one_line(reason)[:120]}"
        case Retry(reason=reason) | Warned(text=reason) | ErrorOccurred(message=reason):
            return one_line(reason)[:200]
        case SessionEnd(reason=reason):
            return f"turn ends: {reason}"
        case _:
            return ""
