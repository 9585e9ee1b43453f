"""What the log of a run that died says: where its team stands, so that another process can go on (SESS-086).

Only facts count: they are folded by the rules again. What the ended process decided and did not do is done now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from massgen.coordination.directives import (
    AcceptAnswer,
    AcceptVote,
    Directive,
    Evaluate,
    Finish,
    Present,
    RestartAttempt,
)
from massgen.coordination.facts import PresentationEnded
from massgen.coordination.prompts import PastAttempt
from massgen.coordination.replay import AttemptReplay, replay
from massgen.engine.resumption import Resumption
from massgen.errors import ConfigError
from massgen.events.codec import read_run, run_logs
from massgen.events.types import (
    AttemptStart,
    Event,
    FactRecorded,
    ModelCall,
    OrchestrationRestart,
    SessionEnd,
    SessionResume,
    SessionStart,
)
from massgen.runs.process import is_running
from massgen.views.run_state import RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """The last turn of a run as its log tells it. `events` are those of that turn, `elapsed` its run time so far.

    `exit_code` is that of a turn that has ended; then there is nothing to resume.
    """

    log_dir: Path
    turn: int
    attempt: int
    session_id: str
    question: str
    next_seq: int
    elapsed: float
    events: tuple[Event, ...]
    exit_code: int | None
    resumption: Resumption | None


def recover(log_dir: Path) -> Recovered:
    """Read and fold; raises `ConfigError` where there is no run, it still runs, or its log cannot be understood."""
    directory = log_dir.resolve()
    if not run_logs(directory):
        raise ConfigError(
            f"{log_dir}: there is no log of a run here.",
            hint="Give the directory that was printed as LOG_DIR (log_YYYYMMDD_HHMMSS_...).",
        )
    every = list(read_run(directory))
    begin = max((index for index, event in enumerate(every) if isinstance(event.body, SessionStart)), default=None)
    if begin is None:
        raise ConfigError(f"{log_dir}: the log breaks off before the question.", hint="Ask it again.")
    events = every[begin:]
    start = events[0].body
    assert isinstance(start, SessionStart)
    ended = next((event.body.exit_code for event in events if isinstance(event.body, SessionEnd)), None)
    if ended is None:
        _refuse_live(events)
    facts = [event.body.at for event in events if isinstance(event.body, FactRecorded)]
    return Recovered(
        log_dir=directory,
        turn=events[0].turn,
        attempt=events[-1].attempt,
        session_id=start.session_id,
        question=start.question,
        next_seq=max(event.seq for event in every) + 1,
        elapsed=max(facts, default=0.0),
        events=tuple(events),
        exit_code=ended,
        resumption=_resumption(events, facts[0] if facts else 0.0) if ended is None else None,
    )


def _refuse_live(events: Sequence[Event]) -> None:
    for event in reversed(events):
        body = event.body
        if isinstance(body, SessionStart | SessionResume):
            if is_running(body.pid, body.process_started):
                raise ConfigError(f"This run is still running (process {body.pid}).", hint="Wait for it, or end it.")
            return


def _resumption(events: Sequence[Event], began: float) -> Resumption | None:
    """None for a turn that died before its first attempt."""
    folded = replay(events)
    problems = [*folded.problems, *(text for attempt in folded.attempts for text in attempt.problems)]
    if problems and folded.attempts:
        raise ConfigError(f"The log cannot be continued: {problems[0]}", hint="massgen replay LOG_DIR shows it all.")
    if not folded.attempts:
        return None
    last = folded.attempts[-1]
    state = RunState()
    for event in events:
        state.apply(event)
    pending, ended = _open_decision(last)
    final = state.final
    return Resumption(
        attempt=last.state,
        begun=bool(last.steps),
        past=_past(events),
        excluded=_excluded(folded.attempts),
        began=began,
        calls=sum(isinstance(event.body, ModelCall) for event in events),
        missing=_missing(last),
        shown=tuple((agent.status, agent.restarts) for agent in state.agents.values()),
        phase=state.phase,
        pending=pending,
        ended=ended,
        delivered=state.final_text(),
        presented=final is not None and final.source is None,
        announced=isinstance(ended, RestartAttempt) and _announced(events, last.number),
    )


def _open_decision(last: AttemptReplay) -> tuple[Present | Evaluate | None, Finish | RestartAttempt | None]:
    """The newest word on the whole team, unless the fact that answers it is there."""
    pending: Present | Evaluate | None = None
    for step in last.steps:
        if isinstance(step.fact, PresentationEnded):
            pending = None
        for directive in step.directives:
            match directive:
                case Present() | Evaluate():
                    pending = directive
                case Finish() | RestartAttempt():
                    return None, directive
                case _:
                    continue
    return pending, None


def _missing(last: AttemptReplay) -> tuple[Directive, ...]:
    """Directives of the newest fact that the log does not report."""
    if not last.steps:
        return ()
    due = {(claim.kind, claim.label) for claim in last.due}
    found: list[Directive] = []
    for directive in last.steps[-1].directives:
        match directive:
            case AcceptAnswer(label=label) if ("new_answer", label) in due:
                found.append(directive)
            case AcceptVote(label=label) if ("vote", label) in due:
                found.append(directive)
            case Present() | Finish() if any(kind == "winner_selected" for kind, _ in due):
                found.append(directive)
            case _:
                continue
    return tuple(found)


def _past(events: Sequence[Event]) -> tuple[PastAttempt, ...]:
    """Why each earlier attempt was started over; every attempt's beginning names the reason of the one before."""
    starts = [event.body for event in events if isinstance(event.body, AttemptStart)]
    return tuple(PastAttempt(reason=start.reason, instructions=start.instructions) for start in starts[1:])


def _excluded(attempts: Sequence[AttemptReplay]) -> tuple[int, ...]:
    if len(attempts) < 2:
        return ()
    return tuple(member.number for member in attempts[-2].state.members if member.status == "timeout")


def _announced(events: Sequence[Event], attempt: int) -> bool:
    return any(isinstance(event.body, OrchestrationRestart) and event.attempt == attempt for event in events)
