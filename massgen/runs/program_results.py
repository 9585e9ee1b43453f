"""Results for programs: agents by letter alias, real ids only in `agent_mapping` (API-011, COORD-049, COORD-054)."""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any

from massgen.runs.request import RunResult


def alias(number: int) -> str:
    """`agent_a` for agent number 1, `agent_aa` for 27."""
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = ascii_lowercase[rest] + letters
    return f"agent_{letters}"


def vote_results(result: RunResult) -> dict[str, Any]:
    """Standing votes at the end, by alias."""
    counts: dict[str, int] = {}
    voters: dict[str, list[dict[str, str]]] = {}
    for vote in result.votes:
        target = alias(vote.target)
        counts[target] = counts.get(target, 0) + 1
        voters.setdefault(target, []).append({"voter": alias(vote.voter), "reason": vote.reason})
    return {
        "vote_counts": counts,
        "voter_details": voters,
        "winner": _winner(result),
        "is_tie": result.is_tie,
        "total_votes": len(result.votes),
        "agents_with_answers": len({answer.number for answer in result.answers}),
        "agents_voted": len(result.votes),
    }


def _winner(result: RunResult) -> str | None:
    if result.winner is None:
        return None
    return alias(result.agents.index(result.winner) + 1)


def result_dictionary(result: RunResult, used: str, *, single: bool, keep_log: bool) -> dict[str, Any]:
    """The documented result; what a single agent has no use for is None or empty (conflict 15)."""
    alone = single or len(result.agents) == 1
    show_log = keep_log or not alone
    final = result.log_dir / f"turn_{result.turn}" / "final"
    return {
        "final_answer": result.answer,
        "config_used": used,
        "session_id": result.session_id,
        "log_directory": str(result.log_dir) if show_log else None,
        "final_answer_path": str(final) if show_log and result.answer else None,
        "selected_agent": None if alone else _winner(result),
        "vote_results": None if alone else vote_results(result),
        "answers": [] if alone else [_answer(result, position) for position in range(len(result.answers))],
        "agent_mapping": {} if alone else {alias(n): name for n, name in enumerate(result.agents, 1)},
        "exit_code": result.exit_code,
        "error": result.message or None,
        "usage": {"input_tokens": result.input_tokens, "output_tokens": result.output_tokens, "cost": result.cost},
    }


def _answer(result: RunResult, position: int) -> dict[str, Any]:
    answer = result.answers[position]
    path = result.steps.get(answer.label)
    return {
        "label": answer.label,
        "agent_id": alias(answer.number),
        "answer_path": f"{path}/" if path else None,
        "content": answer.text,
    }
