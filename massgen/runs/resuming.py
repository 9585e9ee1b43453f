"""What the log of a run that died says: where its team stands, so that another process can go on (SESS-086).

Only facts count: they are folded by the rules again. What the ended process decided and did not do is done now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, field

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
from massgen.engine.resumption import OpenRound, Resumption, Words
from massgen.errors import ConfigError
from massgen.events.codec import read_run, run_logs
from massgen.events.continuing import ChangesAccepted, Prepared, Requested, Spoken, WorkspacesOpened
from massgen.events.types import (
    AttemptStart,
    Event,
    FactRecorded,
    FinalAnswer,
    ModelCall,
    OrchestrationRestart,
    SessionEnd,
    SessionResume,
    SessionStart,
)
from massgen.paths import project_of
from massgen.process import is_running
from massgen.runs import registry
from massgen.runs.missing_log import missing_log
from massgen.runs.preparation import Preparation, preparation_from
from massgen.runs.request import RunRequest
from massgen.runs.requested import request_from
from massgen.runs.unfinished import (
    Unreadable,
    calls_for_caller,
    fold_round,
    heard_before,
    media_reader,
    open_round,
    read_media,
    told_in,
    worked,
)
from massgen.views.run_state import RunState

B = TypeVar("B")


class Recovered(Struct, frozen=True, kw_only=True):
    """The last turn of a run as its log tells it. `events` are those of that turn, `elapsed` its run time so far,
    `requested` is how it was asked, `workspaces` where its agents work, `final` what was delivered,
    `accepted` which changes of the user's project were.

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
    requested: Mapping[str, Any] = field(default_factory=dict)
    prepared: Preparation | None = None
    workspaces: Mapping[str, Path] = field(default_factory=dict)
    final: FinalAnswer | None = None
    accepted: ChangesAccepted | None = None


def recover(log_dir: Path) -> Recovered:
    """Read and fold; raises `ConfigError` where there is no run, it still runs, or its log cannot be understood."""
    directory = log_dir.resolve()
    if not run_logs(directory):
        raise missing_log(log_dir)
    every = list(read_run(directory))
    begin = max((index for index, event in enumerate(every) if isinstance(event.body, SessionStart)), default=None)
    if begin is None:
        raise ConfigError(f"{log_dir}: the log breaks off before the question.", hint="Ask it again.")
    events = every[begin:]
    start = events[0].body
    assert isinstance(start, SessionStart)
    _refuse_live(events)
    ended = _exit_code(events, start.session_id, directory)
    if ended is None:
        events = [event for event in events if not isinstance(event.body, SessionEnd)]
    facts = [event.body.at for event in events if isinstance(event.body, FactRecorded)]
    asked = _newest(events, Requested)
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
        resumption=_resumption(directory, events, facts[0] if facts else 0.0) if ended is None else None,
        requested=asked.values if asked is not None else {},
        prepared=_prepared(events),
        workspaces={name: Path(path) for name, path in _places(events).items()},
        final=_newest([event for event in events if event.attempt == events[-1].attempt], FinalAnswer),
        accepted=_newest(events, ChangesAccepted),
    )


