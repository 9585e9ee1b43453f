"""Replaying a run from its log directory, for doors."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from massgen.coordination.replay import AttemptReplay, RunReplay, replay
from massgen.coordination.story import sentences, why
from massgen.events.codec import read_run, run_logs
from massgen.runs.missing_log import missing_log


class ToldStep(Struct, frozen=True, kw_only=True):
    """One fact of the log: its event number, run time in seconds, kind, and what it meant in plain words."""

    seq: int
    at: float
    fact: str
    words: tuple[str, ...]


class ToldAttempt(Struct, frozen=True, kw_only=True):
    """One attempt as it can be shown. `ended` is False for a log that was cut off."""

    turn: int
    number: int
    steps: tuple[ToldStep, ...]
    winner: str | None
    label: str
    why: tuple[str, ...]
    problems: tuple[str, ...]
    ended: bool


class ToldRun(Struct, frozen=True, kw_only=True):
    """A replayed run; `follows` says whether everything the log reports follows from the rules."""

    follows: bool
    attempts: tuple[ToldAttempt, ...]
    problems: tuple[str, ...]


def replay_log(log_dir: Path) -> ToldRun:
    """Replay the run in `log_dir`; raises `ConfigError` where there is none."""
    if not run_logs(log_dir):
        raise missing_log(log_dir)
    return _told(replay(read_run(log_dir)))


def _told(run: RunReplay) -> ToldRun:
    attempts = tuple(_told_attempt(attempt) for attempt in run.attempts)
    return ToldRun(follows=run.follows, attempts=attempts, problems=tuple(run.problems))


def _told_attempt(attempt: AttemptReplay) -> ToldAttempt:
    steps = tuple(
        ToldStep(seq=step.seq, at=step.fact.at, fact=type(step.fact).__name__, words=tuple(sentences(attempt, step)))
        for step in attempt.steps
    )
    winner = attempt.state.winner
    return ToldAttempt(
        turn=attempt.turn,
        number=attempt.number,
        steps=steps,
        winner=attempt.name(winner) if winner else None,
        label=attempt.state.winning_label,
        why=tuple(why(attempt)),
        problems=tuple(attempt.problems),
        ended=attempt.ended or attempt.state.over,
    )
