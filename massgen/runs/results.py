"""What a finished turn gives back to its door."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from massgen.engine.turn import TurnResult
from massgen.runs.logbook import Logbook
from massgen.runs.request import RunResult

E = TypeVar("E", bound=Exception)


def result_of(turn: TurnResult, log: Logbook, *, agents: Sequence[str], session_id: str, number: int) -> RunResult:
    """The result as a door sees it: real ids, times and usage from the log. `number` is the turn's."""
    state = log.state
    winner = agents[turn.winner - 1] if turn.winner is not None else None
    chosen = state.coordination_end or state.ended or state.started
    ended = state.ended or state.started
    usage = state.usage
    return RunResult(
        exit_code=turn.exit_code,
        outcome=turn.outcome,
        answer=turn.text,
        winner=winner,
        label=turn.label,
        message=turn.message,
        log_dir=log.tree.root,
        answer_file=_answer_file(turn, log, winner) if winner is not None else None,
        session_id=session_id,
        agents=tuple(agents),
        answers=turn.answers,
        votes=turn.votes,
        is_tie=turn.is_tie,
        consensus=turn.consensus,
        errors=turn.errors,
        coordination_seconds=max(0.0, chosen - state.started),
        total_seconds=max(0.0, ended - state.started),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost=None if usage.unpriced and not usage.cost else usage.cost,
        turn=number,
        attempt=turn.attempt,
        steps=dict(log.steps.steps),
    )


def _answer_file(turn: TurnResult, log: Logbook, winner: str) -> Path | None:
    """Where the delivered text lies; on a full disk perhaps only as the answer it was, or nowhere."""
    step = log.steps.steps.get(turn.label)
    repeated = any(answer.label == turn.label and answer.text == turn.text for answer in turn.answers)
    places = [log.answer_file(winner), *([step / "answer.txt"] if step is not None and repeated else [])]
    return next((place for place in places if place.is_file()), None)


def first_error(group: ExceptionGroup[E]) -> E:
    """The first cause in a group of errors."""
    error = group.exceptions[0]
    return first_error(error) if isinstance(error, ExceptionGroup) else error
