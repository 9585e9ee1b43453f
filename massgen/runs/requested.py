"""A request as the log keeps it, and back: what another process needs to put the same question again.

The configuration is not part of it, nor are people to ask: who goes on with a run brings them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from massgen.agents.record import response_from, response_record
from massgen.backends.protocol import AssistantMessage, Media, Message, ToolResultMessage, ToolSpec, UserMessage
from massgen.coordination.criteria import Criterion
from massgen.engine.functions import CallerFunctions
from massgen.runs.request import RunRequest
from massgen.workspace.context_paths import RequestedPath

Keep = Callable[[bytes], str]
Load = Callable[[Mapping[str, Any]], Media]
FLAGS = ("plain", "interactive", "quick", "single_agent", "history_since")


def request_record(request: RunRequest, keep: Keep) -> dict[str, Any]:
    """`request` for the log; pictures are kept beside it."""
    return {
        **{name: getattr(request, name) for name in FLAGS},
        "context_paths": [msgspec.to_builtins(path) for path in request.context_paths],
        "criteria": [msgspec.to_builtins(one) for one in request.criteria],
        "history": [_message_record(message, keep) for message in request.history],
        "media": _media_record(request.media, keep),
        "instructions": list(request.instructions),
        "functions": [msgspec.to_builtins(one) for one in request.functions.specs] if request.functions else [],
        "reviewed": request.review is not None,
    }


def request_from(base: RunRequest, values: Mapping[str, Any], load: Load) -> RunRequest:
    """`base` with what was recorded. Raises `ValueError`, `TypeError` or `KeyError` for a record that is none.

    An older log has neither instructions nor functions.
    """
    paths = tuple(
        RequestedPath(**{**one, "protected_paths": tuple(one.get("protected_paths", ()))})
        for one in values["context_paths"]
    )
    functions = tuple(ToolSpec(**one) for one in values.get("functions", ()))
    return replace(
        base,
        **{name: values[name] for name in FLAGS},
        context_paths=paths,
        criteria=tuple(Criterion(**one) for one in values["criteria"]),
        history=tuple(_message(one, load) for one in values["history"]),
        media=tuple(load(one) for one in values["media"]),
        instructions=tuple(map(str, values.get("instructions", ()))),
        functions=CallerFunctions(specs=functions) if functions else None,
    )


def _message_record(message: Message, keep: Keep) -> dict[str, Any]:
    match message:
        case AssistantMessage():
            return {"said": response_record(message, "", "")}
        case UserMessage(text=text, media=media):
            return {"user": text, "media": _media_record(media, keep)}
        case ToolResultMessage():
            found = {name: getattr(message, name) for name in ("call_id", "name", "text", "is_error")}
            return {"result": found, "media": _media_record(message.media, keep)}


def _message(value: Mapping[str, Any], load: Load) -> Message:
    if "said" in value:
        return response_from(value["said"], "", "")
    media = tuple(load(one) for one in value.get("media", ()))
    if "result" in value:
        return ToolResultMessage(**value["result"], media=media)
    return UserMessage(text=value["user"], media=media)


def _media_record(media: Sequence[Media], keep: Keep) -> list[dict[str, str]]:
    return [{"file": keep(one.data), "type": one.media_type, "name": one.name} for one in media]
