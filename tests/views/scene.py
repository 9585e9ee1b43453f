"""A run told by its events: the real stream and the real views, without agents."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from massgen.events.stream import EventStream
from massgen.events.types import (
    AgentStatus,
    AttemptStart,
    Body,
    FactRecorded,
    FinalAnswer,
    ModelCall,
    NewAnswer,
    PhaseChange,
    Restart,
    RestartCompleted,
    SessionEnd,
    SessionStart,
    StartedStreaming,
    ToolEnd,
    ToolStart,
    Vote,
    WinnerSelected,
)
from massgen.views.agent_outputs import AgentOutputs
from massgen.views.coordination_files import CoordinationFiles
from massgen.views.metrics import MetricsFile
from massgen.views.run_state import RunState
from massgen.views.status import status_snapshot
from massgen.views.steps import StepWriter
from massgen.views.tree import LogTree

CUT = "✂"


@dataclass(slots=True)
class Scene:
    """`scene.answer("a", "agent1.1", "text")` and so on; the files lie in `scene.here`."""

    root: Path
    agents: tuple[str, ...] = ("ann", "bob")
    mode: str = "voting"
    redact: Callable[[str], str] = field(default=lambda text: text)
    texts: bool = True
    state: RunState = field(default_factory=RunState)
    tree: LogTree = field(init=False)
    stream: EventStream = field(init=False)
    steps: StepWriter = field(init=False)

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.tree = LogTree(self.root)
        self.stream = EventStream(self.tree.directory, redact=self.redact)
        self.steps = StepWriter(self.state, self.tree, self.redact, texts=self.texts)
        self.stream.subscribe(self.state.apply)
        self.stream.subscribe(self.steps)
        self.stream.subscribe(AgentOutputs(self.tree, self.redact))
        self.stream.subscribe(CoordinationFiles(self.state, self.tree))
        self.stream.subscribe(MetricsFile(self.state, self.tree))

    @property
    def here(self) -> Path:
        return self.tree.here

    def begin(self, question: str = "What is 2+2?", turn: int = 1) -> None:
        self.enter(turn, 1)
        models = tuple(f"model-of-{name}" for name in self.agents)
        self.emit(SessionStart(question=question, agents=self.agents, models=models, mode=self.mode, pid=1))
        self.emit(AttemptStart())

    def enter(self, turn: int, attempt: int) -> None:
        self.tree.enter(turn, attempt, ())
        self.stream.place(turn, attempt)

    def emit(self, body: Body, agent: str | None = None, round: int = 0) -> None:
        self.stream.emit(body, agent_id=agent, round=round)

    def round(self, agent: str, number: int = 0, kind: str = "initial", context: tuple[str, ...] = ()) -> None:
        self.emit(StartedStreaming(context=context, round_kind=kind), agent, number)
        self.status(agent, "streaming", number)

    def status(self, agent: str, status: Any, number: int = 0, error: tuple[str, str] | None = None) -> None:
        kind, message = error or (None, None)
        self.emit(AgentStatus(status=status, error_type=kind, error_message=message), agent, number)

    def answer(
        self, agent: str, label: str, text: str, number: int = 0, context: tuple[str, ...] = (), stream: bool = True
    ) -> None:
        if stream:
            self.stream.text(agent, number, "text", text)
        self.emit(FactRecorded(fact="AnswerProposed", at=1.0, values={"text": text}), agent, number)
        self.emit(NewAnswer(label=label, preview=text[:200], context=context), agent, number)
        self.status(agent, "answered", number)

    def vote(
        self, agent: str, target: str, label: str, number: int = 1, reason: str = "Best.", context: tuple[str, ...] = ()
    ) -> None:
        self.emit(Vote(agent=target, label=label, reason=reason, context=context), agent, number)
        self.status(agent, "voted", number)

    def restart(self, agent: str, label: str, number: int = 1) -> None:
        self.emit(Restart(reason="a peer's answer", labels=(label,)), agent, number)
        self.emit(RestartCompleted(context=(label,)), agent, number)

    def tool(self, agent: str, name: str, result: str, *, failed: bool = False, number: int = 0) -> None:
        call = f"call-{name}"
        self.emit(ToolStart(call_id=call, name=name, arguments='{"path": "main.py"}'), agent, number)
        self.emit(ToolEnd(call_id=call, name=name, result=result, is_error=failed, milliseconds=94.0), agent, number)

    def call(self, agent: str, tokens: tuple[int, int], cost: float | None, kind: str = "answer") -> None:
        body = ModelCall(
            call=1,
            round_kind=kind,
            model="m",
            provider="p",
            milliseconds=500.0,
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            cost=cost,
        )
        self.emit(body, agent)

    def present(self, agent: str, label: str, text: str, number: int = 2, how: str = "consensus") -> None:
        votes = self.state.votes()
        self.emit(WinnerSelected(agent=agent, label=label, votes=votes, is_tie=False, how=how), agent)
        self.emit(PhaseChange(phase="presentation"))
        self.emit(StartedStreaming(round_kind="presentation"), agent, number)
        for piece in text.split(CUT):
            self.stream.text(agent, number, "final", piece)
            self.stream.flush()
        number_of = self.agents.index(agent) + 1
        self.emit(FinalAnswer(label=f"agent{number_of}.final", preview=text[:200]), agent, number)

    def end(self, code: int = 0, reason: str = "complete", message: str = "") -> None:
        self.emit(SessionEnd(exit_code=code, reason=reason, message=message))
        self.tree.accept()

    def told(self) -> None:
        """A whole small run: two answers, a restart, votes, a presentation."""
        self.begin()
        self.round("ann")
        self.round("bob")
        self.answer("ann", "agent1.1", "Four.")
        self.answer("bob", "agent2.1", "It is 4, as anyone can count.")
        self.emit(PhaseChange(phase="enforcement"))
        both = ("agent1.1", "agent2.1")
        for name in self.agents:
            self.restart(name, "agent1.1" if name == "bob" else "agent2.1")
            self.round(name, 1, "refine", both)
        self.vote("ann", "bob", "agent2.1", reason="More comprehensive.", context=both)
        self.vote("bob", "bob", "agent2.1", reason="It explains itself.", context=both)
        self.present("bob", "agent2.1", "2 + 2 = 4.")
        self.end()

    def snapshot(self) -> dict[str, Any]:
        return status_snapshot(self.state, self.root, 1000.0)

    def json(self, name: str) -> Any:
        return json.loads((self.here / name).read_text(encoding="utf-8"))
