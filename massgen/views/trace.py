"""`execution_trace.md`: everything an agent did up to an answer or a vote, whole (LOG-007)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from massgen.views.moments import clock, moment
from massgen.views.transcript import Piece, RoundView

LONG_ANSWER = 4000


def render_trace(name: str, model: str, rounds: Sequence[RoundView], *, answer: str = "") -> str:
    """The trace of one step. `answer` is the text of the answer that ended it; a long one stands in `answer.txt`.

    For the eyes of agents give the anonymous name and no model (LOG-008).
    """
    started = moment(rounds[0].started) if rounds else moment(0)
    said = f"**Model**: {model} | " if model else ""
    parts = [f"# Execution Trace: {name}", f"{said}**Started**: {started:%Y-%m-%d %H:%M:%S}"]
    for one in rounds:
        parts.extend(_round(one, answer))
    return "\n\n".join(parts) + "\n"


def _round(one: RoundView, answer: str) -> Iterator[str]:
    yield f"## Round {one.number + 1} ({_title(one)})"
    if one.context:
        yield f"Context: {', '.join(one.context)}"
    for piece in one.pieces:
        text = piece.text
        if answer and piece.kind == "text" and one.end in ("answer", "final"):
            text = text.rstrip().removesuffix(answer.strip())
        yield from _piece(piece, text)
    when = clock(one.ended) if one.ended is not None else ""
    match one.end:
        case "answer" | "final":
            yield f"### Answer Submitted ({_short(one.label)})"
            yield f"*{when}*"
            yield answer if len(answer) <= LONG_ANSWER else f"{one.preview}...\n\nThe whole text is in `answer.txt`."
        case "vote":
            yield f"### Vote: {one.label}"
            yield f"*{when}*"
            yield one.reason
        case "restart":
            yield f"### Restarted ({one.label})"
            yield f"*{when}*"
        case _:
            return


def _title(one: RoundView) -> str:
    match one.end:
        case "answer" | "final":
            return f"Answer {_short(one.label)}"
        case "vote":
            return f"Vote {_short(one.label)}"
        case "restart" | "error":
            return one.end
        case _:
            return one.kind or "unfinished"


def _short(label: str) -> str:
    return label.removeprefix("agent")


def _piece(piece: Piece, text: str) -> Iterator[str]:
    when = f"*{clock(piece.timestamp)}*"
    call = piece.tool
    if call is not None:
        yield f"### Tool Call: {call.name}\n\n{when}\n\n**Args**:\n\n{fenced(_pretty(call.arguments), 'json')}"
        if call.result is None:
            yield f"### Tool Result: {call.name}\n\n(none: the call did not end)"
            return
        title = "Tool Error" if call.is_error else "Tool Result"
        yield f"### {title}: {call.name}\n\n*{call.milliseconds:.0f} ms*\n\n{fenced(call.result)}"
    elif text.strip():
        titles = {"reasoning": "Reasoning", "text": "Text", "note": "Note", "error": "Error"}
        yield f"### {titles.get(piece.kind, 'Note')}\n\n{when}\n\n{text.strip()}"


def _pretty(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return arguments


def fenced(text: str, language: str = "") -> str:
    """A code block around any text, whatever fences are in it."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
