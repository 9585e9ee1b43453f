"""`llm_calls/`: one record for each model call, whole, for people who want to know what was sent (COORD-027)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from massgen.agents.calling import CallRecord
from massgen.backends.protocol import AssistantMessage, Message, ToolResultMessage, UserMessage
from massgen.views.files import guarded, json_text, safe_name, write_atomic

log = logging.getLogger(__name__)


class CallFiles:
    """Writes `NNNN_<agent>.json`. Messages that an earlier call of the same round already recorded are counted
    in `earlier_messages`, not repeated; long media are named by size. `abridge` puts the name of a file in the place
    of a long text that stands in one."""

    def __init__(
        self,
        directory: Callable[[], Path],
        redact: Callable[[str], str],
        abridge: Callable[[str], str] = lambda text: text,
    ) -> None:
        self._directory = directory
        self._redact = redact
        self._abridge = abridge
        self._sent: dict[tuple[str, int, str], int] = {}

    def keep(self, number: int, record: CallRecord) -> None:
        request = record.request
        key = (request.agent_id, request.round, request.phase)
        earlier = self._sent.get(key, 0)
        self._sent[key] = len(request.messages)
        value: dict[str, Any] = {
            "call": number,
            "agent_id": request.agent_id,
            "round": request.round,
            "phase": request.phase,
            "milliseconds": round(record.milliseconds, 3),
            "earlier_messages": earlier,
            "messages": [self._sent_message(message) for message in request.messages[earlier:]],
            "response": None,
            "error": None,
        }
        if not earlier:
            value["system"] = request.system
            value["tools"] = [tool.name for tool in request.tools]
        if record.done is not None:
            value["response"] = {
                **_message(record.done.message),
                "finish": record.done.finish_reason,
                "model": record.done.model,
            }
        if record.error is not None:
            value["error"] = {"type": record.error.kind, "message": str(record.error)}
        path = self._directory() / "llm_calls" / f"{number:04d}_{safe_name(request.agent_id)}.json"
        text = self._redact(json_text(value, indent=1))
        guarded("llm_calls", lambda: self._write(path, text))
        log.debug("model call %d, request and response:\n%s", number, text)

    def _sent_message(self, message: Message) -> dict[str, Any]:
        value = _message(message)
        return value if isinstance(message, AssistantMessage) else {**value, "text": self._abridge(message.text)}

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.parent.mkdir(exist_ok=True)
        write_atomic(path, text)


def _message(message: Message) -> dict[str, Any]:
    match message:
        case UserMessage():
            out: dict[str, Any] = {"role": "user", "text": message.text}
        case AssistantMessage():
            calls = [{"id": c.call_id, "name": c.name, "arguments": c.arguments} for c in message.tool_calls]
            out = {"role": "assistant", "text": message.text, "reasoning": message.reasoning, "tool_calls": calls}
        case ToolResultMessage():
            out = {"role": "tool", "call_id": message.call_id, "name": message.name, "text": message.text}
            out["is_error"] = message.is_error
    if not isinstance(message, AssistantMessage) and message.media:
        out["media"] = [{"type": item.media_type, "bytes": len(item.data)} for item in message.media]
    return out
