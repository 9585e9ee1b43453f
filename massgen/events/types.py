"""The events of a run: one closed union, one discriminator (`event_type`), one line of `events.jsonl` each.

    {"seq": 7, "timestamp": 1764363301.5, "event_type": "vote", "agent_id": "a", "turn": 1, "attempt": 1,
     "round": 1, "data": {...}}

`seq` counts a run through, across turns and attempts. Kinds are those of LOG-053 and `fact` (everything
the rules read), `started_streaming`, `model_call`, `retry`, `warning`, `injection`, `attempt_start`,
`session_resume`, `background_job`, and those of `continuing.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from msgspec import Struct, field

from massgen.events.continuing import CONTINUING, ContinuingBody

LOG_VERSION = 1

AgentState = Literal[
    "waiting", "streaming", "answered", "voted", "restarting", "error", "timeout", "completed"
]
RunPhase = Literal["initial_answer", "enforcement", "presentation"]


class SessionStart(Struct, frozen=True, kw_only=True):
    """A turn begins. `agents` are real ids in the order of the configuration, `models` theirs."""

    kind: ClassVar[str] = "session_start"
    question: str
    agents: tuple[str, ...]
    models: tuple[str, ...] = ()
    session_id: str = ""
    mode: str = "voting"
    timeout_seconds: float | None = None
    pid: int = 0
    process_started: float = 0.0
    version: int = LOG_VERSION


class AttemptStart(Struct, frozen=True, kw_only=True):
    """One coordination begins under `rules`; `reason` and `instructions` are those of the restart that led to it."""

    kind: ClassVar[str] = "attempt_start"
    rules: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    instructions: str = ""


class AgentStatus(Struct, frozen=True, kw_only=True):
    """An agent's state changed (section 2.2 of coordination.md); `error_type` is set on failure."""

    kind: ClassVar[str] = "agent_status"
    status: AgentState
    error_type: str | None = None
    error_message: str | None = None
    times_restarted: int = 0


class StartedStreaming(Struct, frozen=True, kw_only=True):
    """A round begins; `context` are the labels its author sees, `round_kind` what it is for."""

    kind: ClassVar[str] = "started_streaming"
    context: tuple[str, ...] = ()
    round_kind: str = "initial"


class Content(Struct, frozen=True, kw_only=True):
    """Streamed text of an agent, joined to about ten pieces a second."""

    kind: ClassVar[str] = "content"
    content_kind: Literal["text", "reasoning"]
    text: str


class ToolStart(Struct, frozen=True, kw_only=True):
    kind: ClassVar[str] = "tool_start"
    call_id: str
    name: str
    arguments: str


class ToolEnd(Struct, frozen=True, kw_only=True):
    """`result` is what the model got, `whole` all of it where that is more. `media` names what came beside the result:
    `{"file", "type", "name"}`, kept beside the log."""

    kind: ClassVar[str] = "tool_end"
    call_id: str
    name: str
    result: str
    is_error: bool
    milliseconds: float
    media: tuple[Mapping[str, Any], ...] = ()
    whole: str = ""


class BackgroundJob(Struct, frozen=True, kw_only=True):
    """A job of an agent began (`running`) or ended; one that the end of the turn stops has no event (BG-017). `tool` is
    what it calls; of a background shell, whose id begins with `shell_`, a dollar sign and the command."""

    kind: ClassVar[str] = "background_job"
    job_id: str
    tool: str
    status: Literal["running", "completed", "error", "cancelled"]
    milliseconds: float = 0.0


class NewAnswer(Struct, frozen=True, kw_only=True):
    """An answer was accepted. Its text stands in the `answer_proposed` fact just before."""

    kind: ClassVar[str] = "new_answer"
    label: str
    preview: str
    context: tuple[str, ...] = ()
    tree: str | None = None


class Vote(Struct, frozen=True, kw_only=True):
    """A vote was accepted; `agent` is the real id voted for."""

    kind: ClassVar[str] = "vote"
    agent: str
    label: str
    reason: str
    context: tuple[str, ...] = ()


class Restart(Struct, frozen=True, kw_only=True):
    """A round was abandoned, or a vote voided, because of `labels`."""

    kind: ClassVar[str] = "restart"
    reason: str
    labels: tuple[str, ...] = ()


class RestartCompleted(Struct, frozen=True, kw_only=True):
    kind: ClassVar[str] = "restart_completed"
    context: tuple[str, ...] = ()


class Injection(Struct, frozen=True, kw_only=True):
    """Content was added to a running round (HOOK-020). `said` are a person's words in it, one by one; `strategy` is
    where a hook put its text (HOOK-023)."""

    kind: ClassVar[str] = "injection"
    source: str
    text: str
    labels: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    strategy: str = ""


class PhaseChange(Struct, frozen=True, kw_only=True):
    kind: ClassVar[str] = "phase"
    phase: RunPhase


