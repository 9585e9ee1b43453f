"""The fold that most views start from: what a run looks like after each event."""

from __future__ import annotations

from dataclasses import dataclass, field

from massgen.events.types import (
    AgentStatus,
    AttemptStart,
    Content,
    Event,
    FactRecorded,
    FinalAnswer,
    FinalChunk,
    ModelCall,
    NewAnswer,
    PhaseChange,
    Restart,
    SessionEnd,
    SessionResume,
    SessionStart,
    StartedStreaming,
    ToolEnd,
    ToolStart,
    Vote,
    WinnerSelected,
)


@dataclass(slots=True, kw_only=True)
class AnswerView:
    """An accepted answer: whole text, what its author saw, when."""

    label: str
    agent_id: str
    text: str
    context: tuple[str, ...]
    timestamp: float
    tree: str | None
    workspace_path: str = ""


@dataclass(slots=True, kw_only=True)
class VoteView:
    agent: str
    label: str
    reason: str


@dataclass(slots=True, kw_only=True)
class UsageView:
    """Sums over model calls; `cost` counts only what is known, `unpriced` the calls without a known cost."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cached_input_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    seconds: float = 0.0

    def add(self, call: ModelCall) -> None:
        self.calls += 1
        self.input_tokens += call.input_tokens or 0
        self.output_tokens += call.output_tokens or 0
        self.reasoning_tokens += call.reasoning_tokens or 0
        self.cached_input_tokens += call.cached_input_tokens or 0
        self.cost += call.cost or 0.0
        self.unpriced += call.cost is None
        self.seconds += call.milliseconds / 1000


@dataclass(slots=True, kw_only=True)
class ErrorView:
    error_type: str
    message: str
    timestamp: float


@dataclass(slots=True, kw_only=True)
class AgentView:
    """One agent as people see it."""

    agent_id: str
    number: int
    model: str = ""
    status: str = "waiting"
    answers: list[AnswerView] = field(default_factory=list)
    vote: VoteView | None = None
    restarts: int = 0
    round: int = 0
    round_kind: str = ""
    last_activity: float = 0.0
    error: ErrorView | None = None
    usage: UsageView = field(default_factory=UsageView)
    proposed: str = ""

    @property
    def shown(self) -> str:
        """The status as people see it: an agent that a person skipped did not fail."""
        skipped = self.status == "error" and self.error is not None and self.error.error_type == "skipped"
        return "skipped" if skipped else self.status


@dataclass(slots=True, kw_only=True)
class RunState:
    """Feed every event to `apply`, in order. The state covers the newest attempt of the newest turn."""

    question: str = ""
    session_id: str = ""
    mode: str = "voting"
    pid: int = 0
    process_started: float = 0.0
    started: float = 0.0
    turn: int = 1
    attempt: int = 1
    phase: str = "initial_answer"
    active: str | None = None
    agents: dict[str, AgentView] = field(default_factory=dict)
    answers: list[AnswerView] = field(default_factory=list)
    winner: str | None = None
    winning_label: str = ""
    how: str = ""
    is_tie: bool = False
    final: FinalAnswer | None = None
    final_agent: str | None = None
    final_chunks: list[str] = field(default_factory=list)
    exit_code: int | None = None
    end_reason: str = ""
    message: str = ""
    coordination_end: float | None = None
    ended: float | None = None
    usage: UsageView = field(default_factory=UsageView)

    @property
    def complete(self) -> bool:
        return self.exit_code is not None

    def apply(self, event: Event) -> None:
        self.turn, self.attempt = event.turn, event.attempt
        agent = self.agents.get(event.agent_id or "")
        if agent is not None:
            agent.last_activity = event.timestamp
            self._apply_to_agent(event, agent)
        self._apply_to_run(event)

    def votes(self) -> dict[str, int]:
        """Standing votes for each answer label, 0 included (LOG-039)."""
        counts = {answer.label: 0 for answer in self.answers}
        if self.mode == "decomposition":
            return {}
        for agent in self.agents.values():
            if agent.vote is not None and agent.vote.label in counts:
                counts[agent.vote.label] += 1
        return counts

    def final_text(self) -> str:
        """The delivered answer, empty before there is one."""
        if self.final is None:
            return ""
        if self.final.text is not None:
            return self.final.text
        if self.final.source is not None:
            return next((a.text for a in self.answers if a.label == self.final.source), "")
        return "".join(self.final_chunks)

    def _apply_to_run(self, event: Event) -> None:
        match event.body:
            case SessionStart() as body:
                self._begin_turn(event, body)
            case AttemptStart():
                self._begin_attempt()
            case PhaseChange(phase=phase):
                self.phase = phase
            case WinnerSelected() as body:
                self.winner, self.winning_label = body.agent, body.label
                self.how, self.is_tie = body.how, body.is_tie
                self.coordination_end = event.timestamp
            case FinalChunk(text=text):
                self.final_chunks.append(text)
            case FinalAnswer() as body:
                self.final, self.final_agent = body, event.agent_id
                self.winner = event.agent_id
            case SessionResume(pid=pid, process_started=started):
                self.pid, self.process_started, self.exit_code, self.ended = pid, started, None, None
            case SessionEnd() as body:
                self.exit_code, self.end_reason, self.message = body.exit_code, body.reason, body.message
                self.ended, self.active = event.timestamp, None
            case _:
                return

    def _begin_turn(self, event: Event, body: SessionStart) -> None:
        self.question, self.session_id, self.mode = body.question, body.session_id, body.mode
        self.pid, self.process_started, self.started = body.pid, body.process_started, event.timestamp
        models = (*body.models, *([""] * len(body.agents)))
        self.agents = {
            name: AgentView(agent_id=name, number=n, model=models[n - 1]) for n, name in enumerate(body.agents, 1)
        }
        self.usage, self.exit_code, self.ended, self.end_reason, self.message = UsageView(), None, None, "", ""
        self._begin_attempt()

    def _begin_attempt(self) -> None:
        self.phase, self.active, self.answers = "initial_answer", None, []
        self.winner, self.winning_label, self.how, self.is_tie = None, "", "", False
        self.final, self.final_agent, self.final_chunks, self.coordination_end = None, None, [], None
        for name, old in list(self.agents.items()):
            fresh = AgentView(agent_id=name, number=old.number, model=old.model, usage=old.usage)
            fresh.last_activity = old.last_activity
            self.agents[name] = fresh

    def _apply_to_agent(self, event: Event, agent: AgentView) -> None:
        match event.body:
            case AgentStatus() as body:
                self._take_status(event, agent, body)
            case StartedStreaming(round_kind=kind):
                if kind == "presentation":
                    self.final_chunks = []
                agent.round, agent.round_kind = event.round, kind
                self.active = agent.agent_id
                agent.vote = agent.vote if kind in ("presentation", "post_evaluation") else None
            case Content() | ToolStart() | ToolEnd() | FinalChunk():
                self.active = agent.agent_id
            case (
                FactRecorded(fact="AnswerProposed", values=values)
                | FactRecorded(fact="ResponseEnded", values=values)
                | FactRecorded(fact="RoundClosed", values=values)
            ):
                agent.proposed = str(values.get("text", ""))
            case NewAnswer() as body:
                self._take_answer(event, agent, body)
            case Vote() as body:
                agent.vote = VoteView(agent=body.agent, label=body.label, reason=body.reason)
            case Restart():
                agent.vote = None
            case ModelCall() as body:
                agent.usage.add(body)
                self.usage.add(body)
            case _:
                return

    def _take_status(self, event: Event, agent: AgentView, body: AgentStatus) -> None:
        agent.status, agent.restarts = body.status, body.times_restarted
        if body.error_type is not None:
            agent.error = ErrorView(
                error_type=body.error_type, message=body.error_message or "", timestamp=event.timestamp
            )
        if self.active == agent.agent_id and body.status != "streaming":
            working = [name for name, other in self.agents.items() if other.status == "streaming"]
            self.active = working[0] if working else None

    def _take_answer(self, event: Event, agent: AgentView, body: NewAnswer) -> None:
        answer = AnswerView(
            label=body.label,
            agent_id=agent.agent_id,
            text=agent.proposed,
            context=body.context,
            timestamp=event.timestamp,
            tree=body.tree,
        )
        agent.answers.append(answer)
        self.answers.append(answer)
