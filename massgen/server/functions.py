"""The caller's functions: read from its request, described to the team, and given back as calls (SRV-011)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from massgen.backends.protocol import ToolCall, ToolSpec
from massgen.runs.chats import BadChatRequest

MOST = 128
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
CHOICES = ("auto", "none", "required")
NOTICE = (
    "Whoever presents may call functions of the person who asks; nobody else can. Where one is needed, say in your "
    "answer which one to call and with which arguments:"
)


def parse_functions(body: Mapping[str, object]) -> tuple[ToolSpec, ...]:
    """The functions that `tools` and `tool_choice` of a chat request offer. Raises `BadChatRequest`."""
    tools = body.get("tools")
    choice = body.get("tool_choice")
    if tools is None:
        return ()
    if not isinstance(tools, list) or len(tools) > MOST:
        raise BadChatRequest(f"'tools' must be a list of at most {MOST} functions.", "tools")
    specs = tuple(_function(item, f"tools[{position}]") for position, item in enumerate(tools))
    names = [spec.name for spec in specs]
    if len(set(names)) < len(names):
        raise BadChatRequest("'tools' must not name a function twice.", "tools")
    wanted = _chosen(choice)
    if wanted is not None and wanted not in names:
        raise BadChatRequest("'tool_choice' names a function that is not in 'tools'.", "tool_choice")
    if choice == "none":
        return ()
    return tuple(spec for spec in specs if wanted in (None, spec.name))


def _chosen(choice: object) -> str | None:
    """The one function that `tool_choice` names, None where it names none."""
    if choice is None or choice in CHOICES:
        return None
    function = choice.get("function") if isinstance(choice, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(name, str):
        raise BadChatRequest("'tool_choice' must be auto, none, required or name a function.", "tool_choice")
    return name


def _function(item: object, where: str) -> ToolSpec:
    function = (
        item.get("function") if isinstance(item, Mapping) and item.get("type", "function") == "function" else None
    )
    if not isinstance(function, Mapping):
        raise BadChatRequest(f"{where} must be an object of type function.", where)
    name, description = function.get("name"), function.get("description") or ""
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BadChatRequest(f"{where}.function.name must be 1 to 64 letters, digits, _ or -.", where)
    if not isinstance(description, str):
        raise BadChatRequest(f"{where}.function.description must be a text.", where)
    if not isinstance(parameters, Mapping) or parameters.get("type", "object") != "object":
        raise BadChatRequest(f"{where}.function.parameters must be a JSON Schema of an object.", where)
    return ToolSpec(name=name, description=description, parameters={"type": "object", **parameters})


def described(specs: Sequence[ToolSpec]) -> str:
    """What the agents are told; the presenter gets the schemas too."""
    lines = []
    for spec in specs:
        properties = spec.parameters.get("properties")
        arguments = ", ".join(map(str, properties)) if isinstance(properties, Mapping) else ""
        lines.append(f"- {spec.name}({arguments}): {' '.join(spec.description.split())}".rstrip(": "))
    return "\n".join((NOTICE, *lines))


def tool_calls(calls: Sequence[ToolCall], *, streamed: bool = False) -> list[dict[str, Any]]:
    """Calls in OpenAI's shape; a streamed one has its index."""
    return [
        {
            **({"index": position} if streamed else {}),
            "id": call.call_id or f"call_{position}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments or "{}"},
        }
        for position, call in enumerate(calls)
    ]
