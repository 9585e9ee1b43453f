"""A response in the provider library's own form, as JSON and back, so that a conversation goes on exactly.

Only what the neutral message does not tell is kept, and texts that were streamed are named, not repeated.
"""

from __future__ import annotations

import sys
from typing import Any

from msgspec.structs import replace

from massgen.backends.chat.said import Piece, Said, said_from, said_record
from massgen.backends.protocol import AssistantMessage

DROPPED = ("usage", "timestamp")
STREAMED = {"text": "text", "thinking": "reasoning"}


def native_record(message: AssistantMessage, streamed: dict[str, str]) -> dict[str, Any] | None:
    """The library's form of `message`, None where it follows from the neutral one. `streamed` holds the `text` and
    the `reasoning` that the log has already."""
    if isinstance(message.native, Said):
        usual = (Piece(text=message.text),) if message.text else ()
        return {"said": said_record(message.native, streamed)} if message.native != Said(pieces=usual) else None
    if message.native is None or "pydantic_ai.messages" not in sys.modules:
        return None
    from pydantic_ai.messages import ModelResponse

    from massgen.backends.messages import native_response

    if not isinstance(message.native, ModelResponse):
        return None
    found = _plain(message.native)
    if found["parts"] == _plain(native_response(replace(message, native=None)))["parts"]:
        return None
    for part in found["parts"]:
        channel = STREAMED.get(part.get("part_kind", ""))
        if channel is not None and part.get("content") and part["content"] == streamed[channel]:
            del part["content"]
    return found


def native_message(record: dict[str, Any], streamed: dict[str, str]) -> AssistantMessage:
    """The message whose library's form was recorded. Raises `ValueError` for a record that is none."""
    if "said" in record:
        said = said_from(record["said"], streamed)
        return AssistantMessage(text=said.text, reasoning=said.reasoning, native=said)
    from pydantic_ai.messages import ModelMessagesTypeAdapter, ModelResponse

    from massgen.backends.messages import assistant_message

    parts = [
        {**part, "content": streamed[STREAMED[part["part_kind"]]]}
        if part.get("part_kind") in STREAMED and "content" not in part
        else part
        for part in record.get("parts", [])
    ]
    response = ModelMessagesTypeAdapter.validate_python([{**record, "parts": parts}])[0]
    if not isinstance(response, ModelResponse):
        raise ValueError("the record is no response")
    return assistant_message(response)


def _plain(response: Any) -> dict[str, Any]:
    from pydantic_ai.messages import ModelMessagesTypeAdapter

    dumped = ModelMessagesTypeAdapter.dump_python([response], mode="json")[0]
    return {name: _without_none(value) for name, value in dumped.items() if value is not None and name not in DROPPED}


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(item) for name, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value
