"""Records of rounds for the eyes of agents: anonymous, without models, also where no log is kept (LOG-008, MEM-078)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from massgen.events.types import (
    AgentStatus,
    ErrorOccurred,
    Event,
    FactRecorded,
    FinalAnswer,
    NewAnswer,
    Retry,
    Vote,
    Warned,
)
from massgen.views.trace import render_trace
from massgen.views.transcript import AgentTranscript, Transcript

_FOR_PEOPLE = (AgentStatus, ErrorOccurred, Retry, Warned)


@dataclass(slots=True)
class RoundTraces:
    """Subscriber; `agents` are real ids in the order of the configuration. Notes for people are left out: they
    may name models and ids."""

    agents: Sequence[str]
    redact: Callable[[str], str]
    answers: dict[str, str] = field(default_factory=dict)
    _proposed: dict[str, str] = field(default_factory=dict)
    _transcript: Transcript = field(default_factory=Transcript)

    def __post_init__(self) -> None:
        for number, name in enumerate(self.agents, 1):
            self._transcript.agents[name] = AgentTranscript(agent_id=name, number=number)

    def __call__(self, event: Event) -> None:
        if isinstance(event.body, _FOR_PEOPLE):
            return
        self._transcript.apply(event)
        name = event.agent_id or ""
        match event.body:
            case FactRecorded(fact="AnswerProposed", values=values):
                self._proposed[name] = str(values.get("text", ""))
            case NewAnswer(label=label):
                rounds = self._transcript.take(name)
                text = render_trace(self._name(name), "", rounds, answer=self._proposed.pop(name, ""))
                self.answers[label] = self.redact(text)
            case Vote() | FinalAnswer():
                self._transcript.take(name)
            case _:
                return

    def running(self, agent_id: str) -> str:
        """The record of the agent's rounds since its last answer or vote."""
        agent = self._transcript.agents.get(agent_id)
        return self.redact(render_trace(self._name(agent_id), "", agent.rounds if agent is not None else ()))

    def _name(self, agent_id: str) -> str:
        agent = self._transcript.agents.get(agent_id)
        return f"agent{agent.number}" if agent is not None else "agent"
