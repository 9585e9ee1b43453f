"""A conversation as the log keeps it, and back: what a process needs to go on with a round of one that died.

Nothing is kept twice. A text that was streamed, or that a tool returned, stands in the log already; a record names
it. So a conversation is rebuilt byte for byte from records and the events between them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from massgen.backends.native import native_message, native_record
from massgen.backends.protocol import AssistantMessage, Message, ToolCall, ToolResultMessage, UserMessage
from massgen.tools.protocol import ToolOutcome

INTERRUPTED = (
    "The program was interrupted while this tool ran; what it did until then is unknown. Look before you call it again."
)
SPELLINGS = tuple((ascii_only, marks) for marks in ((", ", ": "), (",", ":")) for ascii_only in (True, False))
Entry = Mapping[str, Any]


class Shortened(Struct, frozen=True, kw_only=True):
    """The conversation was cut: `kept` newest messages and a summary stayed (MEM-075)."""

    kept: int
    summary: str


PastStep = Message | Shortened


class UnfinishedRound(Struct, frozen=True, kw_only=True):
    """How far a round had come. `past` follows its request; `pending` is the last response if nothing was put behind
    it yet. `outcomes` are the ends of its calls, `updates` what was to be put behind them, `interrupted` its calls
    without a recorded end, by id and name. `heard` counts what the agent had been told before the request.
    """

    past: tuple[PastStep, ...] = ()
    pending: AssistantMessage | None = None
    outcomes: Mapping[str, ToolOutcome] = field(default_factory=dict)
    interrupted: tuple[tuple[str, str], ...] = ()
    updates: tuple[str, ...] = ()
    heard: int = 0


def response_record(message: AssistantMessage, text: str, reasoning: str) -> dict[str, Any]:
    """What the log does not tell of a response; `text` and `reasoning` are what was streamed of it."""
    streamed = {"text": text, "reasoning": reasoning}
    record: dict[str, Any] = {}
    native = native_record(message, streamed)
    if native is not None:
        record["native"] = native
        if _same(native_message(native, streamed), message):
            return record
    for name, value in (("text", message.text), ("reasoning", message.reasoning)):
        if value:
            record[name] = None if value == streamed[name] else value
    if message.tool_calls:
        shown = _shown_answer(message, text)
        record["calls"] = [
            [call.call_id, call.name, _spelling(call.arguments, shown)] for call in message.tool_calls
        ]
    return record


def _shown_answer(message: AssistantMessage, text: str) -> str | None:
    """The content of a `new_answer` as it was streamed, behind what was said; None where nothing is left for it."""
    head = f"{message.text}\n\n" if message.text else ""
    return text[len(head) :] if text.startswith(head) and text != message.text else None


def _spelling(arguments: str, shown: str | None) -> str | int:
    """How a call of `new_answer` with the streamed content is spelt, else its arguments."""
    if shown:
        for number in range(len(SPELLINGS)):
            if arguments == _spelt(shown, number):
                return number
    return arguments


def _spelt(content: str, number: int) -> str:
    ascii_only, separators = SPELLINGS[number]
    return json.dumps({"content": content}, ensure_ascii=ascii_only, separators=separators)


def response_from(record: Entry, text: str, reasoning: str) -> AssistantMessage:
    """The response again. Raises `ValueError`, `TypeError` or `KeyError` for a record that is none."""
    streamed = {"text": text, "reasoning": reasoning}
    native = native_message(record["native"], streamed) if "native" in record else None
    if native is not None and len(record) == 1:
        return native
    said = {name: _filled(record, name, streamed) for name in streamed}
    message = AssistantMessage(
        text=said["text"], reasoning=said["reasoning"], native=native.native if native is not None else None
    )
    shown = _shown_answer(message, text) or ""
    calls = tuple(
        ToolCall(call_id=one, name=name, arguments=_spelt(shown, raw) if isinstance(raw, int) else str(raw))
        for one, name, raw in record.get("calls", ())
    )
    return replace(message, tool_calls=calls)


def _filled(record: Entry, name: str, streamed: Mapping[str, str]) -> str:
    value = record.get(name, "")
    return streamed[name] if value is None else str(value)


def _same(one: AssistantMessage, other: AssistantMessage) -> bool:
    return (one.text, one.reasoning, one.tool_calls) == (other.text, other.reasoning, other.tool_calls)


def result_entry(message: ToolResultMessage, returned: str | None) -> Entry:
    """A result put before the model; `returned` is what the tool's end has in the log, None where it has none."""
    entry: dict[str, Any] = {"result": message.call_id, "name": message.name}
    if message.is_error:
        entry["is_error"] = True
    if returned is not None and message.text.startswith(returned):
        behind = message.text[len(returned) :]
        return {**entry, "behind": behind} if behind else entry
    return {**entry, "text": message.text}


def user_entry(text: str) -> Entry:
    """A message put before the model within the round."""
    return {"user": text}


def shortened_entry(kept: int, summary: str) -> Entry:
    return {"kept": kept, "summary": summary}


def step_from(entry: Entry, outcomes: Mapping[str, ToolOutcome]) -> PastStep:
    """An entry as what it stands for; `outcomes` are those in the log. Raises `ValueError` or `KeyError`."""
    if "result" in entry:
        call_id = str(entry["result"])
        outcome = outcomes.get(call_id)
        if outcome is None and "text" not in entry:
            raise ValueError(f"the result of {call_id} is missing")
        text = str(entry["text"]) if "text" in entry else f"{outcome.text if outcome else ''}{entry.get('behind', '')}"
        return ToolResultMessage(
            call_id=call_id,
            name=str(entry["name"]),
            text=text,
            is_error=bool(entry.get("is_error", False)),
            media=outcome.media if outcome is not None else (),
        )
    if "kept" in entry:
        return Shortened(kept=int(entry["kept"]), summary=str(entry["summary"]))
    return UserMessage(text=str(entry["user"]))