class WinnerSelected(Struct, frozen=True, kw_only=True):
    """The chosen answer; `how` is consensus, timeout, cancelled, no_votes, presenter, only_agent."""

    kind: ClassVar[str] = "winner_selected"
    agent: str
    label: str
    votes: Mapping[str, int]
    is_tie: bool
    how: str


class FinalChunk(Struct, frozen=True, kw_only=True):
    kind: ClassVar[str] = "final_chunk"
    text: str


class FinalAnswer(Struct, frozen=True, kw_only=True):
    """The result. `text` is None where it equals the joined final chunks, or the text of answer `source`."""

    kind: ClassVar[str] = "final_answer"
    label: str
    preview: str
    source: str | None = None
    text: str | None = None
    partial: bool = False
    tree: str | None = None


class OrchestrationRestart(Struct, frozen=True, kw_only=True):
    kind: ClassVar[str] = "orchestration_restart"
    next_attempt: int
    max_attempts: int
    reason: str
    instructions: str


class ErrorOccurred(Struct, frozen=True, kw_only=True):
    kind: ClassVar[str] = "error"
    error_type: str
    message: str


class Warned(Struct, frozen=True, kw_only=True):
    """Something a person should know; the run goes on."""

    kind: ClassVar[str] = "warning"
    text: str


class Retry(Struct, frozen=True, kw_only=True):
    """A model call failed and will be made again; `try_number` is that of the coming try."""

    kind: ClassVar[str] = "retry"
    try_number: int
    delay_seconds: float
    error_type: str
    reason: str


class ModelCall(Struct, frozen=True, kw_only=True):
    """A model call ended. Tokens are None where the provider did not say; `cost` in USD, None = unknown.

    `response` is what was said in a round, in the form of `agents.record`, as far as it was not streamed."""

    kind: ClassVar[str] = "model_call"
    call: int
    round_kind: str
    model: str
    provider: str
    milliseconds: float
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_input_tokens: int | None = None
    cost: float | None = None
    finish: str = "stop"
    error_type: str | None = None
    response: Mapping[str, Any] | None = None


class FactRecorded(Struct, frozen=True, kw_only=True):
    """What the rules read; `fact` names its class, `values` its fields. Replaying them gives the same run."""

    kind: ClassVar[str] = "fact"
    fact: str
    at: float
    values: Mapping[str, Any] = field(default_factory=dict)


class SessionResume(Struct, frozen=True, kw_only=True):
    """The log of an ended process is continued."""

    kind: ClassVar[str] = "session_resume"
    pid: int = 0
    process_started: float = 0.0
    run_time: float = 0.0


class SessionEnd(Struct, frozen=True, kw_only=True):
    """The turn is over; `reason` is complete, timeout, cancelled or error."""

    kind: ClassVar[str] = "session_end"
    exit_code: int
    reason: str
    message: str = ""


class Unknown(Struct, frozen=True, kw_only=True):
    """An event of a newer version: kept, shown as it is."""

    kind: ClassVar[str] = "unknown"
    event_type: str
    data: Mapping[str, Any]


Body = (
    SessionStart
    | AttemptStart
    | AgentStatus
    | StartedStreaming
    | Content
    | ToolStart
    | ToolEnd
    | BackgroundJob
    | NewAnswer
    | Vote
    | Restart
    | RestartCompleted
    | Injection
    | PhaseChange
    | WinnerSelected
    | FinalChunk
    | FinalAnswer
    | OrchestrationRestart
    | ErrorOccurred
    | Warned
    | Retry
    | ModelCall
    | FactRecorded
    | SessionResume
    | SessionEnd
    | ContinuingBody
    | Unknown
)

BODIES: Mapping[str, type] = {
    body.kind: body
    for body in (
        SessionStart,
        AttemptStart,
        AgentStatus,
        StartedStreaming,
        Content,
        ToolStart,
        ToolEnd,
        BackgroundJob,
        NewAnswer,
        Vote,
        Restart,
        RestartCompleted,
        Injection,
        PhaseChange,
        WinnerSelected,
        FinalChunk,
        FinalAnswer,
        OrchestrationRestart,
        ErrorOccurred,
        Warned,
        Retry,
        ModelCall,
        FactRecorded,
        SessionResume,
        SessionEnd,
        *CONTINUING,
    )
}


class Event(Struct, frozen=True, kw_only=True):
    """One record. `timestamp` is Unix time for people; rules use the time inside facts."""

    seq: int
    timestamp: float
    turn: int
    attempt: int
    agent_id: str | None
    round: int
    body: Body


def body_data(body: Body) -> dict[str, Any]:
    """The `data` object of a body; `content_kind` is written as `kind` (LOG-053)."""
    if isinstance(body, Unknown):
        return dict(body.data)
    if isinstance(body, Content):
        return {"kind": body.content_kind, "text": body.text}
    return {name: getattr(body, name) for name in body.__struct_fields__}