def asked_again(base: RunRequest, recovered: Recovered) -> RunRequest:
    """`base` with everything of the request that no configuration holds, and what the team has called of the caller's
    functions; raises `ConfigError` for what is lost."""
    if not recovered.requested:
        return base
    start = recovered.events[0]
    directory = recovered.log_dir / f"turn_{start.turn}" / f"attempt_{start.attempt}"
    try:
        request = request_from(base, recovered.requested, lambda item: read_media(directory, item))
    except Unreadable as error:
        raise ConfigError(f"What was asked cannot be recovered: {error}.", hint="Ask it again.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"The log does not say how the question was put ({error}).", hint="Ask it again.") from error
    if request.functions is not None:
        now = [event for event in recovered.events if event.attempt == recovered.attempt]
        request.functions.calls.extend(calls_for_caller(now))
    return request


def _exit_code(events: Sequence[Event], session_id: str, log_dir: Path) -> int | None:
    """That of a turn that has ended. One that died before its session had it is still to be kept there."""
    last = events[-1].body
    if not isinstance(last, SessionEnd):
        return None
    entry = registry.find(session_id, project_of(log_dir))
    if entry is None or entry.status != "active":
        return last.exit_code
    if (Path(entry.directory) / f"turn_{events[-1].turn}" / "metadata.json").exists():
        return last.exit_code
    attempts = replay(events).attempts
    decided = attempts and isinstance(_open_decision(attempts[-1])[1], Finish)
    return None if decided else last.exit_code


def _refuse_live(events: Sequence[Event]) -> None:
    for event in reversed(events):
        body = event.body
        if isinstance(body, SessionStart | SessionResume):
            if is_running(body.pid, body.process_started):
                raise ConfigError(f"This run is still running (process {body.pid}).", hint="Wait for it, or end it.")
            return


def _newest(events: Sequence[Event], kind: type[B]) -> B | None:
    return next((event.body for event in reversed(events) if isinstance(event.body, kind)), None)


def _prepared(events: Sequence[Event]) -> Preparation | None:
    found = _newest(events, Prepared)
    try:
        return preparation_from(found.values) if found is not None else None
    except (ValueError, TypeError, KeyError):
        return None


def _places(events: Sequence[Event]) -> Mapping[str, str]:
    found = _newest(events, WorkspacesOpened)
    return found.paths if found is not None else {}


def _resumption(log_dir: Path, events: Sequence[Event], began: float) -> Resumption | None:
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
    numbers = range(1, len(last.state.members) + 1)
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
        rounds=_rounds(log_dir, last, events),
        closing=_closing(log_dir, last, events, pending),
        words={number: _words(last.name(number), events) for number in numbers},
        worked={number: worked(last, number, 0)[1] for number in numbers},
    )


def _rounds(log_dir: Path, last: AttemptReplay, events: Sequence[Event]) -> dict[int, OpenRound]:
    """The rounds that were in progress and can go on. A log of an older version does not hold enough for that."""
    if _newest(events, Requested) is None or last.state.phase == "presentation":
        return {}
    running = [member.number for member in last.state.members if member.status == "streaming" and member.due is None]
    found = {number: open_round(last, number, events, media_reader(log_dir)) for number in running}
    return {number: one for number, one in found.items() if one is not None}


def _closing(
    log_dir: Path, last: AttemptReplay, events: Sequence[Event], pending: Present | Evaluate | None
) -> OpenRound | None:
    """The presentation, or the evaluation, that was in progress."""
    if pending is None or _newest(events, Requested) is None:
        return None
    begun = next(step.seq for step in reversed(last.steps) if pending in step.directives)
    since = [event for event in events if event.seq > begun]
    agent_id, kind = last.name(pending.agent), "presentation" if isinstance(pending, Present) else "post_evaluation"
    own = [event.seq for event in since if isinstance(event.body, ModelCall) and event.body.round_kind == kind]
    number = next((event.round for event in since if event.seq in own), 0)
    try:
        fold = fold_round(agent_id, number, since, media_reader(log_dir))
    except Unreadable:
        return None
    heard = heard_before(agent_id, events, begun)
    chunks = tuple(fold.chunks)
    return OpenRound(start=None, unfinished=fold.unfinished(heard), chunks=chunks, announced=fold.announced)


def _words(agent_id: str, events: Sequence[Event]) -> Words:
    """What an agent was told in the turn, and what it was to be told."""
    delivered = [text for event in events if event.agent_id == agent_id for text in told_in(event)]
    left = list(delivered)
    waiting: list[str] = []
    for event in events:
        if isinstance(event.body, Spoken) and agent_id in event.body.agents:
            text = event.body.text
            if text in left:
                left.remove(text)
            else:
                waiting.append(text)
    return Words(delivered=tuple(delivered), waiting=tuple(waiting))


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
