"""Answers in OpenAI's shape, the coordination as `reasoning_content`, and everything else as `massgen_metadata`."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from massgen.backends.protocol import ToolCall
from massgen.events.types import (
    AgentStatus,
    Content,
    Event,
    FinalChunk,
    NewAnswer,
    Restart,
    Retry,
    SessionStart,
    StartedStreaming,
    ToolStart,
    Vote,
    Warned,
    WinnerSelected,
)
from massgen.runs.program_results import alias, result_dictionary
from massgen.runs.request import RunResult
from massgen.server.functions import tool_calls

METADATA = (
    "session_id", "config_used", "log_directory", "final_answer_path",
    "selected_agent", "vote_results", "answers", "agent_mapping",
)  # fmt: skip


class Narrator:
    """Turns events into trace lines; agents appear under their letter aliases (SRV-007)."""

    def __init__(self, agents: tuple[str, ...]) -> None:
        self._alias: Mapping[str, str] = {name: alias(number) for number, name in enumerate(agents, 1)}

    def line(self, event: Event) -> str | None:
        """One line for an event, None for one that says nothing to the caller."""
        who = self._alias.get(event.agent_id or "", "system")
        match event.body:
            case SessionStart():
                return "[system] Starting coordination..."
            case StartedStreaming(round_kind=kind):
                return f"[{who}] {'Presenting' if kind == 'presentation' else 'Working'} (round {event.round})"
            case Content(text=text):
                return f"[{who}] {' '.join(text.split())}" if text.strip() else None
            case ToolStart(name=name):
                return f"[{who}] Tool: {name}"
            case NewAnswer(label=label):
                return f"[orchestrator] Answer: {label}"
            case Vote(agent=agent):
                return f"[orchestrator] Vote: {self._alias.get(agent, agent)}"
            case Restart(labels=labels):
                return f"[orchestrator] Restart of {who} by {', '.join(labels)}"
            case WinnerSelected(agent=agent):
                return f"[orchestrator] Winner: {self._alias.get(agent, agent)}"
            case AgentStatus(error_type=kind) if kind is not None:
                return f"[{who}] Failed: {kind}"
            case Retry(try_number=number):
                return f"[{who}] Try {number - 1} failed; again"
            case Warned():
                return f"[system] Note for {who}" if event.agent_id else None
            case _:
                return None


def reasoning(result: RunResult, events: Iterable[Event]) -> str:
    """The trace of a whole run."""
    narrator = Narrator(result.agents)
    return "\n".join(line for event in events if (line := narrator.line(event)) is not None)


def new_id() -> str:
    return f"chatcmpl-req_{secrets.token_hex(6)}"


def usage(result: RunResult) -> dict[str, int]:
    """Tokens of all agents together."""
    return {
        "prompt_tokens": result.input_tokens,
        "completion_tokens": result.output_tokens,
        "total_tokens": result.input_tokens + result.output_tokens,
    }


def metadata(result: RunResult, used: str) -> dict[str, Any]:
    """The data of a `run()` result (SRV-008)."""
    full = result_dictionary(result, used, single=False, keep_log=True)
    return {key: full[key] for key in METADATA}


def answer_message(result: RunResult, events: Sequence[Event], calls: Sequence[ToolCall]) -> dict[str, Any]:
    """The message of a reply; with calls for the caller its content is what the presenter said beside them."""
    message: dict[str, Any] = {"role": "assistant", "content": result.answer}
    if calls:
        said = "".join(event.body.text for event in events if isinstance(event.body, FinalChunk))
        message |= {"content": said or None, "tool_calls": tool_calls(calls)}
    return {**message, "reasoning_content": reasoning(result, events)}


def completion(request_id: str, model: str, result: RunResult, used: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """The whole reply to a request that does not stream."""
    ending = finish_reason(result, calls="tool_calls" in message)
    return {
        "id": request_id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": dict(message), "finish_reason": ending}],
        "usage": usage(result),
        "massgen_metadata": metadata(result, used),
    }


def finish_reason(result: RunResult, *, calls: bool = False) -> str:
    """`length` for an answer that a timeout cut short."""
    if calls:
        return "tool_calls"
    return "stop" if result.exit_code == 0 else "length"


def chunk(request_id: str, model: str, created: int, delta: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """One streamed piece."""
    choice = {"index": 0, "delta": dict(delta), "finish_reason": more.pop("finish_reason", None)}
    return {
        "id": request_id,
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": [choice],
        **more,
    }
